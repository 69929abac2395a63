//! `planwright plugin`

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::{Args, Subcommand};
use planwright_domain::plugin::hook::Hook;
use reqwest::Method;
use serde_json::{Value, json};

use super::Failure;
use super::out::print_line;
use super::remote::{OfOwner, cell, print_json, print_table, time_cell};

pub(super) const EXAMPLES: &str = "\
Examples:
  DIGEST=$(planwright plugin upload round_prices.wasm --wait)
  planwright plugin bind validation $DIGEST
  planwright plugin bind pricing $DIGEST --settings '{\"rate\": \"0.2\"}'
  planwright plugin bind validation $DIGEST --settings @rules.json --no-standard
  planwright plugin bindings
  planwright plugin unbind validation
  planwright plugin list --tenant acme
  planwright plugin upload shared.wasm --host --wait";

/// How often a plugin that is being compiled is looked at, and how many looks are between two lines about it.
const PAUSE: Duration = Duration::from_millis(500);
const LOOKS: u32 = 10;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Upload a component, and print its digest alone.
    #[command(after_help = EXAMPLES)]
    Upload {
        /// The component (.wasm).
        file: PathBuf,
        /// Wait until it is ready, or has failed.
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        of: OfOwner,
    },
    /// List the plugins, newest first: those of the tenant and of the host.
    #[command(after_help = EXAMPLES)]
    List {
        #[command(flatten)]
        of: OfOwner,
    },
    /// Show a plugin.
    #[command(after_help = EXAMPLES)]
    Show {
        /// The plugin's digest, as the list shows it.
        digest: String,
        #[command(flatten)]
        of: OfOwner,
    },
    /// Delete a plugin that is bound to nothing.
    #[command(after_help = EXAMPLES)]
    Delete {
        /// The plugin's digest, as the list shows it.
        digest: String,
        #[command(flatten)]
        of: OfOwner,
    },
    /// Let plugins answer for a hook, in the place of those that did.
    #[command(after_help = EXAMPLES)]
    Bind {
        /// identity, pricing, validation or templates.
        #[arg(value_parser = parse_hook)]
        hook: Hook,
        /// The plugins' digests, in the order in which they are asked.
        digests: Vec<String>,
        /// A plugin's settings, or @ and a file that holds them; the first for the first plugin, and so on.
        #[arg(long, value_name = "JSON|@FILE", value_parser = parse_settings)]
        settings: Vec<Value>,
        /// Leave out the standard rules, or the packs of the configuration.
        #[arg(long)]
        no_standard: bool,
        #[command(flatten)]
        of: OfOwner,
    },
    /// Go back to the default for a hook.
    #[command(after_help = EXAMPLES)]
    Unbind {
        /// identity, pricing, validation or templates.
        #[arg(value_parser = parse_hook)]
        hook: Hook,
        #[command(flatten)]
        of: OfOwner,
    },
    /// Show which plugins answer for which hook, and where they come from.
    #[command(after_help = EXAMPLES)]
    Bindings {
        #[command(flatten)]
        of: OfOwner,
    },
}

fn parse_hook(text: &str) -> Result<Hook, String> {
    Hook::from_name(text)
        .ok_or_else(|| "it is identity, pricing, validation or templates".to_owned())
}

fn parse_settings(text: &str) -> Result<Value, String> {
    let text = match text.strip_prefix('@') {
        Some(file) => {
            std::fs::read_to_string(file).map_err(|error| format!("cannot read {file}: {error}"))?
        }
        None => text.to_owned(),
    };
    serde_json::from_str(&text).map_err(|error| format!("it is not JSON: {error}"))
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        Command::Upload { file, wait, of } => upload(&file, wait, &of),
        Command::List { of } => {
            let plugins = of.remote().list(&of.ask(Method::GET, &["plugins"], None))?;
            show_plugins(&of, plugins)
        }
        Command::Show { digest, of } => {
            print_json(&of.remote().ask(of.ask(Method::GET, &["plugins", &digest], None))?)
        }
        Command::Delete { digest, of } => {
            of.remote().ask(of.ask(Method::DELETE, &["plugins", &digest], None))?;
            if of.remote().json {
                return print_json(&json!({"digest": digest, "deleted": true}));
            }
            eprintln!("deleted {digest}");
            Ok(())
        }
        Command::Bind { hook, digests, settings, no_standard, of } => {
            let draft = draft(&digests, settings, no_standard)?;
            let path = ["plugin-bindings", hook.as_str()];
            let live = of.remote().ask(of.ask(Method::PUT, &path, Some(draft)))?;
            show_bindings(&of, live)
        }
        Command::Unbind { hook, of } => {
            let path = ["plugin-bindings", hook.as_str()];
            let live = of.remote().ask(of.ask(Method::DELETE, &path, None))?;
            show_bindings(&of, live)
        }
        Command::Bindings { of } => {
            let mut live = of.remote().ask(of.ask(Method::GET, &["plugin-bindings"], None))?;
            show_bindings(&of, live["bindings"].take())
        }
    }
}

