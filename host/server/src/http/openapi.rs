//! What the surface says of itself, in OpenAPI 3.1: each handler declares what is its own, and what holds of
//! many is said here once.

mod shared;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};
use utoipa::openapi::{ComponentsBuilder, OpenApi, OpenApiBuilder};
use utoipa::{PartialSchema, ToSchema};

use super::{Web, docs, guard, problem};

/// The least roles that a handler names, each with all that it stands for.
const ROLES: [(&str, &[&str]); 4] = [
    ("user", &["user", "admin", "operator"]),
    ("service", &["service", "admin", "operator"]),
    ("admin", &["admin", "operator"]),
    ("operator", &["operator"]),
];

/// What is served of it, made once.
pub(crate) struct Documents {
    pub(super) json: Bytes,
    pub(super) page: Bytes,
}

impl Documents {
    pub(crate) fn new() -> Self {
        let document = document();
        Self { json: document.to_string().into(), page: docs::page(&document).into() }
    }
}

/// The document of every route there is.
pub(crate) fn document() -> Value {
    describe(super::routes().into_openapi())
}

/// What no route declares: the shape of every problem.
pub(super) fn shared_schemas() -> OpenApi {
    let mut schemas = Vec::new();
    problem::Body::schemas(&mut schemas);
    let components = ComponentsBuilder::new().schemas_from_iter(schemas);
    let components = components.schema(problem::Body::name(), problem::Body::schema()).build();
    OpenApiBuilder::new().components(Some(components)).build()
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "server", operation_id = "document", security(()),
    responses((status = 200, description = "OpenAPI 3.1.", body = Object)),
)]
pub(crate) async fn show(State(web): State<Arc<Web>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], web.documents.json.clone())
}

/// The document of what handlers declare.
fn describe(declared: OpenApi) -> Value {
    // What is built of text and numbers has a JSON form.
    let declared = serde_json::to_value(declared).unwrap_or_default();
    let mut schemas = declared["components"]["schemas"].clone();
    let parts = schemas.clone();
    for (name, schema) in entries(&mut schemas) {
        merge_parts(schema, &parts);
        if let Some(item) = name.strip_prefix("Page_") {
            schema["properties"]["items"]["items"] = reference("schemas", item);
        }
        if let Some(whole) = ["Draft", "Patch"].iter().find_map(|end| name.strip_suffix(end)) {
            describe_fields(schema, &parts[whole]);
        }
    }
    let mut paths = declared["paths"].clone();
    for (path, item) in entries(&mut paths) {
        for (method, operation) in entries(item) {
            finish(method, path, operation);
        }
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Planwright",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": include_str!("openapi/introduction.md"),
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": shared::parameters(),
            "headers": shared::headers(),
            "responses": shared::responses(),
            "securitySchemes": {
                "token": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "A token; `planwright token` prints one.",
                },
                "api_key": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "sk-…",
                    "description": "An API key, in the same place as a token.",
                },
            },
        },
    });
    in_each_object(&mut document, &mend);
    document
}

/// Says of one operation what follows from what it declares.
fn finish(method: &str, path: &str, operation: &mut Value) {
    let least = least_roles(operation);
    let is_public = least.is_empty();
    let changes = ["post", "put", "patch", "delete"].contains(&method);
    let id = [&operation["tags"][0], &operation["operationId"]].map(|part| text(part).to_owned());
    operation["operationId"] = id.join("_").into();
    operation["security"] = security(&least);

    let mut parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    for parameter in &mut parameters {
        // A parameter is left out, never null.
        drop_null(&mut parameter["schema"]);
    }
    let mut share = |name: &str| {
        parameters.push(reference("parameters", name));
    };
    let of_a_tenant = !is_public && least != ["operator"];
    if of_a_tenant {
        let has_host = path.starts_with("/api/v1/admin/plugin");
        share(if has_host { "tenant-or-host" } else { "tenant" });
    }
    if changes && !is_public {
        share("Idempotency-Key");
    }
    if operation["responses"].get("412").is_some() {
        share("If-Match");
    }
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(body) = operation.get_mut("requestBody") {
        let mut contents = entries(&mut body["content"]);
        if contents.any(|(_, content)| drop_null(&mut content["schema"])) {
            drop(contents);
            body["required"] = false.into();
        }
    }

    let responses = &mut operation["responses"];
    let watched = guard::WATCHED.contains(&path);
    for (status, can_be) in [
        ("400", changes || !is_public),
        ("401", !is_public),
        ("404", of_a_tenant),
        ("408", changes),
        ("413", changes),
        ("422", changes && !is_public),
        ("500", true),
        ("503", !watched),
    ] {
        if can_be && responses.get(status).is_none() {
            responses[status] = reference("responses", status);
        }
    }
    for (status, response) in entries(responses) {
        if response.get("$ref").is_none() {
            finish_response(status, response);
        }
    }
}

