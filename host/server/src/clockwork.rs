//! Works what time brings, while the server runs.

use std::sync::Arc;
use std::time::Duration;

use planwright_service::payments::reconciliation;
use planwright_service::plugins::kept_pricers;
use planwright_service::statements::statement_run;
use planwright_service::{Error, worker};

use crate::background::Stopped;
use crate::config::PluginConfig;
use crate::http::Web;
use crate::plugins;

/// How often it looks whether something is due. Requests do not wait for it: what concerns them they work themselves.
const EVERY: Duration = Duration::from_secs(1);

/// Works what is due, until it is told to stop. What is cut off then is done wholly or not at all.
pub(crate) async fn run(web: Arc<Web>, stopped: Stopped) {
    let work = async {
        loop {
            if let Err(error) = worker::work_all(&web.app, web.clock.now()).await {
                tracing::warn!(%error, "what is due is not worked now; it is tried again");
            }
            tokio::time::sleep(EVERY).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = stopped.told() => {}
    }
}

/// Asks the payment provider about what is pending, until it is told to stop. It is a task of its own: a provider that
/// is slow keeps no period from turning. What is cut off then is asked again.
pub(crate) async fn reconcile(web: Arc<Web>, stopped: Stopped) {
    let work = async {
        loop {
            if let Err(error) = reconciliation::work_all(&web.app, web.clock.now()).await {
                tracing::warn!(%error, "payments are not asked about now; it is tried again");
            }
            tokio::time::sleep(EVERY).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = stopped.told() => {}
    }
}

/// Writes the statements that are due, until it is told to stop. It is a task of its own: a pricing plugin that is slow
/// keeps no period from turning. What is cut off then is done wholly or not at all.
pub(crate) async fn bill(web: Arc<Web>, stopped: Stopped) {
    let work = async {
        loop {
            if let Err(error) = statement_run::work_all(&web.app, web.clock.now()).await {
                tracing::warn!(%error, "statements are not written now; it is tried again");
            }
            tokio::time::sleep(EVERY).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = stopped.told() => {}
    }
}

/// Has the component that prices by the configuration kept once it priced something, and ends.
pub(crate) async fn keep_pricer(web: Arc<Web>, pricing: PluginConfig, stopped: Stopped) {
    let work = async {
        loop {
            match try_keep(&web, &pricing).await {
                Ok(true) => break,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, "what prices is not kept now; it is tried again");
                }
            }
            tokio::time::sleep(EVERY).await;
        }
    };
    tokio::select! {
        () = work => return,
        () = stopped.told() => {}
    }
    // The next start may bring another one, and what this one priced is to be asked of it all the same.
    if let Err(error) = try_keep(&web, &pricing).await {
        tracing::error!(%error, "what prices is not kept");
    }
}

/// Whether nothing is to be done any more.
async fn try_keep(web: &Web, pricing: &PluginConfig) -> Result<bool, Error> {
    if !kept_pricers::is_wanted(&web.app).await? {
        return Ok(false);
    }
    let is_kept = match plugins::pricing_component(pricing).await {
        Ok(component) => kept_pricers::keep(&web.app, component, web.clock.now()).await?,
        Err(error) => {
            tracing::error!(%error, "the component that prices cannot be read");
            false
        }
    };
    if !is_kept {
        tracing::error!(
            "the component that prices is another one now, or gone: what it priced cannot be asked of it again once \
             this server stops. Put it back, or upload it"
        );
    }
    Ok(true)
}
