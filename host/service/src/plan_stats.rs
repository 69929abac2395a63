//! Plans with their subscribers counted, for admins.

use planwright_domain::money::Currency;
use planwright_domain::period::Interval;
use planwright_domain::plan::Plan;
use planwright_domain::plan_stats::PlanStats;
use planwright_store::{Snapshot, Store, StoreError};

use crate::app::{App, Request};
use crate::documents::PlanRecord;
use crate::error::Error;
use crate::keys::Keys;
use crate::plan_commit::subscription_counts;
use crate::plan_lookup::{Tagged, find};

/// Which plans an admin wants to see; all of them where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct PlanFilter {
    /// On or off.
    pub is_active: Option<bool>,
    /// In this currency.
    pub currency: Option<Currency>,
    /// Paid this often.
    pub interval: Option<Interval>,
    /// A part of the id or of a name, whatever its case.
    pub q: Option<String>,
}

impl PlanFilter {
    fn takes(&self, plan: &Plan) -> bool {
        self.is_active.is_none_or(|is_active| plan.is_active == is_active)
            && self.currency.is_none_or(|currency| plan.currency == currency)
            && self.interval.is_none_or(|interval| plan.interval == interval)
            && self.q.as_deref().is_none_or(|part| mentions(plan, part))
    }
}

fn mentions(plan: &Plan, part: &str) -> bool {
    let part = part.to_lowercase();
    [Some(plan.id.as_str()), Some(plan.name.as_str()), plan.name_ru.as_deref()]
        .into_iter()
        .flatten()
        .any(|text| text.to_lowercase().contains(&part))
}

/// All plans, inactive ones too, in the order of lists.
///
/// # Errors
/// When the store does not answer.
pub async fn list<S: Store>(
    app: &App<S>,
    by: &Request,
    filter: &PlanFilter,
) -> Result<Vec<PlanStats>, Error> {
    let snapshot = app.store.snapshot().await?;
    let catalog = app.catalogs.read(&snapshot, &by.caller.tenant).await?;
    let keys = Keys::of(&by.caller.tenant);
    let mut all = Vec::new();
    for record in catalog.plans().iter().filter(|record| filter.takes(&record.plan)) {
        all.push(stats(&snapshot, &keys, record).await?);
    }
    Ok(all)
}

/// One plan.
///
/// # Errors
/// Not found.
pub async fn get<S: Store>(
    app: &App<S>,
    by: &Request,
    id: &str,
) -> Result<Tagged<PlanStats>, Error> {
    let snapshot = app.store.snapshot().await?;
    let catalog = app.catalogs.read(&snapshot, &by.caller.tenant).await?;
    let record = find(&catalog, id)?;
    let value = stats(&snapshot, &Keys::of(&by.caller.tenant), record).await?;
    Ok(Tagged { value, tag: record.tag() })
}

async fn stats<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    record: &PlanRecord,
) -> Result<PlanStats, StoreError> {
    let counts = subscription_counts(snapshot, keys, record).await?;
    Ok(PlanStats::new(record.plan.clone(), counts))
}
