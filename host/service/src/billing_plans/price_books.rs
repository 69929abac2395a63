//! What prices a user's usage, and what a billing plan names.

use planwright_domain::billing_plan::BillingPlan;
use planwright_domain::billing_plan::entry::Kind;
use planwright_domain::billing_plan::price_book::Named;
use planwright_domain::billing_plan::region::Region;
use planwright_domain::billing_plan::user_group::UserGroup;
use planwright_domain::money::Currency;
use planwright_domain::plan::Plan;
use planwright_domain::tenant::settings::Settings;
use planwright_domain::time::Timestamp;
use planwright_domain::user::UserFacts;
use planwright_store::{Scan, Snapshot, StoreError};

use crate::billing_plans::entry_records::{all, find};
use crate::documents::{PlanSubscription, UserRecord};
use crate::keys::Keys;
use crate::subscriptions::subscription_records;

/// Where a user is, in what the user pays, and since when phases follow one another.
pub(crate) struct Standing {
    pub(crate) group: Option<UserGroup>,
    pub(crate) region: Option<Region>,
    pub(crate) currency: Option<Currency>,
    pub(crate) phase_started: Option<Timestamp>,
}

impl Standing {
    /// A user's, by what is known.
    pub(crate) async fn of_user<N: Snapshot>(
        snapshot: &N,
        keys: &Keys,
        settings: &Settings,
        user_id: &str,
        known: &UserRecord,
    ) -> Result<Self, StoreError> {
        let group = known.group.as_deref();
        Self::read(snapshot, keys, settings, Some((user_id, &known.facts)), group).await
    }

    /// What an admin noted of the user comes first, then what the user's credentials say, then what holds for the
    /// tenant.
    pub(crate) async fn read<N: Snapshot>(
        snapshot: &N,
        keys: &Keys,
        settings: &Settings,
        user: Option<(&str, &UserFacts)>,
        group_of_credentials: Option<&str>,
    ) -> Result<Self, StoreError> {
        let nobody = UserFacts::default();
        let facts = user.map_or(&nobody, |(_, facts)| facts);
        let region = match facts.region_id.or(settings.region_id) {
            Some(id) => find(snapshot, keys, id).await?.map(|(_, region)| region),
            None => None,
        };
        let phase_started = match (facts.phase_started, user) {
            (None, Some((id, _))) => first_subscribed(snapshot, keys, id).await?,
            (noted, _) => noted,
        };
        Ok(Self {
            group: group(snapshot, keys, facts.user_group_id, group_of_credentials).await?,
            region,
            currency: facts.currency.or(settings.currency),
            phase_started,
        })
    }

    /// The billing plan of the user: the plan's, else the group's.
    pub(crate) fn book(&self, plan: Option<&Plan>) -> Option<u64> {
        self.book_beside(plan.and_then(|plan| plan.billing_plan_id))
    }

    /// The same where it is known which one the plan has.
    pub(crate) fn book_beside(&self, of_plan: Option<u64>) -> Option<u64> {
        of_plan.or_else(|| self.group.as_ref().and_then(|group| group.billing_plan_id))
    }
}

/// The group of a user: the one that is noted, else the one that credentials name, else the default one.
async fn group<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    noted: Option<u64>,
    of_credentials: Option<&str>,
) -> Result<Option<UserGroup>, StoreError> {
    if let Some(id) = noted {
        return Ok(find(snapshot, keys, id).await?.map(|(_, group)| group));
    }
    let groups = all::<UserGroup, _>(snapshot, keys).await?;
    let said = of_credentials.and_then(|name| groups.iter().find(|group| group.name == name));
    Ok(said.or_else(|| groups.iter().find(|group| group.is_default)).cloned())
}

/// When a user first subscribed.
async fn first_subscribed<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    user_id: &str,
) -> Result<Option<Timestamp>, StoreError> {
    let oldest = snapshot.scan(&keys.user_subscriptions(user_id), Scan::last(1)).await?;
    let Some((_, place)) = oldest.first() else { return Ok(None) };
    let id = place.decode::<PlanSubscription>()?.subscription_id;
    Ok(Some(subscription_records::load(snapshot, keys, &id).await?.created_at))
}

/// What of a billing plan is not there, by what names it.
pub(crate) fn missing(plan: &BillingPlan, named: &Named) -> Option<(Kind, u64)> {
    let uses = plan.uses();
    let product = uses.products.keys().find(|id| !named.products.contains_key(id));
    let region = uses.regions.keys().find(|id| !named.regions.contains_key(id));
    product.map(|id| (Kind::Product, *id)).or_else(|| region.map(|id| (Kind::Region, *id)))
}
