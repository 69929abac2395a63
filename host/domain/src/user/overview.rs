//! All that a user's own page shows at once.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::credit::Credit;
use crate::payment::transaction::{Slice, Transaction};
use crate::plan::Plan;
use crate::subscription::Subscription;
use crate::usage::UsageReport;
use crate::usage::quantity::Quantity;

/// How far a quota is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = OverviewUsage)]
pub struct Used {
    /// What was used in the window until now.
    pub current: Quantity,
    /// The plan's quota; `null` where there is no limit.
    #[schema(required = true)]
    pub limit: Option<u64>,
}

/// What a user has, of one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Overview {
    /// The live subscription.
    #[schema(required = true)]
    pub subscription: Option<Subscription>,
    /// The plan whose quotas hold: the subscription's, while another one waits for its payment the one before it, and
    /// without a subscription the tenant's default plan, if it has one.
    #[schema(required = true)]
    pub plan: Option<Plan>,
    /// Of every metric by its name, also without a plan.
    pub usage: BTreeMap<String, Used>,
    /// What the user has, by currency: it pays the next fee or statement.
    pub credit: Credit,
    /// The last 10, newest first.
    pub transactions: Vec<Transaction>,
}

impl Overview {
    /// The transactions that it shows.
    pub const TRANSACTIONS: Slice = Slice { limit: 10, skip: 0 };

    /// Of what was read in one snapshot.
    #[must_use]
    pub fn new(
        subscription: Option<Subscription>,
        plan: Option<Plan>,
        reports: Vec<UsageReport>,
        credit: Credit,
        transactions: Vec<Transaction>,
    ) -> Self {
        let used = |report: UsageReport| {
            let used = Used { current: report.current_usage, limit: report.quota_limit };
            (report.metric.to_string(), used)
        };
        let usage = reports.into_iter().map(used).collect();
        Self { subscription, plan, usage, credit, transactions }
    }
}