fn draft(digests: &[String], settings: Vec<Value>, no_standard: bool) -> Result<Value, Failure> {
    if settings.len() > digests.len() {
        return Err("there are more --settings than plugins".into());
    }
    let settings = settings.into_iter().chain(std::iter::repeat_with(|| json!({})));
    let plugins = digests.iter().zip(settings);
    let plugins: Vec<Value> =
        plugins.map(|(digest, settings)| json!({"digest": digest, "settings": settings})).collect();
    let mut draft = json!({"plugins": plugins});
    if no_standard {
        draft["standard"] = Value::Bool(false);
    }
    Ok(draft)
}

/// The digest alone on standard output, so that a script can take it; how far the plugin is beside it.
fn upload(file: &PathBuf, wait: bool, of: &OfOwner) -> Result<(), Failure> {
    let shown = file.display();
    let component = std::fs::read(file).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let ask = of.ask(Method::POST, &["plugins"], None);
    let mut plugin = of.remote().upload(&ask, "application/wasm", component)?;
    if wait {
        plugin = watch(plugin, of)?;
    }
    if of.remote().json {
        print_json(&plugin)?;
    } else {
        eprintln!("{}", describe(&plugin));
        print_line(&cell(&plugin, "digest"))?;
    }
    match plugin["state"].as_str() {
        Some("failed") => Err(cell(&plugin, "reason").into()),
        _ => Ok(()),
    }
}

/// Waits for a plugin that is being compiled, and says now and then that it does.
fn watch(mut plugin: Value, of: &OfOwner) -> Result<Value, Failure> {
    let digest = cell(&plugin, "digest");
    for look in 0_u32.. {
        if plugin["state"] != "compiling" {
            break;
        }
        if look.is_multiple_of(LOOKS) {
            eprintln!("{}", describe(&plugin));
        }
        thread::sleep(PAUSE);
        plugin = of.remote().ask(of.ask(Method::GET, &["plugins", &digest], None))?;
    }
    Ok(plugin)
}

fn describe(plugin: &Value) -> String {
    let text = |field| cell(plugin, field);
    match plugin["state"].as_str() {
        Some("ready") => format!("ready: {} {} ({})", text("name"), text("version"), text("hook")),
        Some("compiling") if plugin["waiting"] == true => {
            format!("waiting to be compiled ({} bytes)", text("size"))
        }
        Some("compiling") => format!("compiling ({} bytes) …", text("size")),
        _ => text("state"),
    }
}

fn show_plugins(of: &OfOwner, plugins: Vec<Value>) -> Result<(), Failure> {
    if of.remote().json {
        return print_json(&plugins.into());
    }
    let row = |plugin: &Value| {
        let text = |field| cell(plugin, field);
        let named = ["digest", "hook", "name", "version", "state", "source"].map(text);
        named.into_iter().chain([time_cell(plugin, "created_at")]).collect()
    };
    let titles = ["DIGEST", "HOOK", "NAME", "VERSION", "STATE", "SOURCE", "CREATED"];
    print_table(&titles, plugins.iter().map(row).collect())
}

fn show_bindings(of: &OfOwner, live: Value) -> Result<(), Failure> {
    if of.remote().json {
        return print_json(&live);
    }
    let bindings = match live {
        Value::Array(bindings) => bindings,
        binding => vec![binding],
    };
    let mut rows = Vec::new();
    for binding in &bindings {
        for plugin in binding["plugins"].as_array().into_iter().flatten() {
            let text = |field| cell(plugin, field);
            let [name, version, source, digest, settings] =
                ["name", "version", "source", "digest", "settings"].map(text);
            rows.push(vec![cell(binding, "hook"), name, version, source, digest, settings]);
        }
    }
    print_table(&["HOOK", "NAME", "VERSION", "SOURCE", "DIGEST", "SETTINGS"], rows)
}
