//! The real program as a process of its own, to be killed.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{Actor, claims, compiled_plugins};
use planwright_server::token::{self, Claims};

/// The program.
pub(crate) const PLANWRIGHT: &str = env!("CARGO_BIN_EXE_planwright-for-tests");

/// A running `planwright serve`; killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    secret: String,
    /// What it says after the line that it listens.
    says: std::sync::mpsc::Receiver<String>,
}

/// A command with nothing of ours in its environment.
pub(crate) fn planwright(arguments: &[&str]) -> Command {
    let mut command = Command::new(PLANWRIGHT);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PLANWRIGHT_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).env("PLANWRIGHT_PLUGINS_CACHE_DIR", compiled_plugins());
    command
}

impl Process {
    /// Starts it on a data folder and a free port, and waits until it listens.
    pub(crate) fn start(data_dir: &Path) -> Self {
        Self::start_with(data_dir, &[])
    }

    /// The same with more in its environment.
    pub(crate) fn start_with(data_dir: &Path, environment: &[(&str, &str)]) -> Self {
        Self::try_start(data_dir, environment).unwrap_or_else(|said| panic!("it ended: {said:?}"))
    }

    /// The same where it may not start: what it said then.
    pub(crate) fn try_start(
        data_dir: &Path,
        environment: &[(&str, &str)],
    ) -> Result<Self, Vec<String>> {
        let data_dir_text = data_dir.to_str().unwrap();
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--data-dir", data_dir_text];
        let mut command = planwright(&arguments);
        command.envs(environment.iter().copied());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let address = loop {
            let Some(line) = lines.next() else {
                child.wait().unwrap();
                return Err(said);
            };
            let line = line.unwrap();
            let address =
                line.strip_prefix("listening on http://").map(|text| text.parse().unwrap());
            said.push(line);
            if let Some(address) = address {
                break address;
            }
        };
        // What it says later is read, so that it never waits for a reader.
        let (hear, says) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // Nobody may be listening.
                let _ = hear.send(line);
            }
        });
        let secret = std::fs::read_to_string(data_dir.join("secret")).unwrap().trim().to_owned();
        Ok(Self { child, address, secret, says })
    }

    /// The next line it says that has a part like this.
    pub(crate) fn next_line_with(&self, part: &str) -> String {
        let patience = std::time::Duration::from_secs(30);
        loop {
            let line = self.says.recv_timeout(patience).unwrap();
            if line.contains(part) {
                return line;
            }
        }
    }

    pub(crate) fn admin(&self) -> Actor {
        self.actor("root", "admin")
    }

    pub(crate) fn operator(&self) -> Actor {
        self.actor("olga", "operator")
    }

    fn actor(&self, id: &str, role: &str) -> Actor {
        self.with_claims(&claims(id, role))
    }

    /// Somebody whose token says just this.
    pub(crate) fn with_claims(&self, claims: &Claims) -> Actor {
        let token = token::issue(&self.secret, claims).unwrap();
        Actor::new(self.address, Some(token))
    }

    /// `kill -9`: it has no chance to do anything more.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// `kill`: what a service manager sends. Gives its exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
