//! Holds every answer of every test against the document that the server serves: a status, a header, a field or
//! a content type that it does not say is a failure, and so is a request that is accepted and that it forbids.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};

/// What the server says of itself.
pub(crate) struct Contract {
    pub(crate) document: Value,
    pub(crate) operations: Vec<Operation>,
    /// The schemas, closed: a field that they do not name is none.
    components: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// One operation of the document.
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: Method,
    /// With braces.
    pub(crate) path: String,
    /// Who may use it; empty if anybody may.
    pub(crate) roles: Vec<String>,
    value: Value,
}

/// A request and what came back.
pub(crate) struct Exchange<'a> {
    pub(crate) method: &'a Method,
    /// With its query.
    pub(crate) target: &'a str,
    pub(crate) asked: &'a str,
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) answered: &'a [u8],
    /// It may accept what the document forbids.
    pub(crate) under_other_rules: bool,
}

static CONTRACT: LazyLock<Contract> =
    LazyLock::new(|| Contract::of(planwright_server::server::openapi()));

/// The document of the server that these tests start.
pub(crate) fn contract() -> &'static Contract {
    &CONTRACT
}

impl Contract {
    fn of(document: Value) -> Self {
        let mut operations = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, value) in item.as_object().unwrap() {
                let method = method.to_uppercase().parse().unwrap();
                operations.push(Operation::new(method, path, value));
            }
        }
        let mut components = document["components"].clone();
        for schema in components["schemas"].as_object_mut().unwrap().values_mut() {
            close(schema);
        }
        Self { document, operations, components, validators: Mutex::default() }
    }

    /// The methods that a path takes.
    pub(crate) fn methods_of(&self, path: &str) -> Vec<Method> {
        let same = self.operations.iter().filter(|operation| operation.path == path);
        same.map(|operation| operation.method.clone()).collect()
    }

    /// The operation that a request is for; HEAD is answered as GET is.
    fn find(&self, method: &Method, path: &str) -> Option<&Operation> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        // A path that is written out comes before one with a place in it, whatever methods it takes.
        let braces = |operation: &Operation| operation.path.matches('{').count();
        let fitting = self.operations.iter().filter(|operation| operation.fits(path));
        let least = fitting.clone().map(braces).min()?;
        let mut nearest = fitting.filter(|operation| braces(operation) == least);
        nearest.find(|operation| operation.method == method)
    }

    /// Gives the operation's id if the request was one and went well.
    #[track_caller]
    pub(crate) fn check(&self, exchange: &Exchange<'_>) -> Option<&str> {
        let Exchange { method, target, status, .. } = exchange;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let Some(operation) = self.find(method, path) else {
            let fits = |status: &StatusCode| [400, 404, 405, 503].contains(&status.as_u16());
            assert!(fits(status), "{method} {target}: {status} of what is not in the document");
            return None;
        };
        let shown = format!("{} ({method} {target}): {status}", operation.id);
        let Some(response) = operation.value["responses"].get(status.as_str()) else {
            panic!("{shown} is not documented: {}", String::from_utf8_lossy(exchange.answered));
        };
        let response = self.resolve(response);
        self.check_headers(&shown, response, exchange.headers);
        self.check_content(&shown, response, exchange);
        if !status.is_success() {
            return None;
        }
        if !exchange.under_other_rules {
            self.check_request(&shown, operation, query, exchange.asked);
        }
        Some(&operation.id)
    }

    pub(crate) fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(at) => self.document.pointer(at.trim_start_matches('#')).unwrap(),
            None => value,
        }
    }

    /// What must be there is, and none is there that nobody is told of.
    #[track_caller]
    fn check_headers(&self, shown: &str, response: &Value, headers: &HeaderMap) {
        const SAID: [&str; 8] = [
            "cache-control",
            "etag",
            "warning",
            "retry-after",
            "location",
            "www-authenticate",
            "total",
            "per-page",
        ];
        let none = Map::new();
        let documented = response["headers"].as_object().unwrap_or(&none);
        for (name, header) in documented {
            let must = self.resolve(header)["required"] == true;
            assert!(!must || headers.contains_key(name), "{shown} has no {name}");
        }
        for name in SAID.into_iter().filter(|name| headers.contains_key(*name)) {
            let known = documented.keys().any(|known| known.eq_ignore_ascii_case(name));
            assert!(known, "{shown} has a {name} that is not documented");
        }
    }

    #[track_caller]
    fn check_content(&self, shown: &str, response: &Value, exchange: &Exchange<'_>) {
        let Exchange { method, headers, answered, .. } = exchange;
        let Some(content) = response["content"].as_object() else {
            assert!(answered.is_empty(), "{shown} has a body that is not documented");
            return;
        };
        let kind =
            headers.get("content-type").map(|kind| kind.to_str().unwrap()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default();
        let known = content.get(kind);
        let schema =
            &known.unwrap_or_else(|| panic!("{shown}: '{kind}' is not documented"))["schema"];
        if kind.ends_with("json") && *method != Method::HEAD {
            let body = serde_json::from_slice(answered).unwrap();
            self.check_value(&format!("the answer of {shown}"), schema, &body);
        }
    }

    /// A request that was accepted is one that the document allows.
    #[track_caller]
    fn check_request(&self, shown: &str, operation: &Operation, query: &str, asked: &str) {
        let parameters = operation.parameters();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let name = part.split('=').next().unwrap_or_default();
            let is_it = |one: &&Value| one["in"] == "query" && one["name"] == name;
            let known = parameters.iter().any(is_it);
            assert!(known, "{shown}: the parameter {name} is taken and not documented");
        }
        let Some(body) = operation.value.get("requestBody") else { return };
        if asked.is_empty() {
            assert_eq!(body["required"], false, "{shown} needs no body, as it turns out");
        } else if let Some(content) = body["content"].get("application/json") {
            let body = serde_json::from_str(asked).unwrap();
            self.check_value(&format!("what {shown} accepted"), &content["schema"], &body);
        }
    }

    #[track_caller]
    fn check_value(&self, shown: &str, schema: &Value, value: &Value) {
        let validator = self.validator(schema);
        let errors: Vec<String> = validator
            .iter_errors(value)
            .map(|error| format!("{error} at '{}'", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{shown} is not what the document says: {errors:?} in {value}");
    }

    /// Compiled once for each schema that is met.
    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap();
        let known = validators.entry(schema.to_string());
        Arc::clone(known.or_insert_with(|| {
            let whole = json!({"allOf": [schema], "components": self.components});
            Arc::new(jsonschema::draft202012::new(&whole).unwrap())
        }))
    }
}

