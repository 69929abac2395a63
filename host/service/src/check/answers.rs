//! Kept answers, and the list in which they expire: each is in it, and it leads to nothing else.

use planwright_store::{Key, Part, Record, Snapshot};

use super::Walk;
use super::records::{Problems, misplaced, unreadable};
use crate::keys::Keys;
use crate::once::{Expiring, KeptAnswer};

impl<N: Snapshot> Walk<'_, N> {
    pub(super) async fn answer(&self, keys: &Keys, key: &Key, record: &Record) -> Problems {
        let answer = match record.decode::<KeptAnswer>() {
            Ok(kept) => kept.value,
            Err(error) => return Ok(unreadable(&error)),
        };
        let parts = key.parts();
        let Some(Part::Text(scope)) = parts.first().filter(|_| parts.len() == 1) else {
            return Ok(misplaced());
        };
        let listed: Option<Expiring> =
            self.find(&keys.expiring_answer(answer.expires_at, scope)).await?;
        let is_its = listed.is_some_and(|listed| listed.scope == *scope);
        let problem = "It is missing in the list of answers that expire.";
        Ok(if is_its { Vec::new() } else { vec![problem.to_owned()] })
    }

    pub(super) async fn expiring(&self, keys: &Keys, key: &Key, record: &Record) -> Problems {
        let scope = match record.decode::<Expiring>() {
            Ok(expiring) => expiring.scope,
            Err(error) => return Ok(unreadable(&error)),
        };
        let answer: Option<KeptAnswer> = self.find(&keys.answer(&scope)).await?;
        let problem = match answer {
            None => "It lists an answer that is not there.",
            Some(kept) if keys.expiring_answer(kept.value.expires_at, &scope) != *key => {
                "It lists an answer whose place is elsewhere."
            }
            Some(_) => return Ok(Vec::new()),
        };
        Ok(vec![problem.to_owned()])
    }
}
