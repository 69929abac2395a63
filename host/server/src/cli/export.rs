//! `planwright export`

use std::path::PathBuf;

use clap::Args;
use planwright_domain::catalog::catalog_document::CatalogDocument;
use planwright_domain::tenant::caller::TenantId;
use planwright_service::catalog;
use reqwest::Method;
use serde_json::{Value, json};

use super::Failure;
use super::catalog_files;
use super::out::print_line;
use super::place::{Found, Place};
use super::remote::{Ask, print_json};
use super::values::parse_tenant;

pub(super) const EXAMPLES: &str = "\
Examples:
  planwright export catalog --server http://127.0.0.1:8080 --token \"$TOKEN\"
  planwright export catalog --force --data-dir /var/lib/planwright --tenant acme
  PLANWRIGHT_URL=http://127.0.0.1:8080 PLANWRIGHT_TOKEN=$TOKEN planwright export catalog

The folder has a JSON file for each region, product, billing plan, user group and plan. Nothing in them
is a number or a time of this server, so that `planwright apply` puts them into another tenant as well.";

#[derive(Args)]
pub(super) struct Arguments {
    /// The folder to write.
    folder: PathBuf,
    /// Write over a catalog that is in the folder; files of things that are gone are deleted.
    #[arg(long)]
    force: bool,
    /// Print what was written as JSON.
    #[arg(long)]
    json: bool,
    /// The tenant; on a server, for operators [default: that of the token, or 'default'].
    #[arg(long, value_parser = parse_tenant)]
    tenant: Option<TenantId>,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let document = read(arguments)?;
    catalog_files::write(&arguments.folder, &document, arguments.force)?;
    show(arguments, &document)
}

fn read(arguments: &Arguments) -> Result<CatalogDocument, Failure> {
    match arguments.place.find()? {
        Found::Server(server) => {
            let answer = server.ask(Ask {
                method: Method::GET,
                path: &["catalog"],
                tenant: arguments.tenant.as_ref().map(TenantId::as_str),
                body: None,
                query: None,
            })?;
            // From its text: on the way from one value to another, serde_json makes binary floats of decimals.
            Ok(serde_json::from_str(&answer.to_string())?)
        }
        Found::Folder(folder) => {
            let tenant = arguments.tenant.clone().unwrap_or_default();
            let found = folder
                .work("export", &tenant, None, async |app, by| catalog::get(app, by).await)?;
            Ok(found.value)
        }
    }
}

fn show(arguments: &Arguments, document: &CatalogDocument) -> Result<(), Failure> {
    let folder = arguments.folder.display();
    let counts = [
        ("regions", document.regions.len()),
        ("products", document.products.len()),
        ("billing_plans", document.billing_plans.len()),
        ("user_groups", document.user_groups.len()),
        ("plans", document.plans.len()),
    ];
    if arguments.json {
        let mut answer = json!({"folder": folder.to_string()});
        for (list, count) in counts {
            answer[list] = Value::from(count);
        }
        return print_json(&answer);
    }
    let counts = counts.map(|(list, count)| format!("{count} {}", list.replace('_', " ")));
    print_line(&format!("wrote {folder}: {}", counts.join(", ")))
}
