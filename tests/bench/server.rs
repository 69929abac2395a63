//! The real server, in this process, on a data folder of its own.

use planwright_domain::plan::Plan;
use planwright_server::config::Config;
use planwright_server::outbound;
use planwright_server::server::{Server, Surroundings};
use planwright_server::token::{self, Claims};
use serde_json::{Value, json};

pub(crate) const ADMIN_PLANS: &str = "/api/v1/admin/billing/plans";

/// A running server with eight plans in it.
pub(crate) struct Running {
    pub(crate) server: Server,
    _folder: tempfile::TempDir,
}

/// The program that compiles plugins.
pub(crate) fn compiler() -> Vec<std::ffi::OsString> {
    vec![
        env!("CARGO_BIN_EXE_planwright-for-tests").into(),
        planwright_server::server::COMPILE.into(),
    ]
}

pub(crate) async fn start(configure: impl FnOnce(&mut Config)) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.server.listen = ([127, 0, 0, 1], 0).into();
    config.server.data_dir = folder.path().join("data");
    configure(&mut config);
    let surroundings = Surroundings { compiler: compiler(), ..Surroundings::real().unwrap() };
    Running { server: Server::start(config, surroundings).await.unwrap(), _folder: folder }
}

impl Running {
    pub(crate) fn token(&self, role: &str) -> String {
        self.token_of("bench", role)
    }

    pub(crate) fn token_of(&self, user: &str, role: &str) -> String {
        let claims = Claims::new(user, role, 200_000_000_000);
        token::issue(self.server.secret(), &claims).unwrap()
    }

    /// Puts something there, as an admin.
    pub(crate) async fn put(&self, path: &str, body: &Value) {
        let url = format!("http://{}{path}", self.server.address());
        let client = outbound::client().build().unwrap();
        let request = client.put(&url).bearer_auth(self.token("admin")).body(body.to_string());
        let response = request.send().await.unwrap();
        let status = response.status();
        assert!(status.is_success(), "{status}: {}", response.text().await.unwrap());
    }

    /// Makes the plans that are listed and read, and gives them back as the server has them.
    pub(crate) async fn fill(&self) -> Vec<Plan> {
        let client = outbound::client().build().unwrap();
        let url = format!("http://{}{ADMIN_PLANS}", self.server.address());
        let mut plans = Vec::new();
        for at in 0..8 {
            let mut draft = draft();
            draft["id"] = json!(format!("plan_{at}"));
            let request =
                client.post(&url).bearer_auth(self.token("admin")).body(draft.to_string());
            let response = request.send().await.unwrap();
            plans.push(serde_json::from_slice(&response.bytes().await.unwrap()).unwrap());
        }
        plans
    }
}

/// The plan of the first seed document's examples.
pub(crate) fn draft() -> Value {
    json!({
        "name": "Premium",
        "description": "Enhanced features for power users",
        "price": 2990.0,
        "currency": "RUB",
        "interval": "month",
        "quotas": {"tokens_input": 10_000_000, "tokens_output": 5_000_000, "requests": 50_000},
        "features": ["All Pro features", "Priority processing", "Extended API access"],
        "is_active": true,
        "display_order": 4,
    })
}
