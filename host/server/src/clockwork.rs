//! Works what time brings, while the server runs.

use std::sync::Arc;
use std::time::Duration;

use planwright_service::{reconciliation, statement_run, worker};

use crate::background::Stopped;
use crate::http::Web;

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
