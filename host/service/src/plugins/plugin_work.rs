//! Compiling what was uploaded, beside requests. The queue is in memory; what it holds is also in the store, so
//! that a start takes up what a stop left.

use std::sync::Arc;
use std::time::Duration;

use planwright_domain::plugin::{About, Digest, Owner, PluginState};
use planwright_domain::time::Timestamp;
use planwright_plugin_host::PluginError;
use planwright_store::{ChangeSet, Key, Part, Scan, Snapshot, Store};
use tokio::task::JoinSet;

use crate::app::App;
use crate::edge::Clock;
use crate::error::Error;
use crate::keys::{HostKeys, OwnerKeys};
use crate::plugins::plugin_documents::ComponentRecord;
use crate::plugins::plugin_parts;
use crate::retry::retrying;

/// How many components are read from a list at once.
const PIECE: usize = 100;

/// Whether there is native code of a component that was ready once.
pub(crate) enum AtHand {
    Yes,
    /// It is compiled again, since when its turn came.
    No(Option<Timestamp>),
}

impl<S> App<S> {
    /// Whether a component that was ready once is so for this server. It is not after a restore, nor after another
    /// engine.
    pub(crate) async fn at_hand(&self, digest: &Digest) -> Result<AtHand, PluginError> {
        {
            let list = self.workshop.list();
            if let Some(since) = list.under_way.get(digest) {
                return Ok(AtHand::No(Some(*since)));
            }
            if list.wanted.contains(digest) {
                return Ok(AtHand::No(None));
            }
            if list.is_whole {
                return Ok(AtHand::Yes);
            }
        }
        Ok(if self.host.has_native(digest).await? { AtHand::Yes } else { AtHand::No(None) })
    }
}

/// What keeps plugins that are bound from answering, in a sentence; nothing if nothing does.
///
/// # Errors
/// When the store does not answer.
pub async fn hindrance<S: Store>(app: &App<S>) -> Result<Option<String>, Error> {
    let missing: Vec<Digest> = {
        let list = app.workshop.list();
        if !list.is_whole {
            return Ok(Some("the plugins are being looked through".to_owned()));
        }
        list.wanted.iter().chain(list.under_way.keys()).copied().collect()
    };
    let mut bound = 0;
    if !missing.is_empty() {
        let snapshot = app.store.snapshot().await?;
        for digest in &missing {
            bound += u64::from(is_bound(&snapshot, digest).await?);
        }
    }
    Ok((bound > 0).then(|| format!("plugins that are bound are being compiled: {bound}")))
}

