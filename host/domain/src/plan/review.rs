//! What is put to a validation plugin, and what it answers.

use serde::{Deserialize, Serialize};

use crate::plan::Plan;
use crate::refusal::{FieldError, Refusal};
use crate::subscription::Status;
use crate::tenant::caller::TenantId;
use crate::time::Timestamp;

/// How many subscriptions rest on a plan, by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionCounts {
    /// In their trial.
    pub trialing: u64,
    /// Paid.
    pub active: u64,
    /// In the days of grace after a payment that did not come.
    pub past_due: u64,
    /// Over.
    pub canceled: u64,
}

impl SubscriptionCounts {
    /// How many are in a status.
    #[must_use]
    pub fn of(self, status: Status) -> u64 {
        match status {
            Status::Trialing => self.trialing,
            Status::Active => self.active,
            Status::PastDue => self.past_due,
            Status::Canceled => self.canceled,
        }
    }

    /// Says how many are in a status.
    pub fn set(&mut self, status: Status, count: u64) {
        match status {
            Status::Trialing => self.trialing = count,
            Status::Active => self.active = count,
            Status::PastDue => self.past_due = count,
            Status::Canceled => self.canceled = count,
        }
    }

    /// Those that still give something to somebody: trialing, active and past due.
    #[must_use]
    pub fn live(self) -> u64 {
        self.trialing + self.active + self.past_due
    }
}

/// A plan about to be made (`before` is none), changed, or deleted (`after` is none), and what rests on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanChange {
    /// The plan as it is.
    pub before: Option<Plan>,
    /// The plan as it would be.
    pub after: Option<Plan>,
    /// Who is subscribed.
    pub subscriptions: SubscriptionCounts,
    /// Payments for it that are not settled.
    pub pending_payments: u64,
    /// The metrics that a quota may name.
    pub known_metrics: Vec<String>,
}

/// Where and when a question is asked: all that a plugin may know besides the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewContext {
    /// Whose plan it is.
    pub tenant: TenantId,
    /// Who makes the change.
    pub user_id: Option<String>,
    /// The only time that the plugin sees.
    pub at: Timestamp,
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The change goes through and says so.
    Warning,
    /// The change is refused.
    Error,
}

/// What a validation plugin found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Whether it refuses the change.
    pub severity: Severity,
    /// For machines; stable.
    pub code: String,
    /// A path such as `quotas.requests`.
    pub field: Option<String>,
    /// A whole sentence for the person who asked.
    pub message: String,
}

/// The warnings among findings, if none of them is an error.
///
/// # Errors
/// [`Refusal::Rejected`] with every error.
pub fn warnings(findings: Vec<Finding>) -> Result<Vec<Finding>, Refusal> {
    let errors: Vec<FieldError> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| {
            let field = finding.field.as_deref().unwrap_or_default();
            FieldError::new(field, &finding.code, &finding.message)
        })
        .collect();
    if errors.is_empty() { Ok(findings) } else { Err(Refusal::Rejected(errors)) }
}