impl Operation {
    fn new(method: Method, path: &str, value: &Value) -> Self {
        let roles = value["security"][0]["token"].as_array().into_iter().flatten();
        Self {
            id: value["operationId"].as_str().unwrap().to_owned(),
            method,
            path: path.to_owned(),
            roles: roles.map(|role| role.as_str().unwrap().to_owned()).collect(),
            value: value.clone(),
        }
    }

    pub(crate) fn is_public(&self) -> bool {
        self.roles.is_empty()
    }

    pub(crate) fn is_for(&self, role: &str) -> bool {
        self.roles.iter().any(|one| one == role)
    }

    /// Whether it is about one tenant, and so takes an operator's `?tenant=`.
    pub(crate) fn is_of_a_tenant(&self) -> bool {
        self.parameters().iter().any(|one| one["name"] == "tenant")
    }

    pub(crate) fn parameters(&self) -> Vec<&Value> {
        let all = self.value["parameters"].as_array().into_iter().flatten();
        all.map(|one| contract().resolve(one)).collect()
    }

    /// Whether its body is a component.
    pub(crate) fn takes_a_component(&self) -> bool {
        self.value["requestBody"]["content"].get("application/wasm").is_some()
    }

    /// What the document says of a body of JSON; null where none is taken.
    pub(crate) fn body(&self) -> &Value {
        &self.value["requestBody"]["content"]["application/json"]["schema"]
    }

    /// The body that the document shows as an example; empty where none is taken.
    pub(crate) fn example(&self) -> String {
        let Some(content) = self.value["requestBody"]["content"].get("application/json") else {
            return String::new();
        };
        let example = &contract().resolve(&content["schema"])["examples"][0];
        assert!(!example.is_null(), "the body of {} has no example", self.id);
        example.to_string()
    }

    fn fits(&self, path: &str) -> bool {
        let (mut mine, mut theirs) = (self.path.split('/'), path.split('/'));
        loop {
            match (mine.next(), theirs.next()) {
                (None, None) => return true,
                (Some(place), Some(part)) if place.starts_with('{') && !part.is_empty() => {}
                (Some(one), Some(other)) if one == other => {}
                _ => return false,
            }
        }
    }
}

/// Allows an object no field that its schema does not name.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.contains_key("properties") {
                map.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            map.values_mut().for_each(close);
        }
        Value::Array(all) => all.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
