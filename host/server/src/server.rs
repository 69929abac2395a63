//! A running server, put together from its rooms.

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use planwright_plugin_host::PluginError;
use planwright_service::edge::{Clock, Entropy};
use planwright_service::payments::reconciliation;
use planwright_service::plugins::plugin_work;
use planwright_service::statements::statement_run;
use planwright_service::{App, Plugins, tenants, worker};
use planwright_store::{Options, RedbStore, Stats, StoreError};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

use crate::background::{Background, Stopped};
use crate::backup::Backups;
use crate::config::Config;
use crate::data_dir::{DamagedStore, DataDir, DataDirError, Probe};
use crate::errands::Errands;
use crate::http::{self, Documents, Metrics, Web};
use crate::plugins::{self, LoadError};
use crate::token::Verifier;
use crate::token_keys::{KeyError, TokenKeys};
use crate::upload_places::UploadPlaces;
use crate::yookassa::{self, PaymentsError};
use crate::{clockwork, edge, listener, postman};

/// The first argument with which this program compiles one component, for the server itself.
pub const COMPILE: &str = "compile-component";

/// What a server says of its surface, in OpenAPI 3.1.
#[must_use]
pub fn openapi() -> serde_json::Value {
    http::document()
}

/// What a server is given besides its configuration.
pub struct Surroundings {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws ids and secrets.
    pub entropy: Arc<dyn Entropy>,
    /// The command that compiles a component: this program, told to compile.
    pub compiler: Vec<OsString>,
}

impl Surroundings {
    /// The real clock, real chance, and this program as the compiler.
    ///
    /// # Errors
    /// When the operating system does not say where this program is.
    pub fn real() -> io::Result<Self> {
        Ok(Self {
            clock: Arc::new(edge::SystemClock),
            entropy: Arc::new(edge::SystemEntropy),
            compiler: vec![std::env::current_exe()?.into(), COMPILE.into()],
        })
    }
}

