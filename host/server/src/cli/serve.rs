//! `planwright serve`

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, environment};
use crate::config::{AuthConfig, Config, SETTINGS, TokenAlgorithm, variable};
use crate::log;
use crate::server::{Server, Surroundings};

pub(super) const EXAMPLES: &str = "\
Examples:
  planwright serve
  planwright serve --listen 0.0.0.0:8080 --data-dir /var/lib/planwright
  PLANWRIGHT_LOG_FORMAT=json planwright serve --config planwright.toml";

/// The examples, and every setting there is.
pub(super) fn long_help() -> String {
    let settings: Vec<String> = SETTINGS
        .iter()
        .map(|(section, key, _)| format!("  [{section}] {key}  ({})", variable(section, key)))
        .collect();
    format!(
        "{EXAMPLES}\n\nSettings, in the file or the environment (flags win over the environment, and it \
         over the file):\n{}",
        settings.join("\n")
    )
}

#[derive(Args)]
pub(super) struct Arguments {
    /// Where to listen [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Where everything is kept [default: ./planwright-data].
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// A configuration file (TOML).
    #[arg(long, value_name = "FILE", env = "PLANWRIGHT_CONFIG")]
    config: Option<PathBuf>,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut config = Config::load(arguments.config.as_deref(), &environment()?)?;
    if let Some(listen) = arguments.listen {
        config.server.listen = listen;
    }
    if let Some(data_dir) = arguments.data_dir {
        config.server.data_dir = data_dir;
    }
    log::start(&config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let data_dir = config.server.data_dir.clone();
        let auth = config.auth.clone();
        // A first start compiles the standard plugins; whoever stops it then need not wait.
        let server = tokio::select! {
            server = Server::start(config, Surroundings::real()?) => server?,
            () = signals.next() => return Ok(()),
        };
        eprintln!("listening on http://{}", server.address());
        if server.is_new() {
            greet(&server, &data_dir, &auth);
        }
        signals.next().await;
        eprintln!("stopping: answering what is under way (stop again to leave at once)");
        tokio::select! {
            () = server.stop() => {}
            () = signals.next() => eprintln!("stopped at once"),
        }
        Ok(())
    })
}

/// What somebody who starts it for the first time does next.
fn greet(server: &Server, data_dir: &Path, auth: &AuthConfig) {
    let program = program();
    let shown = data_dir.display();
    eprintln!("made the data folder {shown}");
    if auth.algorithm != TokenAlgorithm::HS256 {
        eprintln!("tokens are checked with {} and your public key", auth.algorithm.as_str());
        return;
    }
    if auth.secret.is_some() {
        eprintln!("tokens are signed with your own secret (auth.secret)");
        return;
    }
    let flag = if data_dir == Path::new("planwright-data") {
        String::new()
    } else {
        format!(" --data-dir '{shown}'")
    };
    eprintln!(
        "\nTo try it, type in another terminal:\n\n  \
         TOKEN=$({program} token --user me --role admin{flag})\n  \
         curl -H \"Authorization: Bearer $TOKEN\" http://{}/api/v1/admin/billing/plans\n",
        server.address()
    );
}

/// How this program is called from here.
fn program() -> String {
    let path = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("planwright"));
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(&path).display().to_string()
}

/// Ctrl-C, and what a service manager sends.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
        })
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
