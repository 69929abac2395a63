//! `planwright webhook`

use clap::{Args, Subcommand};
use planwright_domain::webhook::delivery::DeliveryState;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::Failure;
use super::remote::{
    Ask, OfTenant, Remote, cell, print_json, print_secret, print_table, time_cell,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  export PLANWRIGHT_TOKEN=$(planwright token --user me --role admin)
  SECRET=$(planwright webhook create https://shop.example/hooks --event 'subscription.*')
  planwright webhook list
  planwright webhook test whe_abcdefghijklmnop
  planwright webhook deliveries whe_abcdefghijklmnop --state failed
  planwright webhook redeliver whe_abcdefghijklmnop whd_0067a31900abcdefghijklmnop
  SECRET=$(planwright webhook rotate whe_abcdefghijklmnop --overlap-hours 48)
  planwright webhook update whe_abcdefghijklmnop --enabled false";

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make an endpoint, and print its secret alone: it is not shown again.
    #[command(after_help = EXAMPLES)]
    Create {
        /// Where events are sent.
        url: String,
        /// What it listens to, such as plan.created or subscription.*; may come again [default: everything].
        #[arg(long = "event", value_name = "EVENT")]
        events: Vec<String>,
        /// For people.
        #[arg(long, default_value = "")]
        description: String,
        #[command(flatten)]
        of: OfTenant,
    },
    /// List the endpoints, and how they fare.
    #[command(after_help = EXAMPLES)]
    List {
        #[command(flatten)]
        of: OfTenant,
    },
    /// Change an endpoint, or switch it on or off.
    #[command(after_help = EXAMPLES)]
    Update {
        /// The endpoint's id, as the list shows it.
        id: String,
        /// Where events are sent.
        #[arg(long)]
        url: Option<String>,
        /// What it listens to, in the place of what it did; may come again.
        #[arg(long = "event", value_name = "EVENT")]
        events: Option<Vec<String>>,
        /// For people.
        #[arg(long)]
        description: Option<String>,
        /// Whether it is told anything.
        #[arg(long)]
        enabled: Option<bool>,
        #[command(flatten)]
        of: OfTenant,
    },
    /// Make another secret, and print it alone: it is not shown again.
    #[command(after_help = EXAMPLES)]
    Rotate {
        /// The endpoint's id, as the list shows it.
        id: String,
        /// How long the secret that there was signs, too [default: 24].
        #[arg(long, value_name = "HOURS")]
        overlap_hours: Option<u32>,
        #[command(flatten)]
        of: OfTenant,
    },
    /// Delete an endpoint: nothing more is sent to it.
    #[command(after_help = EXAMPLES)]
    Delete {
        /// The endpoint's id, as the list shows it.
        id: String,
        #[command(flatten)]
        of: OfTenant,
    },
    /// Send an event of the type webhook.test to an endpoint.
    #[command(after_help = EXAMPLES)]
    Test {
        /// The endpoint's id, as the list shows it.
        id: String,
        #[command(flatten)]
        of: OfTenant,
    },
    /// List what was sent to an endpoint, the newest events first.
    #[command(after_help = EXAMPLES)]
    Deliveries {
        /// The endpoint's id, as the list shows it.
        id: String,
        /// pending, delivered or failed [default: all].
        #[arg(long, value_parser = parse_state)]
        state: Option<DeliveryState>,
        #[command(flatten)]
        of: OfTenant,
    },
    /// Send an event to an endpoint again.
    #[command(after_help = EXAMPLES)]
    Redeliver {
        /// The endpoint's id, as the list shows it.
        id: String,
        /// The delivery's id, as the list of deliveries shows it.
        delivery: String,
        #[command(flatten)]
        of: OfTenant,
    },
}

fn parse_state(text: &str) -> Result<DeliveryState, String> {
    DeliveryState::from_name(text).ok_or_else(|| "it is pending, delivered or failed".to_owned())
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        Command::Create { url, events, description, of } => {
            let draft = json!({"url": url, "events": events, "description": description});
            let made = of.remote.ask(of.ask(Method::POST, &["webhooks"], Some(draft)))?;
            print_secret(&of.remote, &made, "made", "secret")
        }
        Command::List { of } => {
            let endpoints = of.remote.list(&of.ask(Method::GET, &["webhooks"], None))?;
            show(&of.remote, endpoints)
        }
        Command::Update { id, url, events, description, enabled, of } => {
            let named = [
                ("url", url.map(Value::from)),
                ("events", events.map(Value::from)),
                ("description", description.map(Value::from)),
                ("enabled", enabled.map(Value::from)),
            ];
            let patch: Map<String, Value> = named
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                .collect();
            let path = ["webhooks", &id];
            let changed = of.remote.ask(of.ask(Method::PUT, &path, Some(patch.into())))?;
            show(&of.remote, vec![changed])
        }
        Command::Rotate { id, overlap_hours, of } => {
            let hours = overlap_hours.map(|hours| json!({"overlap_hours": hours}));
            let path = ["webhooks", &id, "rotate"];
            let rotated = of.remote.ask(of.ask(Method::POST, &path, hours))?;
            print_secret(&of.remote, &rotated, "made another secret for", "secret")
        }
        Command::Delete { id, of } => {
            of.remote.ask(of.ask(Method::DELETE, &["webhooks", &id], None))?;
            if of.remote.json {
                return print_json(&json!({"id": id, "deleted": true}));
            }
            eprintln!("deleted {id}");
            Ok(())
        }
        Command::Test { id, of } => {
            let path = ["webhooks", &id, "test"];
            let sent = of.remote.ask(of.ask(Method::POST, &path, None))?;
            show_deliveries(&of.remote, vec![sent])
        }
        Command::Deliveries { id, state, of } => {
            let path = ["webhooks", &id, "deliveries"];
            let query = state.map(|state| ("state", state.as_str()));
            let ask = Ask { query, ..of.ask(Method::GET, &path, None) };
            show_deliveries(&of.remote, of.remote.list(&ask)?)
        }
        Command::Redeliver { id, delivery, of } => {
            let path = ["webhooks", &id, "deliveries", &delivery, "redeliver"];
            let sent = of.remote.ask(of.ask(Method::POST, &path, None))?;
            show_deliveries(&of.remote, vec![sent])
        }
    }
}

