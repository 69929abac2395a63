//! What is known of users: what their credentials last said.

use planwright_domain::caller::Caller;
use planwright_store::{ChangeSet, CommitError, Snapshot, Store};

use crate::app::App;
use crate::documents::UserRecord;
use crate::error::Error;
use crate::keys::Keys;

/// Keeps the email and name that a caller's credentials carry, if they differ from what is kept. Most
/// calls find nothing new and cost one look.
///
/// # Errors
/// When the store does not answer.
pub async fn remember<S: Store>(app: &App<S>, caller: &Caller) -> Result<(), Error> {
    if caller.email.is_none() && caller.name.is_none() {
        return Ok(());
    }
    let key = Keys::of(&caller.tenant).user(&caller.user_id);
    let mut change = ChangeSet::new();
    let kept = match app.store.snapshot().await?.get(&key).await? {
        Some(record) => {
            change.expect_version(&key, record.version);
            record.decode()?
        }
        None => {
            change.expect_absent(&key);
            UserRecord::default()
        }
    };
    let said = UserRecord {
        email: caller.email.clone().or_else(|| kept.email.clone()),
        name: caller.name.clone().or_else(|| kept.name.clone()),
    };
    if said == kept {
        return Ok(());
    }
    change.put(&key, &said);
    match app.store.commit(change).await {
        // The next call says it again.
        Ok(_) | Err(CommitError::Busy | CommitError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
