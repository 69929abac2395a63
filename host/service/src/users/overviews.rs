//! All that a user's own page shows, in one answer that agrees with itself: it is read from one snapshot.

use planwright_domain::user::overview::Overview;
use planwright_store::Store;

use crate::app::App;
use crate::error::Error;
use crate::keys::Keys;
use crate::payments::transactions;
use crate::request::Request;
use crate::subscriptions::entitlements;
use crate::usage;
use crate::users::credit;

/// The caller's.
///
/// # Errors
/// When the store does not answer.
pub async fn own<S: Store>(app: &App<S>, by: &Request) -> Result<Overview, Error> {
    let (tenant, user_id) = (&by.caller.tenant, by.caller.user_id.as_str());
    let (snapshot, governing) = entitlements::now(app, tenant, user_id, by.now).await?;
    let reports = usage::reports_of(app, &snapshot, tenant, user_id, &governing).await?;
    let credit = credit::of(&snapshot, &Keys::of(tenant), user_id).await?;
    let last = Overview::TRANSACTIONS;
    let transactions = transactions::of_user(&snapshot, tenant, user_id, last).await?;
    let (subscription, plan) = (governing.subscription.clone(), governing.plan.clone());
    Ok(Overview::new(subscription, plan, reports, credit, transactions))
}
