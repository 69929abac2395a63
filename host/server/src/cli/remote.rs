//! Commands that ask a running server, as anybody could over HTTP.

use std::io::Write;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use planwright_domain::name::is_control;
use planwright_domain::plugin::Owner;
use planwright_domain::refusal::FieldError;
use reqwest::{ClientBuilder, Method, RequestBuilder, Response, Url, header};
use serde_json::Value;

use super::Failure;
use super::out::{print, print_line};
use crate::outbound;

/// The longest that a server may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which server, and on whose behalf.
#[derive(Args)]
pub(super) struct Remote {
    /// The server.
    #[arg(
        long,
        value_name = "URL",
        env = "PLANWRIGHT_URL",
        hide_env_values = true,
        default_value = "http://127.0.0.1:8080"
    )]
    server: String,
    /// A token or an API key.
    #[arg(long, value_name = "TOKEN", env = "PLANWRIGHT_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Print what the server answers, as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// Which server, on whose behalf, and about whom.
#[derive(Args)]
pub(super) struct OfTenant {
    /// The tenant, for operators [default: that of the token].
    #[arg(long)]
    tenant: Option<String>,
    #[command(flatten)]
    pub(super) remote: Remote,
}

impl OfTenant {
    pub(super) fn ask<'a>(
        &'a self,
        method: Method,
        path: &'a [&'a str],
        body: Option<Value>,
    ) -> Ask<'a> {
        Ask { method, path, tenant: self.tenant.as_deref(), body, query: None }
    }
}

/// The same for what the host can have, too.
#[derive(Args)]
pub(super) struct OfOwner {
    /// For the host, and so for every tenant that has nothing of its own; for operators.
    #[arg(long, conflicts_with = "tenant")]
    host: bool,
    #[command(flatten)]
    of: OfTenant,
}

impl OfOwner {
    pub(super) fn ask<'a>(
        &'a self,
        method: Method,
        path: &'a [&'a str],
        body: Option<Value>,
    ) -> Ask<'a> {
        let ask = self.of.ask(method, path, body);
        if self.host { Ask { tenant: Some(Owner::HOST), ..ask } } else { ask }
    }

    pub(super) fn remote(&self) -> &Remote {
        &self.of.remote
    }
}

/// What to ask for below `/api/v1/admin`.
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    pub(super) path: &'a [&'a str],
    /// For operators: the tenant that it is about.
    pub(super) tenant: Option<&'a str>,
    pub(super) body: Option<Value>,
    /// A parameter of its own.
    pub(super) query: Option<(&'a str, &'a str)>,
}

impl Remote {
    /// For a command that has flags of its own.
    pub(super) fn new(server: &str, token: Option<&str>) -> Self {
        Self { server: server.to_owned(), token: token.map(str::to_owned), json: false }
    }

    /// The answer; null where it is empty.
    pub(super) fn ask(&self, ask: Ask<'_>) -> Result<Value, Failure> {
        let url = self.url(&ask)?;
        self.send(ask.method, url, |request| match &ask.body {
            Some(body) => request.json(body),
            None => request,
        })
    }

