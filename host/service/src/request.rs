//! Who asks for a use case, and when.

use planwright_domain::plugin::Digest;
use planwright_domain::tenant::caller::Caller;
use planwright_domain::time::Timestamp;

/// Who asks, and when: the one instant that everything in a request happens at.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who asks.
    pub caller: Caller,
    /// When the request came, by the tenant's clock: what everything is decided on.
    pub now: Timestamp,
    /// The same by the real clock, for what no sandbox's clock moves: how long answers are kept, when
    /// credentials end.
    pub received_at: Timestamp,
    /// Under which the log keeps it.
    pub request_id: String,
    /// Where it may come again: what makes the repeat give the same answer.
    pub claim: Option<Claim>,
    /// The tags of what the caller has read of the thing it changes, where it says so; `*` is whatever is there.
    pub if_match: Option<Vec<String>>,
}

impl Request {
    /// The same with a body that was read apart from it, known by its digest: a repeat has the same.
    pub(crate) fn with_body(mut self, digest: &Digest) -> Self {
        if let Some(claim) = &mut self.claim {
            claim.fingerprint = format!("{} {digest}", claim.fingerprint);
        }
        self
    }

    /// Whether the caller may change what has this tag: it has read it, or does not say what it has read.
    pub(crate) fn may_change(&self, tag: &str) -> bool {
        let is_it = |read: &String| read == "*" || read == tag;
        self.if_match.as_ref().is_none_or(|tags| tags.iter().any(is_it))
    }
}

/// The mark of a request that may come again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The same for the same key, caller, method and path.
    pub scope: String,
    /// The same for the same body.
    pub fingerprint: String,
}