/// Why a server does not start, in a sentence.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error("cannot check tokens: {0}")]
    TokenKeys(#[from] KeyError),
    #[error(
        "the data folder {data_dir} is in use by another planwright. Stop that one, or name another \
         folder with --data-dir"
    )]
    InUse { data_dir: String },
    #[error(transparent)]
    Damaged(#[from] DamagedStore),
    #[error("cannot open the store: {0}")]
    Store(StoreError),
    #[error("cannot prepare the store: {0}")]
    Prepare(planwright_service::Error),
    #[error("cannot start the plugin host: {0}")]
    PluginHost(PluginError),
    #[error("cannot load the plugins: {0}")]
    Plugins(#[from] LoadError),
    #[error("cannot take payments: {0}")]
    Payments(#[from] PaymentsError),
    #[error("cannot listen on {address}: {source}. Name another address with --listen")]
    Listen { address: SocketAddr, source: io::Error },
}

/// The rooms below the surface, on an open data folder: all that a use case needs.
pub(crate) struct House {
    pub(crate) app: Arc<App<RedbStore>>,
    pub(crate) data_dir: DataDir,
}

impl House {
    /// Opens the data folder, which nobody else may be using, and loads the plugins.
    ///
    /// # Errors
    /// Whatever keeps it from working; nothing is left open then.
    pub(crate) async fn open(
        config: &Config,
        surroundings: &Surroundings,
    ) -> Result<Self, StartError> {
        let Surroundings { clock, entropy, compiler } = surroundings;
        let data_dir = DataDir::open_or_create(&config.server.data_dir, entropy.as_ref())?;
        let store = open_store(config, &data_dir)?;
        let host =
            plugins::host(config, &data_dir, compiler.clone()).map_err(StartError::PluginHost)?;
        let defaults = plugins::bindings(&host, &config.plugins, clock.now()).await?;
        let plugins = Plugins { host, defaults, most: config.plugins.most_uploaded };
        let payments = yookassa::payments(&config.payments.yookassa)?;
        let app = App::new(store, plugins, Arc::clone(entropy)).with_payments(payments);
        let app = Arc::new(app);
        tenants::ensure_default(&app, clock.now()).await.map_err(StartError::Prepare)?;
        Ok(Self { app, data_dir })
    }
}

/// A server that answers.
pub struct Server {
    address: SocketAddr,
    is_new: bool,
    secret: String,
    web: Arc<Web>,
    /// Compiling plugins, what time brings, webhooks, payments whose end nobody told, statements, and what prices.
    beside: [Background; 6],
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Server {
    /// Opens the data folder, loads the plugins and listens.
    ///
    /// # Errors
    /// Whatever keeps it from answering; nothing is left running then.
    pub async fn start(config: Config, surroundings: Surroundings) -> Result<Self, StartError> {
        // First, so that a port that is taken leaves nothing behind.
        let address = config.server.listen;
        let unheard = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(unheard)?;
        let address = listener.local_addr().map_err(unheard)?;
        let House { app, data_dir } = House::open(&config, &surroundings).await?;
        let auth = &config.auth;
        let keys = TokenKeys::load(auth, data_dir.secret())?;
        let Surroundings { clock, entropy, .. } = surroundings;

        let pricing = config.plugins.pricing.clone();
        let secret = auth.secret.clone().unwrap_or_else(|| data_dir.secret().to_owned());
        let web = Arc::new(Web {
            app,
            clock,
            entropy,
            verifier: Verifier::new(keys, auth.issuer.as_deref(), auth.audience.as_deref()),
            limits: config.limits,
            reach: config.webhooks.reach(),
            yookassa: config.payments.yookassa,
            metrics: Metrics::new(),
            documents: LazyLock::new(Documents::new),
            places: Semaphore::new(config.limits.concurrent_requests),
            uploads: UploadPlaces::new(),
            errands: Errands::default(),
            backups: Backups::new(&data_dir),
            probe: Probe::new(&data_dir),
        });
        let (stop, stopped) = oneshot::channel();
        let router = http::router(Arc::clone(&web));
        let running = tokio::spawn(async move {
            let stopped = async {
                // A sender that is gone means stop, too.
                let _ = stopped.await;
            };
            listener::serve(listener, router, config.limits, stopped).await;
        });
        let beside = [
            Background::start(|stopped| compile(Arc::clone(&web), stopped)),
            Background::start(|stopped| clockwork::run(Arc::clone(&web), stopped)),
            Background::start(|stopped| postman::run(Arc::clone(&web), stopped)),
            Background::start(|stopped| clockwork::reconcile(Arc::clone(&web), stopped)),
            Background::start(|stopped| clockwork::bill(Arc::clone(&web), stopped)),
            Background::start(|stopped| clockwork::keep_pricer(Arc::clone(&web), pricing, stopped)),
        ];
        let is_new = data_dir.is_new();
        Ok(Self { address, is_new, secret, web, beside, stop, running })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether this start made the data folder.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// What its tokens are signed with, where that is a secret (HS256).
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// What the store has done since the start.
    #[must_use]
    pub fn store_stats(&self) -> Stats {
        self.web.app.store().stats()
    }

    /// Works all that is due by now, as it does by itself all the time.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn work_due(&self) -> Result<u64, planwright_service::Error> {
        let (app, now) = (&self.web.app, self.web.clock.now());
        let asked = reconciliation::work_all(app, now).await?;
        let worked = worker::work_all(app, now).await?;
        Ok(asked + worked + statement_run::work_all(app, now).await?)
    }

    /// Takes no more requests, answers those under way, and closes the store.
    pub async fn stop(self) {
        // A server that stopped by itself has no ear left.
        let _ = self.stop.send(());
        if let Err(error) = self.running.await {
            tracing::error!(%error, "the server did not stop cleanly");
        }
        // What was being compiled is taken up again at the next start. What keeps the pricer stops last, and looks once
        // more.
        for task in self.beside {
            task.stop().await;
        }
        self.web.errands.finish().await;
        let Stats { commits, change_sets, failures, .. } = self.web.app.store().stats();
        tracing::info!(commits, change_sets, failures, "stopped");
    }
}

/// Compiles what is uploaded, until it is told to stop.
async fn compile(web: Arc<Web>, stopped: Stopped) {
    let (app, clock) = (Arc::clone(&web.app), Arc::clone(&web.clock));
    if let Err(error) = plugin_work::run(app, clock, stopped.told()).await {
        tracing::error!(%error, "no plugin is compiled until the next start");
    }
}

fn open_store(config: &Config, data_dir: &DataDir) -> Result<RedbStore, StartError> {
    let options = Options { cache_bytes: config.server.cache_mib << 20, ..Options::default() };
    RedbStore::open(data_dir.store(), options).map_err(|error| match error {
        StoreError::InUse { .. } => {
            StartError::InUse { data_dir: data_dir.path().display().to_string() }
        }
        StoreError::Corrupt { reason } => DamagedStore { file: data_dir.store(), reason }.into(),
        StoreError::Unavailable { .. }
        | StoreError::Full
        | StoreError::Newer { .. }
        | StoreError::NotEmpty { .. } => StartError::Store(error),
    })
}
