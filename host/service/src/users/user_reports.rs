//! Users as admins see them: what is known of each, and how each is subscribed.

use planwright_domain::page::{Page, PageRequest};
use planwright_domain::user::User;
use planwright_domain::user::user_report::UserReport;
use planwright_store::{Snapshot, Store};

use crate::app::App;
use crate::error::Error;
use crate::keys::Keys;
use crate::request::Request;
use crate::subscriptions::subscription_records;
use crate::users::credit;
use crate::{subscriptions, users, worker};

/// One page of the tenant's users, by id: all of whom something is known, or those whose id, email or name mentions
/// something.
///
/// # Errors
/// When the store does not answer.
pub async fn list<S: Store>(
    app: &App<S>,
    by: &Request,
    sought: Option<&str>,
    page: PageRequest,
) -> Result<Page<UserReport>, Error> {
    worker::work_plan(app, &by.caller.tenant, None, by.now).await?;
    let snapshot = app.store.snapshot().await?;
    let (found, total) = users::page_of(&snapshot, &by.caller.tenant, sought, page).await?;
    let mut reports = Vec::with_capacity(found.len());
    for user in found {
        reports.push(report(&snapshot, by, user).await?);
    }
    Ok(page.answer(reports, total))
}

/// One user.
///
/// # Errors
/// Not found where nothing is known of such a user.
pub async fn get<S: Store>(app: &App<S>, by: &Request, id: &str) -> Result<UserReport, Error> {
    let user = users::get(app, by, id).await?;
    let snapshot = subscriptions::settled(app, &by.caller.tenant, id, by.now).await?;
    report(&snapshot, by, user).await
}

async fn report<N: Snapshot>(snapshot: &N, by: &Request, user: User) -> Result<UserReport, Error> {
    let live = subscription_records::live(snapshot, &by.caller.tenant, &user.id).await?;
    let credit = credit::of(snapshot, &Keys::of(&by.caller.tenant), &user.id).await?;
    Ok(UserReport::new(user, live.map(|(_, record)| record.held.subscription), credit))
}
