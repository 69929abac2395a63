//! Where a command works that needs no server: on a running one all the same, or on an idle data folder.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use planwright_domain::tenant::caller::{Caller, Role, TenantId};
use planwright_service::plugins::plugin_work;
use planwright_service::{App, Error, Request, tenants};
use planwright_store::RedbStore;

use super::remote::{Declined, Remote};
use super::{Failure, environment};
use crate::config::{Config, LogConfig};
use crate::data_dir::DataDir;
use crate::log;
use crate::server::{House, Surroundings};

/// Who made a change that the audit log tells of, where no server asked for credentials.
const COMMAND_LINE: &str = "command-line";

/// A running server, or an idle data folder.
#[derive(Args)]
pub(super) struct Place {
    /// A running server, by its address [env: PLANWRIGHT_URL].
    #[arg(long, value_name = "URL", conflicts_with = "data_dir")]
    server: Option<String>,
    /// A token for that server.
    #[arg(long, env = "PLANWRIGHT_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// An idle data folder [default: ./planwright-data].
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// The server's configuration file (TOML), for the data folder and its plugins.
    #[arg(long, value_name = "FILE", env = "PLANWRIGHT_CONFIG")]
    config: Option<PathBuf>,
}

/// Which of the two it is.
pub(super) enum Found<'a> {
    Server(Remote),
    Folder(Folder<'a>),
}

/// An idle data folder.
pub(super) struct Folder<'a> {
    place: &'a Place,
    environment: BTreeMap<String, String>,
}

impl Place {
    /// Flags win over the environment: a folder that is named is the one that is meant.
    pub(super) fn find(&self) -> Result<Found<'_>, Failure> {
        let environment = environment()?;
        let server = self
            .server
            .as_ref()
            .or_else(|| environment.get("PLANWRIGHT_URL").filter(|_| self.data_dir.is_none()));
        Ok(match server {
            Some(server) => Found::Server(Remote::new(server, self.token.as_deref())),
            None => Found::Folder(Folder { place: self, environment }),
        })
    }
}

impl Folder<'_> {
    /// How a server on it would be configured, which also says where it is.
    pub(super) fn config(&self) -> Result<Config, Failure> {
        let mut config = Config::load(self.place.config.as_deref(), &self.environment)?;
        if let Some(data_dir) = &self.place.data_dir {
            config.server.data_dir.clone_from(data_dir);
        }
        Ok(config)
    }

    /// Does what a server would do, on the folder itself; that no server uses it is seen when the store is opened.
    /// `if_match` is what the caller has read, as a request says it.
    pub(super) fn work<T>(
        &self,
        command: &str,
        tenant: &TenantId,
        if_match: Option<String>,
        work: impl AsyncFnOnce(&App<RedbStore>, &Request) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let config = self.config()?;
        log::start(&LogConfig { level: "warn".to_owned(), ..config.log })?;
        // A folder that is not there is a name that is misspelt, not one to be made.
        DataDir::open(&config.server.data_dir)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let surroundings = Surroundings::real()?;
            let now = surroundings.clock.now();
            let house = House::open(&config, &surroundings).await?;
            // What the tenant has bound may not be compiled for this version yet.
            plugin_work::finish(&house.app, surroundings.clock.as_ref()).await?;
            if !tenants::exists(&house.app, tenant).await? {
                return Err(format!("there is no tenant '{tenant}'").into());
            }
            let by = Request {
                caller: Caller::new(tenant.clone(), COMMAND_LINE, Role::Operator),
                now,
                received_at: now,
                request_id: command.to_owned(),
                claim: None,
                if_match: if_match.map(|tag| vec![tag]),
            };
            work(&house.app, &by).await.map_err(|error| match error {
                Error::Refused(refusal) => {
                    let (sentence, errors) = (refusal.to_string(), refusal.fields());
                    Declined { sentence, errors }.into()
                }
                error => error.into(),
            })
        })
    }
}
