//! Sends webhooks: takes what is to be sent from the store, calls the endpoints side by side, and notes what they say.

use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use planwright_domain::webhook::address::is_public;
use planwright_domain::webhook::delivery::Reply;
use planwright_domain::webhook::{Reach, leads_inside};
use planwright_service::webhooks::sending::{self, Addressee, Parcel, UnderWay};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Response, Url, header};
use tokio::task::{Id, JoinError, JoinSet};

use crate::background::Stopped;
use crate::http::Web;
use crate::outbound;

/// How often it looks whether something is to be sent.
const EVERY: Duration = Duration::from_millis(250);
/// How long it waits when the store does not answer.
const AFTER_A_FAULT: Duration = Duration::from_secs(1);
/// How many calls are under way at once. Each endpoint has a few of them, and one that fails has one.
const AT_ONCE: usize = 256;
/// How long a call may take, from its connection to the end of what is read of the answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a connection may take.
const TO_CONNECT: Duration = Duration::from_secs(5);
/// How much of an answer is read.
const READ: usize = 1_024;

const LEADS_INSIDE: &str = "It leads into a private network, which is not allowed here.";

/// Sends until it is told to stop. What is cut off then is sent again at the next start.
pub(crate) async fn run(web: Arc<Web>, stopped: Stopped) {
    let client = match client(web.reach) {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "no webhook is sent until the next start");
            return;
        }
    };
    let mut calls = Calls::default();
    tokio::select! {
        () = calls.send_all(&web, &client) => {}
        () = stopped.told() => {}
    }
    calls.tasks.shutdown().await;
}

fn client(reach: Reach) -> Result<Client, reqwest::Error> {
    outbound::client()
        .dns_resolver(Arc::new(Checked(reach)))
        .user_agent(concat!("Planwright/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(TO_CONNECT)
        .timeout(PATIENCE)
        .pool_idle_timeout(PATIENCE)
        .build()
}

/// The calls that are under way.
#[derive(Default)]
struct Calls {
    tasks: JoinSet<()>,
    to: HashMap<Id, Addressee>,
    under_way: UnderWay,
}

impl Calls {
    async fn send_all(&mut self, web: &Arc<Web>, client: &Client) {
        loop {
            let free = AT_ONCE - self.under_way.count();
            match sending::next(&web.app, &self.under_way, free, web.clock.now()).await {
                Ok(parcels) => {
                    for parcel in parcels {
                        self.begin(web, client, parcel);
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "no webhook is sent now; it is tried again");
                    tokio::time::sleep(AFTER_A_FAULT).await;
                }
            }
            tokio::select! {
                Some(done) = self.tasks.join_next_with_id() => self.end(done),
                () = tokio::time::sleep(EVERY) => {}
            }
            while let Some(done) = self.tasks.try_join_next_with_id() {
                self.end(done);
            }
        }
    }

    fn begin(&mut self, web: &Arc<Web>, client: &Client, parcel: Parcel) {
        let to = parcel.to.clone();
        let task = self.tasks.spawn(deliver(Arc::clone(web), client.clone(), parcel));
        self.to.insert(task.id(), to.clone());
        self.under_way.begin(to);
    }

    fn end(&mut self, done: Result<(Id, ()), JoinError>) {
        let id = match done {
            Ok((id, ())) => id,
            Err(error) => {
                tracing::error!(%error, "a webhook was not sent; it is tried again");
                error.id()
            }
        };
        if let Some(to) = self.to.remove(&id) {
            self.under_way.end(&to);
        }
    }
}

/// Makes one call, and notes what came of it. What cannot be noted keeps its place for a while: as long as the store
/// does not answer, nobody is to be called again and again.
async fn deliver(web: Arc<Web>, client: Client, parcel: Parcel) {
    let began = Instant::now();
    let reply = call(&client, web.reach, &parcel).await;
    let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let now = web.clock.now();
    match sending::settle(&web.app, &parcel.to, &reply, now, milliseconds).await {
        Ok(Some(state)) => web.metrics.sent(parcel.kind, state),
        Ok(None) => {}
        Err(error) => {
            tracing::warn!(%error, "what came of a webhook is not kept; it is sent again");
            tokio::time::sleep(PATIENCE).await;
        }
    }
}

async fn call(client: &Client, reach: Reach, parcel: &Parcel) -> Reply {
    let url: Url = match parcel.url.parse() {
        Ok(url) => url,
        Err(error) => return Reply::Unreached(format!("The URL cannot be read: {error}.")),
    };
    // An address is never resolved, and the configuration may be another than when the endpoint was made.
    if !reach.private_networks && leads_inside(&url) {
        return Reply::Unreached(LEADS_INSIDE.to_owned());
    }
    if !reach.http && url.scheme() != "https" {
        return Reply::Unreached("It is not https, which is not allowed here.".to_owned());
    }
    let request = client
        .post(url)
        .header(header::CONTENT_TYPE, "application/json")
        .header("webhook-id", &parcel.id)
        .header("webhook-timestamp", parcel.timestamp)
        .header("webhook-signature", &parcel.signature)
        .body(parcel.body.clone());
    match request.send().await {
        Ok(response) => answered(response).await,
        Err(error) => Reply::Unreached(why(&error)),
    }
}

/// The status, and how the body begins; a body that breaks off is as good as none.
async fn answered(mut response: Response) -> Reply {
    let status = response.status().as_u16();
    let asked = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = asked.and_then(|seconds| seconds.trim().parse().ok());
    let mut bytes = Vec::new();
    while bytes.len() < READ {
        let Ok(Some(piece)) = response.chunk().await else { break };
        bytes.extend_from_slice(&piece[..piece.len().min(READ - bytes.len())]);
    }
    Reply::Answered { status, body: String::from_utf8_lossy(&bytes).into_owned(), retry_after }
}

/// What is behind a failure, as a person reads it; the URL is known to whoever reads it.
fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("No answer came in {} seconds.", PATIENCE.as_secs());
    }
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Resolves a name, and leaves out what is not to be reached. The connection goes to what was checked here, so no name
/// can lead elsewhere afterwards.
struct Checked(Reach);

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let Self(reach) = *self;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let all: Vec<SocketAddr> = found.collect();
            let may_be_reached = |at: &SocketAddr| reach.private_networks || is_public(at.ip());
            let open: Vec<SocketAddr> = all.iter().copied().filter(may_be_reached).collect();
            if open.is_empty() && !all.is_empty() {
                return Err(LEADS_INSIDE.into());
            }
            let addresses: Addrs = Box::new(open.into_iter());
            Ok(addresses)
        })
    }
}
