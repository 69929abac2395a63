//! The document as a page for people: made once, on the server, of plain HTML. Nothing is loaded with it, and its
//! policy lets nothing be.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::Web;

const STYLE: &str = include_str!("docs.css");

/// This document, for people.
#[utoipa::path(
    get, path = "/docs", tag = "server", operation_id = "docs", security(()),
    responses((status = 200, content_type = "text/html", body = String)),
)]
pub(crate) async fn show(State(web): State<Arc<Web>>) -> impl IntoResponse {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (headers, web.documents.page.clone())
}

/// The page of a document.
pub(super) fn page(document: &Value) -> String {
    let page = Page { document };
    let mut operations = Vec::new();
    for (path, item) in fields(&document["paths"]) {
        for (method, operation) in fields(item) {
            operations.push((method.to_uppercase(), path, operation));
        }
    }
    operations.sort_by_key(|(_, _, operation)| text(&operation["tags"][0]));
    let links: String = operations
        .iter()
        .map(|(method, path, operation)| {
            let (id, summary) = (text(&operation["operationId"]), marked(text(&operation["summary"])));
            format!(
                "<li><code>{method}</code> <a href=\"#{id}\"><code>{path}</code></a> {summary}</li>\n"
            )
        })
        .collect();
    let operations: String =
        operations.iter().map(|(method, path, one)| page.operation(method, path, one)).collect();
    let schemas: String = fields(&document["components"]["schemas"])
        .map(|(name, schema)| page.schema(name, schema))
        .collect();
    let introduction: String = text(&document["info"]["description"])
        .split("\n\n")
        .map(|part| format!("<p>{}</p>\n", marked(part)))
        .collect();
    let version = shown(&document["info"]["version"]);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Planwright API</title>\n\
         <style>{STYLE}</style>\n<h1>Planwright API <span class=\"quiet\">{version}</span></h1>\n\
         {introduction}<p>For programs: <a href=\"/openapi.json\">openapi.json</a>.</p>\n\
         <nav><ul>\n{links}</ul></nav>\n{operations}<h1>Shapes</h1>\n{schemas}</html>\n"
    )
}

struct Page<'a> {
    document: &'a Value,
}

