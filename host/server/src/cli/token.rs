//! `planwright token`

use std::path::PathBuf;

use clap::Args;
use planwright_domain::tenant::caller::{TenantId, is_user_id};
use planwright_service::edge::Clock;

use super::out::print_line;
use super::values::{RoleName, parse_ttl};
use super::{Failure, environment};
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::edge::SystemClock;
use crate::token::{self, Claims};
use crate::token_keys::KeySource;

pub(super) const EXAMPLES: &str = "\
Examples:
  planwright token --user alice --role admin
  planwright token --user bob --role user --ttl 10m --email bob@example.com
  curl -H \"Authorization: Bearer $(planwright token --user alice --role admin)\" \\
    http://127.0.0.1:8080/api/v1/admin/billing/plans";

#[derive(Args)]
pub(super) struct Arguments {
    /// The user's id.
    #[arg(long)]
    user: String,
    /// What the user may do.
    #[arg(long)]
    role: RoleName,
    /// The tenant [default: default].
    #[arg(long)]
    tenant: Option<String>,
    /// The user's group.
    #[arg(long)]
    group: Option<String>,
    /// The user's email address.
    #[arg(long)]
    email: Option<String>,
    /// The user's name.
    #[arg(long)]
    name: Option<String>,
    /// How long it holds, such as 10m, 1h or 30d.
    #[arg(long, default_value = "1h", value_parser = parse_ttl)]
    ttl: i64,
    /// The data folder [default: ./planwright-data].
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// The server's configuration file (TOML).
    #[arg(long, value_name = "FILE", env = "PLANWRIGHT_CONFIG")]
    config: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if !is_user_id(&arguments.user) {
        return Err("--user must have 1 to 255 characters, none of them a control character".into());
    }
    if let Some(tenant) = arguments.tenant.as_deref() {
        TenantId::new(tenant).ok_or("--tenant must be 1 to 63 of a-z, 0-9 and '-'")?;
    }
    let config = Config::load(arguments.config.as_deref(), &environment()?)?;
    let secret = match config.auth.key_source()? {
        KeySource::Secret(Some(secret)) => secret.to_owned(),
        KeySource::Secret(None) => {
            let data_dir = arguments.data_dir.as_deref().unwrap_or(&config.server.data_dir);
            DataDir::open(data_dir)?.secret().to_owned()
        }
        KeySource::PublicKey(path) | KeySource::Jwks(path) => {
            let path = path.display();
            return Err(format!(
                "the server checks tokens with the public key in {path}, and nothing here can sign \
                 them. Get a token from whoever holds the private key, or use an API key"
            )
            .into());
        }
    };
    let exp = SystemClock.now().as_second().saturating_add(arguments.ttl);
    let claims = Claims {
        tenant: arguments.tenant.clone(),
        iss: config.auth.issuer,
        aud: config.auth.audience.map(serde_json::Value::from),
        email: arguments.email.clone(),
        name: arguments.name.clone(),
        group: arguments.group.clone(),
        ..Claims::new(&arguments.user, arguments.role.as_str(), exp)
    };
    print_line(&token::issue(&secret, &claims)?)
}
