//! What the store holds of metered windows and statements.

use planwright_domain::statement::billing_window::BillingWindow;
use planwright_domain::statement::{Documented, Statement, StatementStatus};
use planwright_store::Document;
use serde::{Deserialize, Serialize};

/// A window in which something was metered or charged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct BillingWindowRecord {
    pub(crate) window: BillingWindow,
}

impl Document for BillingWindowRecord {
    const SCHEMA: u16 = 1;
}

/// That a window is to be closed by a statement, or that usage came into one that was; the key says which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WindowMark {}

impl Document for WindowMark {
    const SCHEMA: u16 = 1;
}

/// A statement, with what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct StatementRecord {
    pub(crate) documented: Documented,
}

impl Document for StatementRecord {
    const SCHEMA: u16 = 1;
}

/// An entry in a list of statements, a user's or the tenant's, with what filters look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StatementEntry {
    pub(crate) statement_id: String,
    pub(crate) status: StatementStatus,
    pub(crate) created_at: i64,
}

impl StatementEntry {
    pub(crate) fn of(statement: &Statement) -> Self {
        Self {
            statement_id: statement.id.clone(),
            status: statement.status,
            created_at: statement.created_at.as_second(),
        }
    }
}

impl Document for StatementEntry {
    const SCHEMA: u16 = 1;
}