impl Page<'_> {
    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let at = value["$ref"].as_str().and_then(|at| at.strip_prefix('#'));
        at.and_then(|at| self.document.pointer(at)).unwrap_or(value)
    }

    fn operation(&self, method: &str, path: &str, operation: &Value) -> String {
        let id = text(&operation["operationId"]);
        let roles: Vec<&str> = items(&operation["security"][0]["token"]).map(text).collect();
        let who = if roles.is_empty() { "anybody".to_owned() } else { roles.join(", ") };
        let mut html = format!(
            "<section id=\"{id}\">\n<h2><code>{method} {path}</code></h2>\n<p>{}</p>\n<p>{}</p>\n\
             <p class=\"quiet\">For: {who}.</p>\n",
            marked(text(&operation["summary"])),
            marked(text(&operation["description"])),
        );
        let parameters: String = items(&operation["parameters"])
            .map(|one| self.resolve(one))
            .map(|one| {
                let schema = self.resolve(&one["schema"]);
                let mut is = vec![text(&one["in"]).to_owned()];
                is.extend((one["required"] == true).then(|| "required".to_owned()));
                is.extend(limits(schema));
                row(text(&one["name"]), &self.kind(&one["schema"]), &is, text(&one["description"]))
            })
            .collect();
        html += &table("Parameters", &parameters);
        let body = &operation["requestBody"]["content"];
        for (kind, content) in fields(body) {
            let optional = operation["requestBody"]["required"] == false;
            let may = if optional { " It may be left out." } else { "" };
            let shape = self.kind(&content["schema"]);
            let _ = writeln!(html, "<p>Body: <code>{kind}</code>, {shape}.{may}</p>");
        }
        let _ = writeln!(html, "<pre class=\"curl\">{}</pre>", self.curl(method, path, operation));
        let answers: String = fields(&operation["responses"])
            .map(|(status, one)| {
                let one = self.resolve(one);
                let content = fields(&one["content"]).next();
                let kind = content.map(|(_, content)| self.kind(&content["schema"]));
                let headers: Vec<String> = fields(&one["headers"])
                    .filter(|(name, _)| *name != "X-Request-Id")
                    .map(|(name, _)| name.clone())
                    .collect();
                row(status, &kind.unwrap_or_default(), &headers, text(&one["description"]))
            })
            .collect();
        html += &table("Answers", &answers);
        html + "</section>\n"
    }

    /// A command to copy.
    fn curl(&self, method: &str, path: &str, operation: &Value) -> String {
        let mut path = path.to_owned();
        for one in items(&operation["parameters"]).map(|one| self.resolve(one)) {
            let example = text(&self.resolve(&one["schema"])["examples"][0]);
            let name = text(&one["name"]);
            let filled = if example.is_empty() { name.to_uppercase() } else { example.to_owned() };
            path = path.replace(&format!("{{{name}}}"), &filled);
        }
        let mut command = format!("curl -sS -X {method} \"$PLANWRIGHT_URL{path}\"");
        if items(&operation["security"]).next().is_some() {
            command += " \\\n  -H \"Authorization: Bearer $PLANWRIGHT_TOKEN\"";
        }
        for (kind, content) in fields(&operation["requestBody"]["content"]) {
            let _ = write!(command, " \\\n  -H \"Content-Type: {kind}\"");
            let example = &self.resolve(&content["schema"])["examples"][0];
            if example.is_null() {
                command += " \\\n  --data-binary @FILE";
            } else {
                let json = serde_json::to_string_pretty(example).unwrap_or_default();
                let _ = write!(command, " \\\n  -d '{}'", json.replace('\'', r"'\''"));
            }
        }
        escaped(&command)
    }

    fn schema(&self, name: &str, schema: &Value) -> String {
        let about = marked(text(&schema["description"]));
        let required: Vec<&str> = items(&schema["required"]).map(text).collect();
        let rows: String = fields(&schema["properties"])
            .map(|(name, field)| {
                let mut is = Vec::new();
                is.extend(required.contains(&name.as_str()).then(|| "required".to_owned()));
                is.extend(limits(field));
                row(name, &self.kind(field), &is, text(&field["description"]))
            })
            .collect();
        let itself = if rows.is_empty() {
            let limits = limits(schema).map(|limit| format!(", {}", escaped(&limit)));
            format!("<p>{}{}</p>\n", self.kind(schema), limits.collect::<String>())
        } else {
            table("Fields", &rows)
        };
        format!(
            "<section id=\"schema-{name}\">\n<h2>{name}</h2>\n<p>{about}</p>\n{itself}</section>\n"
        )
    }

    /// What a value is, in a few words, with links to what has a name.
    fn kind(&self, schema: &Value) -> String {
        if let Some(name) = schema["$ref"].as_str().and_then(|at| at.rsplit('/').next()) {
            return format!("<a href=\"#schema-{name}\">{name}</a>");
        }
        let choices: Vec<String> = items(&schema["oneOf"]).map(|one| self.kind(one)).collect();
        if !choices.is_empty() {
            return choices.join(" or ");
        }
        if let Some(values) = schema["enum"].as_array() {
            let values: Vec<&str> = values.iter().map(text).collect();
            return escaped(&values.join(", "));
        }
        if schema["type"] == "array" || schema["items"].is_object() {
            return format!("list of {}", self.kind(&schema["items"]));
        }
        if schema["additionalProperties"].is_object() {
            return format!("map to {}", self.kind(&schema["additionalProperties"]));
        }
        match &schema["type"] {
            Value::String(one) => one.clone(),
            Value::Array(all) => all.iter().map(text).collect::<Vec<_>>().join(" or "),
            _ => "anything".to_owned(),
        }
    }
}

/// The limits that a schema sets, each as it stands there.
fn limits(schema: &Value) -> impl Iterator<Item = String> {
    const NAMES: [&str; 8] = [
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "pattern",
        "default",
    ];
    NAMES.iter().filter_map(|name| {
        let value = schema.get(name)?;
        Some(format!("{name} {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
    })
}

fn row(name: &str, kind: &str, is: &[String], description: &str) -> String {
    let (name, is) = (escaped(name), escaped(&is.join(", ")));
    let description = marked(description);
    format!(
        "<tr><td><code>{name}</code></td><td>{kind}</td><td class=\"quiet\">{is}</td>\
         <td>{description}</td></tr>\n"
    )
}

fn table(title: &str, rows: &str) -> String {
    if rows.is_empty() {
        return String::new();
    }
    format!("<h3>{title}</h3>\n<table>\n{rows}</table>\n")
}

/// Text with what is in backquotes as code and what is in double asterisks strong.
fn marked(text: &str) -> String {
    let mut html = String::new();
    for (at, part) in escaped(text).split('`').enumerate() {
        if at % 2 == 1 {
            let _ = write!(html, "<code>{part}</code>");
            continue;
        }
        for (at, part) in part.split("**").enumerate() {
            let _ = if at % 2 == 1 {
                write!(html, "<strong>{part}</strong>")
            } else {
                write!(html, "{part}")
            };
        }
    }
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn shown(value: &Value) -> String {
    escaped(text(value))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
