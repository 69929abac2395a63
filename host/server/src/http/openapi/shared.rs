//! What many operations share, by name: headers, parameters, and answers to what goes wrong anywhere.

use serde_json::{Value, json};

use super::reference;

/// A problem's content.
pub(super) fn problem() -> Value {
    json!({"application/problem+json": {"schema": reference("schemas", "Problem")}})
}

/// Headers of answers. An operation that declares one by its name alone gets this.
pub(super) fn headers() -> Value {
    let text = |description: &str, example: &str| json!({"description": description, "schema": {"type": "string", "examples": [example]}});
    let required = |mut header: Value| {
        header["required"] = json!(true);
        header
    };
    json!({
        "ETag": required(text("What was read: `If-Match` takes it.", "\"premium_abc12345.1.1\"")),
        "Warning": text(
            "What the rules warn of, `299 - \"…\"`, a header for each.",
            "299 - \"The price changes for 3 subscribers from their next renewal on.\"",
        ),
        "Cache-Control": required(text("Nobody between keeps it.", "no-store")),
        "Retry-After": required(json!({
            "description": "Come again after so many seconds.",
            "schema": {"type": "integer", "minimum": 1},
        })),
        "Quota-Retry-After": json!({
            "description": "The quota begins again in so many seconds. Missing where its period is over: \
                            what is told of is late, and no waiting helps.",
            "schema": {"type": "integer", "minimum": 1},
        }),
        "WWW-Authenticate": required(text("Always `Bearer`.", "Bearer")),
        "Total": required(json!({
            "description": "How many there are in all.",
            "schema": {"type": "integer", "minimum": 0},
        })),
        "Per-Page": required(json!({
            "description": "How many a page holds at most.",
            "schema": {"type": "integer", "minimum": 1, "maximum": 100},
        })),
        "X-Request-Id": required(text("The log has the request under it.", "4f0c2ad1")),
    })
}

/// Parameters that an operation gets by what it is; see `finish`.
pub(super) fn parameters() -> Value {
    json!({
        "tenant": {
            "name": "tenant", "in": "query",
            "description": "The tenant to act in, instead of the own one. For operators.",
            "schema": {"type": "string", "pattern": "^[a-z0-9-]{1,63}$", "examples": ["acme"]},
        },
        "tenant-or-host": {
            "name": "tenant", "in": "query",
            "description": "The tenant to act in, instead of the own one, or `*` for the host itself. For operators.",
            "schema": {"type": "string", "pattern": "^([a-z0-9-]{1,63}|\\*)$", "examples": ["acme", "*"]},
        },
        "Idempotency-Key": {
            "name": "Idempotency-Key", "in": "header",
            "description": "Sent again with the same key within a day, the same request is done once and \
                            gives the same answer, also where it changed nothing. What was refused is done when it comes \
                            again, and what only asks is answered anew.",
            "schema": {
                "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$",
                "examples": ["8a6e0804-2bd0-4672-b79d-d97027f9071a"],
            },
        },
        "If-Match": {
            "name": "If-Match", "in": "header",
            "description": "The `ETag` that was read, several with commas between, or `*`; the change is refused (412) if it is another by now.",
            "schema": {"type": "string", "examples": ["\"premium_abc12345.1.1\""]},
        },
    })
}

/// Answers by status, each for what any operation may meet.
pub(super) fn responses() -> Value {
    let of = |description: &str, headers: &[&str]| {
        let mut response = json!({"description": description, "content": problem()});
        for name in headers {
            response["headers"][name] = reference("headers", name);
        }
        response["headers"]["X-Request-Id"] = reference("headers", "X-Request-Id");
        response
    };
    json!({
        "400": of(
            "The request is wrong: `errors` names the fields at fault, or the header (`Content-Type`, say).",
            &[],
        ),
        "401": of(
            "No good credentials, or too little right: `type` tells which.",
            &["WWW-Authenticate"],
        ),
        "404": of("There is no tenant of the name in `tenant`.", &[]),
        "408": of("The body did not arrive in time.", &[]),
        "413": of("The body is larger than the route takes.", &[]),
        "422": of("The Idempotency-Key was used for another request.", &[]),
        "500": of("A mistake of ours. The log has the cause under the same `request_id`.", &[]),
        "503": of(
            "Too many requests at once, a plugin that fails, or a store that does not answer.",
            &["Retry-After"],
        ),
    })
}
