//! Plans with their subscribers counted, for admins.

use std::collections::HashMap;

use planwright_domain::money::Currency;
use planwright_domain::period::Interval;
use planwright_domain::plan::Plan;
use planwright_domain::plan::plan_stats::PlanStats;
use planwright_domain::plan::review::SubscriptionCounts;
use planwright_domain::subscription::Status;
use planwright_store::{Part, Scan, Snapshot, Store, StoreError};

use crate::app::App;
use crate::error::Error;
use crate::keys::Keys;
use crate::plans::plan_lookup::{Tagged, load};
use crate::request::Request;
use crate::subscriptions::subscription_records::subscription_counts;
use crate::worker;

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
    worker::work_plan(app, &by.caller.tenant, None, by.now).await?;
    let snapshot = app.store.snapshot().await?;
    let catalog = app.plans.read(&snapshot, &by.caller.tenant).await?;
    let counts = all_counts(&snapshot, &Keys::of(&by.caller.tenant)).await?;
    let shown = catalog.plans().iter().filter(|record| filter.takes(&record.plan));
    Ok(shown
        .map(|record| {
            let place = (record.plan.id.to_string(), record.generation);
            PlanStats::new(record.plan.clone(), counts.get(&place).copied().unwrap_or_default())
        })
        .collect())
}

/// The subscribers of all plans, by id and generation, in one walk.
async fn all_counts<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
) -> Result<HashMap<(String, u64), SubscriptionCounts>, StoreError> {
    let mut counts: HashMap<_, SubscriptionCounts> = HashMap::new();
    for (key, holds) in snapshot.counters(&keys.all_subscribers(), Scan::first(usize::MAX)).await? {
        let parts = key.parts();
        let [Part::Text(id), Part::Number(generation), Part::Text(status)] = parts.as_slice()
        else {
            continue;
        };
        let Some(status) = Status::from_name(status) else { continue };
        let holds = u64::try_from(holds).unwrap_or(0);
        counts.entry((id.clone(), *generation)).or_default().set(status, holds);
    }
    Ok(counts)
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
    worker::work_plan(app, &by.caller.tenant, Some(id), by.now).await?;
    let snapshot = app.store.snapshot().await?;
    let (_, record) = load(&snapshot, by, id).await?;
    let counts = subscription_counts(&snapshot, &Keys::of(&by.caller.tenant), &record).await?;
    Ok(Tagged { tag: record.tag(), value: PlanStats::new(record.plan, counts) })
}
