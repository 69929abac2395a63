//! What prices a user's usage: which billing plan, in which region, and by which phase of the user's clock. What was found
//! out is kept decoded.

use std::collections::BTreeMap;

use planwright_domain::billing_plan::BillingPhase;
use planwright_domain::billing_plan::phase_clock::{PhaseSpan, phase_at, spans};
use planwright_domain::statement::segment::Segment;
use planwright_domain::time::Timestamp;
use planwright_domain::usage::metric::Metric;
use planwright_store::{ChangeSet, Snapshot, StoreError};

use crate::billing_plans::book_cache::Book;
use crate::documents::UserRecord;
use crate::keys::Keys;
use crate::subscriptions::governing::RestsOn;

/// What prices a user.
pub(crate) struct Metering {
    /// The billing plan that the user's plan has, whichever one it is that prices.
    pub(super) of_plan: Option<u64>,
    pub(super) billing_plan_id: u64,
    pub(super) region_id: u64,
    /// Since when the user's clock runs; it begins with the first priced event.
    pub(super) started: Option<Timestamp>,
    pub(super) priced: BTreeMap<Metric, Phases>,
    /// What is known of the user, and the version of that.
    pub(super) user: (Option<u64>, UserRecord),
    /// How often the price catalog had changed.
    pub(super) changes: i64,
    pub(super) rests_on: RestsOn,
}

/// The phases of one product, without their prices.
pub(super) struct Phases {
    phases: Vec<BillingPhase>,
    /// When they are over, if the user's clock runs.
    spans: Vec<PhaseSpan>,
}

impl Metering {
    /// Whether it is what a snapshot would say, of a user whose plan has this billing plan.
    pub(super) async fn holds<N: Snapshot>(
        &self,
        snapshot: &N,
        of_plan: Option<u64>,
        changes: i64,
    ) -> Result<bool, StoreError> {
        let is_of = self.of_plan == of_plan && self.changes == changes;
        Ok(is_of && self.rests_on.holds(snapshot).await?)
    }

    /// Whether nothing changes it but what it rests on. A clock that does not run begins with a subscription, too, of
    /// which nothing here would tell.
    pub(super) fn may_be_kept(&self) -> bool {
        self.started.is_some() || self.priced.is_empty()
    }

    /// Expects it to be so still when the change is committed.
    pub(super) fn expect(&self, keys: &Keys, change: &mut ChangeSet) {
        change.expect_counter(&keys.entry_changes(), self.changes);
        self.rests_on.expect(change);
    }

    /// Where a metric that is priced is counted, if it was used at an instant and the clock runs since another.
    pub(super) fn segment(
        &self,
        metric: &Metric,
        started: Timestamp,
        at: Timestamp,
    ) -> Option<Segment> {
        let Phases { phases, spans: known } = self.priced.get(metric)?;
        let phase = if self.started == Some(started) {
            phase_at(known, at)?
        } else {
            phase_at(&spans(phases, started), at)?
        };
        let (region_id, billing_plan_id) = (self.region_id, self.billing_plan_id);
        Some(Segment { metric: metric.clone(), phase, region_id, billing_plan_id })
    }
}

/// The phases of what a billing plan prices, by the metric that it is counted under.
pub(super) fn phases(book: &Book, started: Option<Timestamp>) -> BTreeMap<Metric, Phases> {
    let of_resource = book.plan.resources.iter().filter_map(|resource| {
        let product = book.named.products.get(&resource.product_id)?;
        let phases: Vec<BillingPhase> = resource
            .phases
            .iter()
            .map(|phase| BillingPhase { prices: Vec::new(), ..phase.clone() })
            .collect();
        let spans = started.map(|started| spans(&phases, started)).unwrap_or_default();
        Some((Metric::named(&product.external_id), Phases { phases, spans }))
    });
    of_resource.collect()
}
