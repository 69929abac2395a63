//! What the pricing plugin was asked and what it said, kept so that it can be asked again years later.

use serde::{Deserialize, Serialize};

use crate::plugin::Digest;
use crate::time::{self, Timestamp};

/// Who answered: which component, and what it was told when it was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pricer {
    /// As it calls itself.
    pub name: String,
    /// SHA-256 of the component.
    pub digest: Digest,
    /// JSON text, letter by letter as it was given.
    pub settings: String,
}

/// A question about money with its answer. All that an answer may depend on is here, but for the tenant and the user,
/// who are those of whatever keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked<Q, A> {
    /// Who answered.
    pub pricer: Pricer,
    /// The instant that the plugin was told.
    #[serde(with = "time::seconds")]
    pub at: Timestamp,
    /// What was asked.
    pub question: Q,
    /// What was said.
    pub answer: A,
}