fn show(remote: &Remote, endpoints: Vec<Value>) -> Result<(), Failure> {
    if remote.json {
        return print_json(&endpoints.into());
    }
    let row = |one: &Value| {
        let events: Vec<&str> =
            one["events"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let events = if events.is_empty() { "all".to_owned() } else { events.join(",") };
        vec![
            cell(one, "id"),
            cell(one, "url"),
            events,
            cell(one, "enabled"),
            time_cell(one, "failing_since"),
            cell(one, "pending"),
        ]
    };
    let titles = ["ID", "URL", "EVENTS", "ENABLED", "FAILING SINCE", "PENDING"];
    print_table(&titles, endpoints.iter().map(row).collect())
}

fn show_deliveries(remote: &Remote, deliveries: Vec<Value>) -> Result<(), Failure> {
    if remote.json {
        return print_json(&deliveries.into());
    }
    let row = |one: &Value| {
        let attempts = one["attempts"].as_array().map_or(&[][..], Vec::as_slice);
        let last = attempts.last().map_or_else(
            || "-".to_owned(),
            |last| match last["status"].as_u64() {
                Some(status) => status.to_string(),
                None => cell(last, "detail"),
            },
        );
        vec![
            cell(one, "id"),
            cell(one, "event_type"),
            cell(one, "state"),
            attempts.len().to_string(),
            time_cell(one, "next_attempt_at"),
            last,
        ]
    };
    let titles = ["ID", "EVENT", "STATE", "ATTEMPTS", "NEXT ATTEMPT", "LAST ANSWER"];
    print_table(&titles, deliveries.iter().map(row).collect())
}