    /// The answer with its entity tag. `more` are parameters of the query, `if_match` is a tag that was read.
    pub(super) fn ask_tagged(
        &self,
        ask: Ask<'_>,
        more: &[(&str, &str)],
        if_match: Option<&str>,
    ) -> Result<(Value, String), Failure> {
        let mut url = self.url(&ask)?;
        if !more.is_empty() {
            url.query_pairs_mut().extend_pairs(more);
        }
        let client = outbound::client().timeout(PATIENCE);
        let mut request = self.request(client, ask.method, url)?;
        if let Some(body) = &ask.body {
            request = request.json(body);
        }
        if let Some(tag) = if_match {
            request = request.header(header::IF_MATCH, tag);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let response = request.send().await.map_err(|error| self.unreached(&error))?;
            let tag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
            let tag = tag.unwrap_or_default().to_owned();
            Ok((read(response).await?, tag))
        })
    }

    /// Sends bytes as they are.
    pub(super) fn upload(
        &self,
        ask: &Ask<'_>,
        kind: &str,
        bytes: Vec<u8>,
    ) -> Result<Value, Failure> {
        let url = self.url(ask)?;
        self.send(ask.method.clone(), url, |request| {
            request.header(header::CONTENT_TYPE, kind).body(bytes)
        })
    }

    /// Every item of a list that comes in pages.
    pub(super) fn list(&self, ask: &Ask<'_>) -> Result<Vec<Value>, Failure> {
        let url = self.url(ask)?;
        let mut items = Vec::new();
        for page in 1_u64.. {
            let mut url = url.clone();
            let page_text = page.to_string();
            url.query_pairs_mut()
                .extend_pairs([("page", page_text.as_str()), ("page_size", "100")]);
            let answer = self.send(ask.method.clone(), url, |request| request)?;
            items.extend(answer["items"].as_array().into_iter().flatten().cloned());
            if answer["total_pages"].as_u64().is_none_or(|pages| page >= pages) {
                break;
            }
        }
        Ok(items)
    }

    fn url(&self, ask: &Ask<'_>) -> Result<Url, Failure> {
        let mut url: Url = self
            .server
            .parse()
            .map_err(|error| format!("--server '{}' is no URL: {error}", self.server))?;
        if !matches!(url.scheme(), "http" | "https") {
            let wrong = format!("--server '{}' must begin with https:// or http://", self.server);
            return Err(wrong.into());
        }
        // Such a URL has a host, and so a path.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["api", "v1", "admin"]).extend(ask.path);
        }
        if let Some(tenant) = ask.tenant {
            url.query_pairs_mut().append_pair("tenant", tenant);
        }
        if let Some((name, value)) = ask.query {
            url.query_pairs_mut().append_pair(name, value);
        }
        Ok(url)
    }

    /// Writes an answer that may be long, and says after each piece how long it is until then. Nothing bounds
    /// the time it takes, but that a piece has to come in a minute.
    pub(super) fn download(
        &self,
        path: &[&str],
        out: &mut impl Write,
        mut progress: impl FnMut(u64),
    ) -> Result<(), Failure> {
        let url =
            self.url(&Ask { method: Method::GET, path, tenant: None, body: None, query: None })?;
        let client = outbound::client().read_timeout(PATIENCE).connect_timeout(PATIENCE);
        let request = self.request(client, Method::GET, url)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut response = request.send().await.map_err(|error| self.unreached(&error))?;
            if !response.status().is_success() {
                return Err(read(response).await.err().unwrap_or_else(|| "there is none".into()));
            }
            let broken = |error| format!("the answer broke off: {}", innermost(&error));
            let mut bytes = 0;
            while let Some(piece) = response.chunk().await.map_err(broken)? {
                out.write_all(&piece)?;
                bytes += u64::try_from(piece.len()).unwrap_or(0);
                progress(bytes);
            }
            Ok(())
        })
    }

    fn request(
        &self,
        client: ClientBuilder,
        method: Method,
        url: Url,
    ) -> Result<RequestBuilder, Failure> {
        let token = self.token.as_deref().ok_or(
            "it takes a token or an API key: --token, or PLANWRIGHT_TOKEN. `planwright token --help` \
             shows how to make one",
        )?;
        Ok(client.build()?.request(method, url).bearer_auth(token))
    }

    fn unreached(&self, error: &reqwest::Error) -> String {
        let (server, cause) = (&self.server, innermost(error));
        format!("cannot reach {server}: {cause}. Is it running? --server names another")
    }

    fn send(
        &self,
        method: Method,
        url: Url,
        with_body: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Value, Failure> {
        let request = with_body(self.request(outbound::client().timeout(PATIENCE), method, url)?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let response = request.send().await.map_err(|error| self.unreached(&error))?;
            read(response).await
        })
    }
}

/// What is refused, in a sentence, and the fields at fault.
#[derive(Debug)]
pub(super) struct Declined {
    pub(super) sentence: String,
    pub(super) errors: Vec<FieldError>,
}

impl std::fmt::Display for Declined {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.sentence)
    }
}

impl std::error::Error for Declined {}

/// The answer, or the problem.
async fn read(response: Response) -> Result<Value, Failure> {
    let status = response.status();
    let bytes = response.bytes().await.map_err(|error| format!("the answer broke off: {error}"))?;
    if status.is_success() && bytes.is_empty() {
        return Ok(Value::Null);
    }
    let json: Option<Value> = serde_json::from_slice(&bytes).ok();
    match json {
        Some(json) if status.is_success() => Ok(json),
        Some(json) if json["detail"].is_string() => {
            let text = |field: &str| json[field].as_str().unwrap_or_default().to_owned();
            let sentence = format!("{} ({status}, request {})", text("detail"), text("request_id"));
            let errors = serde_json::from_value(json["errors"].clone()).unwrap_or_default();
            Err(Declined { sentence, errors }.into())
        }
        _ => Err(format!("the answer is not Planwright's ({status}). Is --server right?").into()),
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => innermost(source),
        None => error.to_string(),
    }
}

/// Prints lines for people, columns beneath their titles.
pub(super) fn print_table(titles: &[&str], rows: Vec<Vec<String>>) -> Result<(), Failure> {
    let titles = titles.iter().map(|title| (*title).to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(titles).chain(rows).collect();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..).map_while(width).collect();
    let mut table = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        table.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        table.push('\n');
    }
    print(&table)
}

/// Prints JSON, as it is read by programs and still by people.
pub(super) fn print_json(value: &Value) -> Result<(), Failure> {
    print_line(&format!("{value:#}"))
}

/// What is shown this once alone on standard output, so that a script can take it; what else there is to say beside it.
pub(super) fn print_secret(
    remote: &Remote,
    made: &Value,
    did: &str,
    field: &str,
) -> Result<(), Failure> {
    if remote.json {
        return print_json(made);
    }
    eprintln!("{did} {}; the {field} is not shown again", cell(made, "id"));
    print_line(&cell(made, field))
}

/// A field for a table: text as it is, but for what a terminal would obey; `-` for nothing.
pub(super) fn cell(item: &Value, field: &str) -> String {
    match &item[field] {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.replace(is_control, " "),
        other => other.to_string(),
    }
}

/// A field with Unix seconds for a table.
pub(super) fn time_cell(item: &Value, field: &str) -> String {
    let time = item[field].as_i64().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map_or_else(|| "-".to_owned(), |time| time.to_string())
}
