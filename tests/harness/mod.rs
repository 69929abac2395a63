//! Starts the real server on a free port, with a clock that stands still and seeded randomness, and speaks
//! to it as an admin, a user or a stranger.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod actor;
pub(crate) mod by_hand;
pub(crate) mod contract;
mod edge;
pub(crate) mod process;
pub(crate) mod walk;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use planwright_server::config::Config;
use planwright_server::server::{Server, StartError, Surroundings};
use planwright_server::token::{self, Claims};

use actor::WentWell;
pub(crate) use actor::{Actor, Answer};
pub(crate) use edge::{ManualClock, SeededEntropy};

/// A server of its own for one test.
pub(crate) struct App {
    server: Server,
    folder: Arc<tempfile::TempDir>,
    pub(crate) clock: Arc<ManualClock>,
    went_well: WentWell,
}

impl App {
    /// With the default configuration.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// With another configuration.
    pub(crate) async fn with(configure: impl FnOnce(&mut Config)) -> Self {
        Self::try_with(configure).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// With a configuration that may not do.
    pub(crate) async fn try_with(configure: impl FnOnce(&mut Config)) -> Result<Self, StartError> {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::start_in(folder, Arc::default(), WentWell::default(), configure).await
    }

    async fn start_in(
        folder: Arc<tempfile::TempDir>,
        clock: Arc<ManualClock>,
        went_well: WentWell,
        configure: impl FnOnce(&mut Config),
    ) -> Result<Self, StartError> {
        let mut config = Config::default();
        config.server.listen = ([127, 0, 0, 1], 0).into();
        config.server.data_dir = folder.path().join("data");
        config.plugins.cache_dir = Some(compiled_plugins());
        configure(&mut config);
        Self::start_with(folder, clock, went_well, config, compiler()).await
    }

    /// With a compiler that may do anything.
    pub(crate) async fn with_compiler(
        folder: Arc<tempfile::TempDir>,
        compiler: Vec<OsString>,
    ) -> Self {
        let mut config = Config::default();
        config.server.listen = ([127, 0, 0, 1], 0).into();
        config.server.data_dir = folder.path().join("data");
        let started =
            Self::start_with(folder, Arc::default(), WentWell::default(), config, compiler);
        let started = started.await;
        started.unwrap_or_else(|error| panic!("{error}"))
    }

    async fn start_with(
        folder: Arc<tempfile::TempDir>,
        clock: Arc<ManualClock>,
        went_well: WentWell,
        config: Config,
        compiler: Vec<OsString>,
    ) -> Result<Self, StartError> {
        let surroundings = Surroundings {
            clock: Arc::<ManualClock>::clone(&clock),
            entropy: Arc::new(SeededEntropy::default()),
            compiler,
        };
        let server = Server::start(config, surroundings).await?;
        Ok(Self { server, folder, clock, went_well })
    }

    /// Stops the server, cleanly, and starts it on the same folder.
    pub(crate) async fn restart(self) -> Self {
        self.restart_with(0, |_| {}).await
    }

    /// The same, and nobody works for some seconds between.
    pub(crate) async fn restart_after(self, seconds: i64) -> Self {
        self.restart_with(seconds, |_| {}).await
    }

    /// The same with another configuration.
    pub(crate) async fn restart_with(
        self,
        seconds: i64,
        configure: impl FnOnce(&mut Config),
    ) -> Self {
        let Self { server, folder, clock, went_well } = self;
        server.stop().await;
        clock.advance(seconds);
        Self::start_in(folder, clock, went_well, configure)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts it on the folder of one that was stopped.
    pub(crate) async fn start_on(folder: Arc<tempfile::TempDir>) -> Self {
        let started = Self::start_in(folder, Arc::default(), WentWell::default(), |_| {}).await;
        started.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Waits until it says that it is ready: it looks through its plugins first.
    pub(crate) async fn ready(&self) {
        for _ in 0..1_000 {
            if self.stranger().get("/readyz").await.status == 200 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("it does not get ready");
    }

    /// How many change sets the store took since the start.
    pub(crate) fn change_sets(&self) -> u64 {
        self.server.store_stats().change_sets
    }

    /// The file of its store.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("data/planwright.redb")
    }

    /// Stops the server, cleanly, and gives the file of its store.
    pub(crate) async fn stop(self) -> (Arc<tempfile::TempDir>, PathBuf) {
        let file = self.file();
        self.server.stop().await;
        (self.folder, file)
    }

    /// Some seconds later, with all that is due by then worked. Gives how much that was.
    pub(crate) async fn advance(&self, seconds: i64) -> u64 {
        self.clock.advance(seconds);
        self.server.work_due().await.unwrap()
    }

    /// Says which operations a test is about: each was asked here and answered with success. Every operation is
    /// named so by some test (`api/document.rs`).
    #[track_caller]
    pub(crate) fn covers(&self, operations: &[&str]) {
        let went_well = self.went_well.lock().unwrap();
        for id in operations {
            assert!(went_well.contains(*id), "{id} was not asked, or did not go well");
        }
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.server.address()
    }

    /// Somebody who manages the tenant.
    pub(crate) fn admin(&self) -> Actor {
        self.actor("root", "admin")
    }

    /// Somebody with their own data.
    pub(crate) fn user(&self, id: &str) -> Actor {
        self.actor(id, "user")
    }

    pub(crate) fn actor(&self, id: &str, role: &str) -> Actor {
        self.with_claims(&claims(id, role))
    }

    /// Somebody of another tenant.
    pub(crate) fn of_tenant(&self, tenant: &str, id: &str, role: &str) -> Actor {
        self.with_claims(&Claims { tenant: Some(tenant.to_owned()), ..claims(id, role) })
    }

    /// Somebody who manages the host.
    pub(crate) fn operator(&self) -> Actor {
        self.actor("olga", "operator")
    }

    /// Makes tenants.
    pub(crate) async fn make_tenants(&self, ids: &[&str]) {
        for id in ids {
            let draft = serde_json::json!({"id": id, "name": id});
            self.operator().post("/api/v1/admin/tenants", draft).await.ok(201);
        }
    }

    /// Somebody with an API key.
    pub(crate) fn with_key(&self, key: &str) -> Actor {
        Actor::new(self.address(), Some(key.to_owned())).noted_in(&self.went_well)
    }

    /// Somebody whose token says just this.
    pub(crate) fn with_claims(&self, claims: &Claims) -> Actor {
        let token = token::issue(self.server.secret(), claims).unwrap();
        Actor::new(self.address(), Some(token)).noted_in(&self.went_well)
    }

    /// Somebody without credentials.
    pub(crate) fn stranger(&self) -> Actor {
        Actor::new(self.address(), None).noted_in(&self.went_well)
    }
}

/// The program itself, told to compile.
pub(crate) fn compiler() -> Vec<OsString> {
    vec![process::PLANWRIGHT.into(), planwright_server::server::COMPILE.into()]
}

/// What a token says that holds for as long as the manual clock can run.
pub(crate) fn claims(id: &str, role: &str) -> Claims {
    Claims::new(id, role, 200_000_000_000)
}

/// Native code is shared by all tests, as its folder may be by servers: compiling takes longer than most
/// tests do.
pub(crate) fn compiled_plugins() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-plugins")
}
