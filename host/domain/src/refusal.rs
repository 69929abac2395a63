//! Why something is not done: every reason that is the asker's to mend, with its code and its sentence.

pub mod field_error;
pub mod refusal_kind;
mod told;

use rust_decimal::Decimal;

use crate::billing_plan::entry::Kind;
use crate::money::Currency;
use crate::plan::plan_id::PlanId;
use crate::plugin::hook::Hook;
use crate::usage::exceeded::Exceeded;
use crate::usage::metric::Metric;
use crate::webhook::webhook_refusal::WebhookRefusal;

pub use crate::refusal::field_error::FieldError;
pub use crate::refusal::refusal_kind::RefusalKind;

/// The route that takes payments.
pub const PAYMENT: &str = "/api/v1/billing/payment";

/// What has to be paid first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The plan that is paid for.
    pub plan_id: PlanId,
    /// More than 0.
    pub amount_due: Decimal,
    /// The plan's.
    pub currency: Currency,
}

/// Why a request is refused, in order of precedence: who asks comes before what is asked about, that
/// before the shape of the request, and the shape before the rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The role does not allow it.
    #[error("This needs the role {needed}. Ask for credentials with more rights.")]
    NotAllowed {
        /// The least role that may.
        needed: &'static str,
    },
    /// No key that is known here, or no longer.
    #[error("The API key is not known here; it may have been revoked. Ask an admin for a new one.")]
    KeyUnknown,
    /// The key's time is up.
    #[error("The API key has expired. Ask an admin for a new one.")]
    KeyExpired,
    /// No such tenant.
    #[error("Tenant '{id}' not found. GET /api/v1/admin/tenants lists those there are.")]
    TenantNotFound {
        /// As asked for; not always a valid id.
        id: String,
    },
    /// The tenant has no such API key.
    #[error("API key '{id}' not found. GET /api/v1/admin/api-keys lists those there are.")]
    KeyNotFound {
        /// As asked for.
        id: String,
    },
    /// No such plan, or not for this caller.
    #[error("Plan '{id}' not found.")]
    PlanNotFound {
        /// As asked for; not always a valid id.
        id: String,
    },
    /// The price catalog has no such thing.
    #[error("{kind} '{id}' not found.")]
    EntryNotFound {
        /// Of what kind.
        kind: Kind,
        /// As asked for; not always a valid id.
        id: String,
    },
    /// No such statement, or not for this caller.
    #[error("Statement '{id}' not found.")]
    StatementNotFound {
        /// As asked for.
        id: String,
    },
    /// Nothing prices what a user uses.
    #[error(
        "There is no billing plan for user '{user}': neither the user's plan nor the user's group names one. \
         Give one of them a billing_plan_id."
    )]
    NoBillingPlan {
        /// Whom nothing prices.
        user: String,
    },
    /// The same idempotency key came with another request before.
    #[error(
        "The Idempotency-Key was used for another request before. Send the same body as then, or use \
         another key."
    )]
    KeyReused,
    /// The request was done before, and what it gave was a secret.
    #[error(
        "This request was done before and made the API key '{id}'. Its secret was shown then and is not \
         kept: revoke the key and make another one."
    )]
    KeyMadeBefore {
        /// The API key's.
        id: String,
    },
    /// This very request was done before, and its answer cannot be read any more.
    #[error(
        "This request was done before, and its answer was kept in a form that this release does not read. Look at \
         what it changed; to have it done again, send it with another Idempotency-Key."
    )]
    AnswerOutdated,
    /// What was read before has changed since.
    #[error(
        "{noun} '{id}' has changed since it was read (If-Match). Read it again and decide anew."
    )]
    Stale {
        /// What it is, as a sentence begins.
        noun: &'static str,
        /// Its id.
        id: String,
    },
    /// No such plugin, or not of this tenant.
    #[error("Plugin '{digest}' not found. GET /api/v1/admin/plugins lists those there are.")]
    PluginNotFound {
        /// As asked for; not always a valid digest.
        digest: String,
    },
    /// No such hook.
    #[error("There is no hook '{name}'. There are identity, pricing, validation and templates.")]
    HookNotFound {
        /// As asked for.
        name: String,
    },
    /// The bindings are others than those that were read.
    #[error(
        "The plugin bindings have changed since they were read (If-Match). Read them again and decide anew."
    )]
    StaleBindings,
    /// The bytes cannot be a plugin.
    #[error("{reason}")]
    NotAPlugin {
        /// A whole sentence, with what is missing or too much.
        reason: String,
    },
    /// It may not be bound yet.
    #[error(
        "Plugin '{digest}' is {state}, and only one that is ready can be bound. GET \
         /api/v1/admin/plugins/{digest} shows how far it is."
    )]
    PluginNotReady {
        /// Which one.
        digest: String,
        /// How far it is.
        state: &'static str,
    },
    /// Something rests on the plugin.
    #[error(
        "Plugin '{digest}' is bound to the hook '{hook}'{elsewhere}. Take it out there first: PUT or DELETE \
         /api/v1/admin/plugin-bindings/{hook}."
    )]
    PluginBound {
        /// Which one.
        digest: String,
        /// Where.
        hook: Hook,
        /// Where else, if it is the host's: ` by a tenant`.
        elsewhere: &'static str,
    },
    /// What it priced can be asked again as long as it is there.
    #[error(
        "Plugin '{digest}' has priced what somebody was charged, and is kept so that it can be asked again. It need not \
         be bound: PUT another one to /api/v1/admin/plugin-bindings/pricing."
    )]
    PluginPriced {
        /// Which one.
        digest: String,
    },
    /// It is not kept, since it came with another release of the program.
    #[error(
        "The plugin '{name}' ({digest}) is not here: it came with the configuration of then. POST it to \
         /api/v1/admin/plugins, or name another one in digest."
    )]
    PricerGone {
        /// As it called itself.
        name: String,
        /// Which one.
        digest: String,
    },
    /// There are as many as there may be.
    #[error(
        "There are {most} plugins, and no more are kept. DELETE one that is not needed any more."
    )]
    TooManyPlugins {
        /// How many there may be.
        most: u64,
    },
    /// Fields that are wrong in themselves.
    #[error("{}", sentences(.0))]
    Invalid(Vec<FieldError>),
    /// What was asked was understood, and cannot be: each with the field that is in the way.
    #[error("{}", sentences(.0))]
    Unfit(Vec<FieldError>),
    /// Something names it.
    #[error("{kind} '{name}' cannot {what}: {by}.")]
    EntryInUse {
        /// Of what kind.
        kind: Kind,
        /// What people call it.
        name: String,
        /// What was to become of it: `be deleted`.
        what: &'static str,
        /// What names it, and what to do.
        by: String,
    },
    /// There are as many as there may be.
    #[error("There are {most} of the kind {}, and no more are kept. Delete one that is not needed any more.", .kind.as_str())]
    TooManyEntries {
        /// Of which kind.
        kind: Kind,
        /// How many there may be.
        most: u64,
    },
    /// The id is taken.
    #[error("Plan '{id}' already exists. Choose another id, or leave it out to have one made.")]
    PlanExists {
        /// The id.
        id: String,
    },
    /// The tenant's id is taken.
    #[error("Tenant '{id}' already exists. Choose another id.")]
    TenantExists {
        /// The id.
        id: String,
    },
    /// What the validation plugins found; at least one error.
    #[error("{}", sentences(.0))]
    Rejected(Vec<FieldError>),
    /// The host's own last word, whatever plugins say: a live subscription never loses its plan.
    #[error(
        "Cannot delete plan '{id}' with active subscriptions. Deactivate it instead: PATCH \
         /api/v1/admin/billing/plans/{id}/toggle."
    )]
    PlanInUse {
        /// The plan's.
        id: String,
    },
    /// Subscriptions go on with it when their period ends.
    #[error(
        "Cannot delete plan '{id}': {} to it at the end of their period. Deactivate it instead: PATCH \
         /api/v1/admin/billing/plans/{id}/toggle, or delete it when they have it no more.",
        changes(*.count)
    )]
    PlanAwaited {
        /// The plan's.
        id: String,
        /// How many subscriptions.
        count: u64,
    },
    /// It governs users without a subscription.
    #[error(
        "Cannot delete plan '{id}': it is the default plan of users without a subscription. Name another \
         one, or null, as default_plan first: PUT /api/v1/admin/settings."
    )]
    PlanIsDefault {
        /// The plan's.
        id: String,
    },
    /// A plan that users cannot take now.
    #[error("Plan '{id}' is not active. GET /api/v1/billing/plans lists those that are.")]
    PlanInactive {
        /// The plan's.
        id: String,
    },
    /// The user has a subscription already.
    #[error(
        "You are subscribed to plan '{plan}' already. Take another plan with POST \
         /api/v1/billing/subscription/change."
    )]
    AlreadySubscribed {
        /// The plan that the user has.
        plan: String,
    },
    /// The user has no live subscription.
    #[error("There is no subscription. POST /api/v1/billing/subscription makes one.")]
    NotSubscribed,
    /// It costs something.
    #[error(
        "Plan '{}' costs {} {} now. Pay with POST {}, and it takes effect.",
        .0.plan_id, .0.amount_due.normalize(), .0.currency.code(), PAYMENT
    )]
    PaymentRequired(Due),
    /// There is nothing to pay for.
    #[error("Nothing is due for plan '{plan}' now.")]
    NothingDue {
        /// The plan's.
        plan: String,
    },
    /// Nothing is to be paid for a statement.
    #[error("Statement '{id}' is {status}: nothing is to be paid for it now.")]
    StatementNotOpen {
        /// Which one.
        id: String,
        /// How far it is instead.
        status: &'static str,
    },
    /// The provider does not want the user's money.
    #[error(
        "The payment provider does not take this payment on. The log and GET /api/v1/billing/transactions have why \
         (provider_status); ask an admin, or try another plan."
    )]
    PaymentRefused,
    /// Only a sandbox's time is set by hand.
    #[error("The time of tenant '{tenant}' is the real one. Only that of a sandbox can be set.")]
    NotASandbox {
        /// The tenant's.
        tenant: String,
    },
    /// The event's id came with other usage before.
    #[error(
        "The event_id '{event_id}' was recorded for other usage before. Send the same as then, or use another \
         event_id."
    )]
    EventReused {
        /// As it was sent.
        event_id: String,
    },
    /// The quota does not reach, and nothing is recorded.
    #[error(
        "The quota of {} is {}, and {} of it are used: {} more is past it. {}",
        .0.metric, .0.limit, .0.current, .0.amount, .0.begins_again()
    )]
    QuotaExceeded(Box<Exceeded>),
    /// The total would be more than a number holds.
    #[error("The usage of {metric} would be more than can be counted, so nothing is recorded.")]
    UsageTooLarge {
        /// Of which metric.
        metric: Metric,
    },
    /// No such template pack.
    #[error(
        "Template pack '{name}' not found. GET /api/v1/admin/template-packs lists those there are."
    )]
    PackNotFound {
        /// As asked for.
        name: String,
    },
    /// About a webhook endpoint.
    #[error(transparent)]
    Webhook(#[from] WebhookRefusal),
}

impl Refusal {
    /// What cannot be, for one field.
    #[must_use]
    pub fn unfit(error: FieldError) -> Self {
        Self::Unfit(vec![error])
    }

    /// A metric that the tenant does not have.
    #[must_use]
    pub fn unknown_metric(metric: &Metric) -> Self {
        // What was sent is shown back, but not at any length.
        let name: String = metric.as_str().chars().take(128).collect();
        let message = format!("Invalid metric: {name}");
        Self::Invalid(vec![FieldError::new("metric", "invalid_metric", &message)])
    }
}

fn changes(count: u64) -> String {
    match count {
        1 => "1 subscription changes".to_owned(),
        many => format!("{many} subscriptions change"),
    }
}

fn sentences(errors: &[FieldError]) -> String {
    errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_that_is_unknown_is_shown_but_not_at_any_length() {
        let said = |name: &str| Refusal::unknown_metric(&Metric::named(name)).to_string();
        assert_eq!(said("x y"), "Invalid metric: x y");
        assert!(said(&"x".repeat(999)).len() < 200);
    }
}