async fn is_bound<N: Snapshot>(snapshot: &N, digest: &Digest) -> Result<bool, Error> {
    let Some(found) = snapshot.get(&HostKeys::component(digest)).await? else { return Ok(false) };
    for owner in found.decode::<ComponentRecord>()?.owners {
        if snapshot.counter(&OwnerKeys::of(&owner).plugin_uses(digest)).await? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Works until it is told to stop: begins with what the last run left and what has no native code for this
/// engine. What is under way when it stops is taken up at the next start.
///
/// # Errors
/// When the store does not answer at the start.
pub async fn run<S: Store>(
    app: Arc<App<S>>,
    clock: Arc<dyn Clock>,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), Error> {
    let mut stop = std::pin::pin!(stop);
    plugin_parts::clear_abandoned(&app.store, clock.now()).await?;
    for digest in left_over(&app).await? {
        app.workshop.want(digest);
    }
    app.workshop.note_whole();
    let mut jobs = JoinSet::new();
    loop {
        for digest in app.workshop.take(clock.now()) {
            let (app, clock) = (Arc::clone(&app), Arc::clone(&clock));
            jobs.spawn(async move {
                if let Err(error) = prepare(&app, clock.as_ref(), &digest).await {
                    tracing::error!(%error, %digest, "a plugin was not prepared");
                }
                digest
            });
        }
        tokio::select! {
            () = &mut stop => {
                // They hold the store open.
                jobs.shutdown().await;
                return Ok(());
            }
            () = app.workshop.wake.notified() => {}
            Some(done) = jobs.join_next(), if !jobs.is_empty() => {
                // A job that panicked stays among those under way, and is not tried again in this run.
                if let Ok(digest) = done {
                    app.workshop.finished(&digest);
                }
                app.workshop.done.send_modify(|jobs| *jobs += 1);
            }
        }
    }
}

/// Does all that is to be done, where nobody waits for a server.
///
/// # Errors
/// When the store does not answer.
pub async fn finish<S: Store>(app: &App<S>, clock: &dyn Clock) -> Result<(), Error> {
    for digest in left_over(app).await? {
        prepare(app, clock, &digest).await?;
    }
    Ok(())
}

async fn left_over<S: Store>(app: &App<S>) -> Result<Vec<Digest>, Error> {
    let snapshot = app.store.snapshot().await?;
    let mut left = Vec::new();
    let mut scan = Scan::first(PIECE);
    loop {
        let piece = snapshot.scan(&HostKeys::components(), scan).await?;
        for (key, record) in &piece {
            let Some(digest) = digest_of(key) else { continue };
            let is_left = match record.decode::<ComponentRecord>()?.state {
                PluginState::Compiling { .. } => true,
                PluginState::Ready => !app.host.has_native(&digest).await?,
                PluginState::Failed { .. } => false,
            };
            if is_left {
                left.push(digest);
            }
        }
        let Some((last, _)) = piece.into_iter().last() else { return Ok(left) };
        scan = Scan::first(PIECE).after(last);
    }
}

/// The digest in a component's key.
pub(crate) fn digest_of(key: &Key) -> Option<Digest> {
    match key.parts().first() {
        Some(Part::Text(text)) => Digest::new(text),
        _ => None,
    }
}

/// Compiles a component, starts it and asks who it is, and keeps how that went.
async fn prepare<S: Store>(app: &App<S>, clock: &dyn Clock, digest: &Digest) -> Result<(), Error> {
    let key = HostKeys::component(digest);
    let Some(found) = app.store.snapshot().await?.get(&key).await? else { return Ok(()) };
    let component: ComponentRecord = found.decode()?;
    if let PluginState::Failed { .. } = component.state {
        return Ok(());
    }
    let owner = component.owners.first().map_or(Owner::HOST, Owner::as_str);
    let size = usize::try_from(component.size).unwrap_or(usize::MAX);
    // Its bytes are not held while it waits.
    let turn = app.host.turn(owner, size).await;
    let snapshot = app.store.snapshot().await?;
    let read = plugin_parts::read(&snapshot, digest, component.parts, component.size).await;
    drop(snapshot);
    let bytes = match read {
        Ok(bytes) => bytes,
        // It was deleted while it waited.
        Err(_) if app.store.snapshot().await?.get(&key).await?.is_none() => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let prepared = app.host.prepare(turn, component.hook, digest, bytes, clock.now()).await;
    retrying(app.entropy.as_ref(), || keep(app, digest, &prepared)).await
}

async fn keep<S: Store>(
    app: &App<S>,
    digest: &Digest,
    prepared: &Result<About, PluginError>,
) -> Result<(), Error> {
    let key = HostKeys::component(digest);
    let Some(found) = app.store.snapshot().await?.get(&key).await? else {
        app.host.forget(digest);
        return Ok(());
    };
    let before: ComponentRecord = found.decode()?;
    let mut component = before.clone();
    match prepared {
        Ok(about) => {
            component.state = PluginState::Ready;
            component.about = Some(about.clone());
        }
        Err(error) => component.state = PluginState::Failed { reason: reason(error) },
    }
    if component == before {
        return Ok(());
    }
    let mut change = ChangeSet::new();
    change.expect_version(&key, found.version).put(&key, &component);
    change.delete(&HostKeys::uncompiled(digest));
    app.store.commit(change).await?;
    Ok(())
}

/// What its owner is told. What the host could not do is in the log alone.
fn reason(error: &PluginError) -> String {
    match error {
        PluginError::Io { .. } => {
            tracing::error!(%error, "a plugin was not prepared");
            "The server itself failed while it prepared the plugin. Upload it again; if that does not help, \
             the log has the cause."
                .to_owned()
        }
        error => error.to_string(),
    }
}

/// Has the native code of a component made again that was ready before, and waits for it, but not for long.
pub(crate) async fn compile_again<S>(
    app: &App<S>,
    digest: &Digest,
    patience: Duration,
) -> Result<(), PluginError> {
    let mut done = app.workshop.done.subscribe();
    app.workshop.want(*digest);
    let compiled = async {
        while !app.host.has_native(digest).await? && done.changed().await.is_ok() {}
        Ok(())
    };
    tokio::time::timeout(patience, compiled).await.unwrap_or(Ok(()))
}

/// Waits until a component is not being compiled any more, but not for long.
pub(crate) async fn wait_a_little<S: Store>(
    app: &App<S>,
    digest: &Digest,
    patience: Duration,
) -> Result<(), Error> {
    let mut done = app.workshop.done.subscribe();
    let compiled = async {
        loop {
            let is_listed = app.workshop.list().holds(digest);
            let found = app.store.snapshot().await?.get(&HostKeys::component(digest)).await?;
            let Some(found) = found else { return Ok(()) };
            let state = found.decode::<ComponentRecord>()?.state;
            let waits = is_listed || matches!(state, PluginState::Compiling { .. });
            if !waits || done.changed().await.is_err() {
                return Ok(());
            }
        }
    };
    tokio::time::timeout(patience, compiled).await.unwrap_or(Ok(()))
}
