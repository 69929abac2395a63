//! Requests that may come again: the claim and the answer are committed with the change itself. Where there was
//! nothing to change they are a change set of their own, so that the repeat does not undo what others did meanwhile.

use std::future::Future;

use planwright_domain::Refusal;
use planwright_domain::refusal::FieldError;
use planwright_domain::time::Timestamp;
use planwright_store::{
    ChangeSet, CommitError, Committed, Document, Key, Record, Scan, Snapshot, Store, StoreError,
    WithCounters,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::error::Error;
use crate::keys::Keys;
use crate::request::{Claim, Request};
use crate::retry::retrying;

/// How long an answer is kept.
const KEPT_SECONDS: i64 = 24 * 60 * 60;
/// How many old answers make way for a new one. More than one, so that their number sinks again after a rush.
const MAKE_WAY: usize = 2;
/// Among how many of the oldest they are chosen.
const LOOKED_AT: usize = 16;

/// What a request was answered. It is kept with what counters held after the change, where the answer has them.
#[derive(Serialize, Deserialize)]
pub(crate) struct Answer {
    fingerprint: String,
    pub(crate) expires_at: i64,
    result: serde_json::Value,
}

impl Document for Answer {
    const SCHEMA: u16 = 2;
}

/// An answer as it is kept.
pub(crate) type KeptAnswer = WithCounters<Answer>;

/// Points from the time when an answer has expired to the answer.
#[derive(Serialize, Deserialize)]
pub(crate) struct Expiring {
    pub(crate) scope: String,
}

impl Document for Expiring {
    const SCHEMA: u16 = 1;
}

/// Does what is asked, or gives the answer that it had when it was done before, also where that changed nothing.
/// Whoever loses a race of two that are the same starts again and finds the winner's answer.
pub(crate) async fn once<S, T, F>(
    app: &App<S>,
    by: &Request,
    mut attempt: impl FnMut() -> F,
) -> Result<T, Error>
where
    S: Store,
    T: Serialize + DeserializeOwned,
    F: Future<Output = Result<T, Error>>,
{
    retrying(app.entropy.as_ref(), || {
        let attempt = attempt();
        async move {
            match answered(app, by).await? {
                Some(result) => Ok(result),
                None => kept(app, by, attempt.await?).await,
            }
        }
    })
    .await
}

/// Sees to it that the answer is kept for a repeat. A change has its answer with it; where nothing was changed, it is
/// committed by itself. If the same request was first, its answer is given.
///
/// # Errors
/// A conflict, where the same request is done in this instant: starting again finds its answer.
pub(crate) async fn kept<S, T>(app: &App<S>, by: &Request, result: T) -> Result<T, Error>
where
    S: Store,
    T: Serialize + DeserializeOwned,
{
    if by.claim.is_none() {
        return Ok(result);
    }
    if let Some(kept) = answered(app, by).await? {
        return Ok(kept);
    }
    app.commit(by, ChangeSet::new(), &result).await?;
    Ok(result)
}

/// The answer that the request had before, if it was done before.
pub(crate) async fn answered<S: Store, T: DeserializeOwned>(
    app: &App<S>,
    by: &Request,
) -> Result<Option<T>, Error> {
    Ok(answered_counting(app, by).await?.map(|(result, _)| result))
}

/// The same, and what the counters held that its change was committed with.
pub(crate) async fn answered_counting<S: Store, T: DeserializeOwned>(
    app: &App<S>,
    by: &Request,
) -> Result<Option<(T, Vec<i64>)>, Error> {
    let Some(claim) = &by.claim else { return Ok(None) };
    let key = Keys::of(&by.caller.tenant).answer(&claim.scope);
    let Some(record) = app.store.snapshot().await?.get(&key).await? else { return Ok(None) };
    let kept = read_answer(&record)?.ok_or(Refusal::AnswerOutdated)?;
    let KeptAnswer { counters, value: answer } = kept;
    if answer.has_expired(by.received_at) {
        return Ok(None);
    }
    if answer.fingerprint != claim.fingerprint {
        return Err(Refusal::KeyReused.into());
    }
    // From its text: on the way from one value to another, serde_json makes binary floats of decimals.
    let text = answer.result.to_string();
    let result = serde_json::from_str(&text).map_err(|error| {
        tracing::warn!(%error, %key, "a kept answer has another form");
        Refusal::AnswerOutdated
    })?;
    Ok(Some((result, counters)))
}

/// An answer as it was kept; nothing where an earlier release gave it another form.
fn read_answer(record: &Record) -> Result<Option<KeptAnswer>, StoreError> {
    match record.decode() {
        Ok(kept) => Ok(Some(kept)),
        Err(StoreError::Corrupt { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Answer {
    fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now.as_second()
    }
}

impl<S: Store> App<S> {
    /// Commits a change, and with it the answer, where the request may come again.
    pub(crate) async fn commit<T: Serialize>(
        &self,
        by: &Request,
        change: ChangeSet,
        result: &T,
    ) -> Result<(), Error> {
        self.commit_counting(by, change, result, &[]).await?;
        Ok(())
    }

    /// The same where the answer has what counters hold after the change: they are kept with it.
    pub(crate) async fn commit_counting<T: Serialize>(
        &self,
        by: &Request,
        mut change: ChangeSet,
        result: &T,
        counters: &[Key],
    ) -> Result<Committed, Error> {
        if let Some(claim) = &by.claim {
            self.keep_answer(by, claim, &mut change, result, counters).await?;
        }
        must_fit(&change)?;
        Ok(self.store.commit(change).await?)
    }

    async fn keep_answer<T: Serialize>(
        &self,
        by: &Request,
        claim: &Claim,
        change: &mut ChangeSet,
        result: &T,
        counters: &[Key],
    ) -> Result<(), Error> {
        let keys = Keys::of(&by.caller.tenant);
        let snapshot = self.store.snapshot().await?;
        let key = keys.answer(&claim.scope);
        match snapshot.get(&key).await? {
            None => change.expect_absent(&key),
            Some(kept) => {
                let old = read_answer(&kept)?.ok_or(Refusal::AnswerOutdated)?.value;
                if !old.has_expired(by.received_at) {
                    // The same request was first, just now; `once` starts again and finds its answer.
                    return Err(CommitError::Conflict { key }.into());
                }
                let expiring = keys.expiring_answer(old.expires_at, &claim.scope);
                change.expect_version(&key, kept.version).delete(&expiring)
            }
        };
        let expires_at = by.received_at.as_second().saturating_add(KEPT_SECONDS);
        let result = serde_json::to_value(result).map_err(|error| StoreError::Corrupt {
            reason: format!("an answer is no JSON: {error}"),
        })?;
        let answer = Answer { fingerprint: claim.fingerprint.clone(), expires_at, result };
        let expiring = Expiring { scope: claim.scope.clone() };
        change
            .put_with_counters(&key, &answer, counters)
            .put(&keys.expiring_answer(expires_at, &claim.scope), &expiring);
        make_way(&snapshot, &keys, by, claim, change).await
    }
}

/// What is asked for in one request is committed at once, and so has an end.
fn must_fit(change: &ChangeSet) -> Result<(), Refusal> {
    let (bytes, most) = (change.bytes(), ChangeSet::MAX_BYTES);
    if bytes <= most {
        return Ok(());
    }
    let message = format!(
        "The change has {bytes} bytes, what the audit log keeps of it included, and {most} are committed at once at \
         most. Make it in parts."
    );
    Err(Refusal::unfit(FieldError::new("", "too_large", &message)))
}

/// Deletes some answers whose time is over, so that their number does not grow. An answer that is renewed in the
/// same instant is another record by then: a conflict, and this is tried again without it. Requests begin at
/// different places, so that a crowd does not clear away the same two.
async fn make_way<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    by: &Request,
    claim: &Claim,
    change: &mut ChangeSet,
) -> Result<(), Error> {
    let oldest = snapshot.scan(&keys.expiring_answers(), Scan::first(LOOKED_AT)).await?;
    let now = u64::try_from(by.received_at.as_second()).unwrap_or(0);
    let begin = claim.scope.bytes().map(usize::from).sum::<usize>() % oldest.len().max(1);
    for (expiring, record) in oldest.iter().cycle().skip(begin).take(MAKE_WAY.min(oldest.len())) {
        let scope = record.decode::<Expiring>()?.scope;
        let key = keys.answer(&scope);
        let Some(old) = snapshot.get(&key).await? else { continue };
        let has_expired = match read_answer(&old)? {
            Some(kept) => kept.value.has_expired(by.received_at),
            None => Keys::read_expiring_answer(expiring).is_some_and(|at| at <= now),
        };
        if scope != claim.scope && has_expired {
            change.expect_version(&key, old.version).delete(expiring).delete(&key);
        }
    }
    Ok(())
}
