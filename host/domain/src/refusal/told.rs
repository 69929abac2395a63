//! What a refusal is for whoever tells of it: its code, what it is about, and the fields at fault.

use super::{FieldError, Refusal, RefusalKind};

impl Refusal {
    /// For machines; stable.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAllowed { .. } => "not_allowed",
            Self::KeyUnknown | Self::KeyExpired => "bad_credentials",
            Self::TenantNotFound { .. } => "tenant_not_found",
            Self::KeyNotFound { .. } => "api_key_not_found",
            Self::PlanNotFound { .. } => "plan_not_found",
            Self::EntryNotFound { kind, .. } => kind.not_found_code(),
            Self::StatementNotFound { .. } => "statement_not_found",
            Self::NoBillingPlan { .. } => "no_billing_plan",
            Self::KeyReused => "idempotency_key_reused",
            Self::KeyMadeBefore { .. } => "already_done",
            Self::AnswerOutdated => "answer_outdated",
            Self::Stale { .. } => "stale",
            Self::PluginNotFound { .. } => "plugin_not_found",
            Self::HookNotFound { .. } => "hook_not_found",
            Self::StaleBindings => "stale",
            Self::NotAPlugin { .. } => "not_a_plugin",
            Self::PluginNotReady { .. } => "plugin_not_ready",
            Self::PluginBound { .. } => "plugin_bound",
            Self::PluginPriced { .. } => "plugin_priced",
            Self::PricerGone { .. } => "pricer_gone",
            Self::TooManyPlugins { .. } => "too_many_plugins",
            Self::Invalid(_) => "invalid_request",
            Self::Unfit(_) => "unprocessable",
            Self::EntryInUse { .. } => "in_use",
            Self::TooManyEntries { .. } => "too_many",
            Self::PlanExists { .. } => "plan_exists",
            Self::TenantExists { .. } => "tenant_exists",
            Self::Rejected(_) => "rejected",
            Self::PlanInUse { .. } => "plan_in_use",
            Self::PlanAwaited { .. } => "plan_awaited",
            Self::PlanIsDefault { .. } => "plan_is_default",
            Self::PlanInactive { .. } => "plan_inactive",
            Self::AlreadySubscribed { .. } => "already_subscribed",
            Self::NotSubscribed => "not_subscribed",
            Self::PaymentRequired(_) => "payment_required",
            Self::NothingDue { .. } | Self::StatementNotOpen { .. } => "nothing_due",
            Self::PaymentRefused => "payment_refused",
            Self::NotASandbox { .. } => "not_a_sandbox",
            Self::EventReused { .. } => "event_id_reused",
            Self::QuotaExceeded(_) => "quota_exceeded",
            Self::UsageTooLarge { .. } => "usage_too_large",
            Self::PackNotFound { .. } => "pack_not_found",
            Self::Webhook(refusal) => refusal.code(),
        }
    }

    /// What it is about.
    #[must_use]
    pub fn kind(&self) -> RefusalKind {
        match self {
            Self::NotAllowed { .. } | Self::KeyUnknown | Self::KeyExpired => RefusalKind::Forbidden,
            Self::TenantNotFound { .. }
            | Self::KeyNotFound { .. }
            | Self::PlanNotFound { .. }
            | Self::PackNotFound { .. }
            | Self::EntryNotFound { .. }
            | Self::StatementNotFound { .. }
            | Self::NoBillingPlan { .. }
            | Self::NotSubscribed
            | Self::PluginNotFound { .. }
            | Self::HookNotFound { .. } => RefusalKind::Missing,
            Self::KeyReused | Self::AnswerOutdated | Self::EventReused { .. } => {
                RefusalKind::KeyReused
            }
            Self::NotAPlugin { .. }
            | Self::Unfit(_)
            | Self::EntryInUse { .. }
            | Self::TooManyEntries { .. } => RefusalKind::Unfit,
            Self::KeyMadeBefore { .. }
            | Self::AlreadySubscribed { .. }
            | Self::PluginNotReady { .. }
            | Self::PluginBound { .. }
            | Self::PluginPriced { .. }
            | Self::PricerGone { .. }
            | Self::TooManyPlugins { .. } => RefusalKind::Conflict,
            Self::Webhook(refusal) => refusal.kind(),
            Self::PaymentRequired(_) => RefusalKind::PaymentRequired,
            Self::QuotaExceeded(_) => RefusalKind::TooMuch,
            Self::Stale { .. } | Self::StaleBindings => RefusalKind::Stale,
            Self::Invalid(_)
            | Self::PlanExists { .. }
            | Self::TenantExists { .. }
            | Self::Rejected(_)
            | Self::PlanInUse { .. }
            | Self::PlanAwaited { .. }
            | Self::PlanInactive { .. }
            | Self::NothingDue { .. }
            | Self::StatementNotOpen { .. }
            | Self::PaymentRefused
            | Self::NotASandbox { .. }
            | Self::UsageTooLarge { .. }
            | Self::PlanIsDefault { .. } => RefusalKind::Invalid,
        }
    }

    /// The fields at fault, if any are.
    #[must_use]
    pub fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(errors) | Self::Rejected(errors) | Self::Unfit(errors) => errors.clone(),
            Self::PlanExists { .. } | Self::TenantExists { .. } => {
                vec![FieldError::new("id", self.code(), &self.to_string())]
            }
            Self::NotAllowed { .. }
            | Self::KeyUnknown
            | Self::KeyExpired
            | Self::TenantNotFound { .. }
            | Self::KeyNotFound { .. }
            | Self::PlanNotFound { .. }
            | Self::PackNotFound { .. }
            | Self::EntryNotFound { .. }
            | Self::StatementNotFound { .. }
            | Self::NoBillingPlan { .. }
            | Self::EntryInUse { .. }
            | Self::TooManyEntries { .. }
            | Self::KeyReused
            | Self::KeyMadeBefore { .. }
            | Self::AnswerOutdated
            | Self::Stale { .. }
            | Self::PluginNotFound { .. }
            | Self::HookNotFound { .. }
            | Self::StaleBindings
            | Self::NotAPlugin { .. }
            | Self::PluginNotReady { .. }
            | Self::PluginBound { .. }
            | Self::PluginPriced { .. }
            | Self::PricerGone { .. }
            | Self::TooManyPlugins { .. }
            | Self::PlanInUse { .. }
            | Self::PlanAwaited { .. }
            | Self::PlanInactive { .. }
            | Self::AlreadySubscribed { .. }
            | Self::NotSubscribed
            | Self::PaymentRequired(_)
            | Self::NothingDue { .. }
            | Self::StatementNotOpen { .. }
            | Self::PaymentRefused
            | Self::NotASandbox { .. }
            | Self::Webhook(_)
            | Self::EventReused { .. }
            | Self::QuotaExceeded(_)
            | Self::UsageTooLarge { .. }
            | Self::PlanIsDefault { .. } => Vec::new(),
        }
    }
}
