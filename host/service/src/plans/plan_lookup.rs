//! Finding a plan by its id.

use planwright_domain::Refusal;
use planwright_domain::plan::plan_id::PlanId;
use planwright_store::Snapshot;

use crate::documents::PlanRecord;
use crate::error::Error;
use crate::keys::Keys;
use crate::request::Request;

/// Something that is shown, and its entity tag: what a caller sends back to say what its change rests on.
pub struct Tagged<T> {
    /// What is shown.
    pub value: T,
    /// In quotes, as on the wire.
    pub tag: String,
}

/// A plan to be changed: it must be the one that the caller has read, if the caller says which.
pub(crate) async fn load_to_change<N: Snapshot>(
    snapshot: &N,
    by: &Request,
    id: &str,
) -> Result<(u64, PlanRecord), Error> {
    let (version, record) = load(snapshot, by, id).await?;
    if by.may_change(&record.tag()) {
        return Ok((version, record));
    }
    Err(Refusal::Stale { noun: "Plan", id: id.to_owned() }.into())
}

/// A plan and the version of its record, as a snapshot holds them.
pub(crate) async fn load<N: Snapshot>(
    snapshot: &N,
    by: &Request,
    id: &str,
) -> Result<(u64, PlanRecord), Error> {
    let plan_id = PlanId::new(id).map_err(|_| not_found(id))?;
    let key = Keys::of(&by.caller.tenant).plan(&plan_id);
    let record = snapshot.get(&key).await?.ok_or_else(|| not_found(id))?;
    Ok((record.version, record.decode()?))
}

/// Nothing has this id, or nothing that the caller may see.
pub(crate) fn not_found(id: &str) -> Refusal {
    // What was asked for is shown back, but not at any length.
    Refusal::PlanNotFound { id: id.chars().take(128).collect() }
}
