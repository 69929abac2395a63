//! Usage against quotas, looked at: what may be done, and how far quotas are used.

pub(crate) mod looked_at;
pub(crate) mod metric_cache;
pub(crate) mod metric_records;
mod metrics;
pub(crate) mod quota_thresholds;
pub mod usage_batches;
mod usage_counts;
pub mod usage_events;
pub(crate) mod usage_expiry;
mod usage_sums;
pub(crate) mod usage_windows;

use planwright_domain::Refusal;
use planwright_domain::refusal::FieldError;
use planwright_domain::tenant::caller::{Role, TenantId};
use planwright_domain::time::Timestamp;
use planwright_domain::usage::metric::Metric;
use planwright_domain::usage::quantity::Quantity;
use planwright_domain::usage::usage_event::Asked;
use planwright_domain::usage::{Allowance, Limit, OneOrEach, UsageReport};
use planwright_store::{Snapshot, Store};

use self::metrics::Known;
use crate::app::App;
use crate::error::Error;
use crate::keys::Keys;
use crate::request::Request;
use crate::subscriptions::entitlements;
use crate::subscriptions::governing::Governing;

/// Whose usage a request is about: the caller's own, unless it names another user.
///
/// # Errors
/// A user that asks about another one, or a service that does not say about whom: it has no usage of its own.
pub fn whose<'a>(by: &'a Request, named: Option<&'a str>) -> Result<&'a str, Refusal> {
    let own = by.caller.user_id.as_str();
    match (named, by.caller.role) {
        (Some(user), Role::User) if user != own => Err(Refusal::NotAllowed { needed: "service" }),
        (Some(user), _) => Ok(user),
        (None, Role::Service) => {
            let message = "Say in user_id about which user this is.";
            Err(Refusal::Invalid(vec![FieldError::new("user_id", "missing_field", message)]))
        }
        (None, Role::User | Role::Admin | Role::Operator) => Ok(own),
    }
}

/// Whether a user may use so much more. Nothing is consumed.
///
/// # Errors
/// A metric that there is not.
pub async fn check<S: Store>(
    app: &App<S>,
    by: &Request,
    user_id: &str,
    asked: &Asked,
) -> Result<OneOrEach<Allowance>, Error> {
    let tenant = &by.caller.tenant;
    let (snapshot, governing) = entitlements::now(app, tenant, user_id, by.now).await?;
    let keys = Keys::of(tenant);
    Known::default().must_have(app, &snapshot, tenant, asked.amounts.keys()).await?;
    let mut found = Vec::with_capacity(asked.amounts.len());
    for (metric, amount) in &asked.amounts {
        let current = current(&snapshot, &keys, user_id, &governing, metric).await?;
        let limit = Limit::of(governing.plan.as_ref(), metric);
        found.push(Allowance::of(limit, current, *amount));
    }
    Ok(as_asked(asked, found))
}

/// How far a user's quota of a metric is used.
///
/// # Errors
/// A metric that there is not.
pub async fn report<S: Store>(
    app: &App<S>,
    by: &Request,
    user_id: &str,
    metric: Metric,
) -> Result<UsageReport, Error> {
    let (snapshot, governing) = entitlements::now(app, &by.caller.tenant, user_id, by.now).await?;
    Known::default().must_have(app, &snapshot, &by.caller.tenant, [&metric]).await?;
    report_of(&snapshot, &by.caller.tenant, user_id, &governing, metric).await
}

/// How far a user's quotas of all metrics are used, at an instant that is now.
///
/// # Errors
/// When the store does not answer.
pub async fn reports<S: Store>(
    app: &App<S>,
    tenant: &TenantId,
    user_id: &str,
    now: Timestamp,
) -> Result<Vec<UsageReport>, Error> {
    let (snapshot, governing) = entitlements::now(app, tenant, user_id, now).await?;
    reports_of(app, &snapshot, tenant, user_id, &governing).await
}

/// The same, as a snapshot has it, where it is known what governs the user.
pub(crate) async fn reports_of<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    tenant: &TenantId,
    user_id: &str,
    governing: &Governing,
) -> Result<Vec<UsageReport>, Error> {
    let mut reports = Vec::new();
    for metric in &app.metrics.read(snapshot, tenant).await?.all {
        reports.push(report_of(snapshot, tenant, user_id, governing, metric.clone()).await?);
    }
    Ok(reports)
}

async fn report_of<N: Snapshot>(
    snapshot: &N,
    tenant: &TenantId,
    user_id: &str,
    governing: &Governing,
    metric: Metric,
) -> Result<UsageReport, Error> {
    let keys = Keys::of(tenant);
    let current = current(snapshot, &keys, user_id, governing, &metric).await?;
    let limit = Limit::of(governing.plan.as_ref(), &metric);
    Ok(UsageReport::of(metric, limit, current, governing.window))
}

async fn current<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    user_id: &str,
    governing: &Governing,
    metric: &Metric,
) -> Result<Quantity, Error> {
    let key = keys.usage(user_id, governing.usage_epoch, governing.window.start, metric);
    Ok(Quantity::from_millionths(snapshot.counter(&key).await?))
}

/// Answers in the order of what was asked, to one metric or to each by its name.
pub(crate) fn as_asked<T>(asked: &Asked, answers: Vec<T>) -> OneOrEach<T> {
    let mut answers = answers.into_iter();
    match answers.next() {
        Some(only) if asked.is_one => OneOrEach::One(only),
        first => {
            let names = asked.amounts.keys().map(ToString::to_string);
            OneOrEach::Each(names.zip(first.into_iter().chain(answers)).collect())
        }
    }
}