fn finish_response(status: &str, response: &mut Value) {
    if status >= "400" && response.get("content").is_none() {
        response["content"] = shared::problem();
        if status == "503" {
            response["headers"]["Retry-After"] = reference("headers", "Retry-After");
        }
    }
    if text(&response["description"]).is_empty() {
        let known = StatusCode::from_bytes(status.as_bytes()).ok();
        response["description"] = known.and_then(|known| known.canonical_reason()).into();
    }
    let known = shared::headers();
    for (name, header) in entries(&mut response["headers"]) {
        if known.get(name).is_some() {
            *header = reference("headers", name);
        }
    }
    if status == "429" {
        response["headers"]["Retry-After"] = reference("headers", "Quota-Retry-After");
    }
    response["headers"]["X-Request-Id"] = reference("headers", "X-Request-Id");
}

/// The roles that a handler names in place of security schemes; none if anybody may ask.
fn least_roles(operation: &Value) -> Vec<String> {
    let named = operation["security"].as_array().into_iter().flatten();
    named.filter_map(Value::as_object).flat_map(Map::keys).cloned().collect()
}

/// Either kind of credentials, of one of these roles or one above them.
fn security(least: &[String]) -> Value {
    if least.is_empty() {
        return json!([]);
    }
    let stands_for =
        |(role, all): (&str, &'static [&str])| least.iter().any(|one| one == role).then_some(all);
    let named = ROLES.into_iter().filter_map(stands_for).flatten();
    let roles: std::collections::BTreeSet<_> = named.collect();
    json!([{"token": roles}, {"api_key": roles}])
}

/// Makes one object of a schema that is put together of others, where all of them are objects.
fn merge_parts(schema: &mut Value, parts: &Value) {
    let Some(all) = schema.as_object_mut().and_then(|schema| schema.remove("allOf")) else {
        return;
    };
    let mut required = Vec::new();
    for mut part in all.as_array().cloned().unwrap_or_default() {
        if let Some(name) = part["$ref"].as_str().and_then(|at| at.rsplit('/').next()) {
            part = parts[name].clone();
        }
        // A part may be put together of others, too.
        merge_parts(&mut part, parts);
        required.extend(part["required"].as_array().cloned().unwrap_or_default());
        for (name, property) in entries(&mut part["properties"]) {
            schema["properties"][name] = property.take();
        }
    }
    schema["type"] = "object".into();
    schema["required"] = required.into();
}

/// A field that a draft or a patch says nothing of is what it is in the whole.
fn describe_fields(schema: &mut Value, whole: &Value) {
    for (name, field) in entries(&mut schema["properties"]) {
        let known = whole["properties"][name].get("description");
        if let (Some(known), Some(field)) = (known, field.as_object_mut()) {
            field.entry("description").or_insert_with(|| known.clone());
        }
    }
}

/// Takes `null` out of what a schema allows, and says whether it was there.
fn drop_null(schema: &mut Value) -> bool {
    let is_null = |one: &Value| one == "null" || one["type"] == "null";
    for choice in ["type", "oneOf"] {
        let Some(all) = schema.get_mut(choice).and_then(Value::as_array_mut) else { continue };
        let before = all.len();
        all.retain(|one| !is_null(one));
        let dropped = all.len() < before;
        if let [only] = &mut all[..] {
            let only = only.take();
            if choice == "type" {
                schema["type"] = only;
            } else {
                *schema = only;
            }
        }
        return dropped;
    }
    false
}

/// Mends what the library says of numbers and defaults: a format's name as the registry of formats has it, and
/// the range that it stands for; what is left out is not `null`.
fn mend(schema: &mut Map<String, Value>) {
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    let (name, least, most) = match schema.get("format").and_then(Value::as_str) {
        Some("u-int16") => ("uint16", json!(0), json!(u16::MAX)),
        Some("u-int32") => ("uint32", json!(0), json!(u32::MAX)),
        Some("u-int64") => ("uint64", json!(0), json!(u64::MAX)),
        Some("int64") => ("int64", json!(i64::MIN), json!(i64::MAX)),
        _ => return,
    };
    schema.insert("format".to_owned(), name.into());
    schema.entry("minimum").or_insert(least);
    schema.entry("maximum").or_insert(most);
}

fn in_each_object(value: &mut Value, see: &impl Fn(&mut Map<String, Value>)) {
    match value {
        Value::Object(map) => {
            see(map);
            map.values_mut().for_each(|one| in_each_object(one, see));
        }
        Value::Array(all) => all.iter_mut().for_each(|one| in_each_object(one, see)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The entries of an object; none of anything else.
fn entries(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flat_map(Map::iter_mut)
}

/// Points to a shared part.
fn reference(kind: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{kind}/{name}")})
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
