//! Who may ask what.

use serde_json::json;

use super::API_KEYS;
use super::routes::every_route;
use crate::harness::{App, claims};

#[tokio::test]
async fn without_good_credentials_everything_is_401() {
    let app = App::start().await;
    let mut over = claims("a", "admin");
    over.exp = 1_738_742_400;
    let unknown_key = format!("sk-{}", "0".repeat(64));
    let strangers = [
        app.stranger(),
        app.with_claims(&over),
        app.of_tenant("acme", "a", "admin"),
        app.of_tenant("acme", "a", "operator"),
        app.of_tenant("Not a tenant", "a", "admin"),
        app.actor("a", "pending"),
        app.actor("a", "root"),
        app.actor("", "admin"),
        app.with_key("sk-unknown"),
        app.with_key(&unknown_key),
    ];
    for stranger in &strangers {
        for route in every_route("x", "u", "k", "d") {
            let answer = route.ask(stranger, "").await;
            answer.problem(401);
            assert_ne!(answer.json["type"], "urn:planwright:problem:not_allowed");
            assert_eq!(answer.headers["www-authenticate"], "Bearer", "{}", route.path);
        }
    }
}

#[tokio::test]
async fn too_little_right_is_401_too_with_a_type_of_its_own() {
    let app = App::start().await;
    for role in ["user", "service", "admin", "operator"] {
        let draft = json!({"name": role, "role": role, "user_id": "a"});
        let made = app.operator().post(API_KEYS, draft).await.ok(201);
        let by_key = app.with_key(made["key"].as_str().unwrap());
        for actor in [app.actor("a", role), by_key] {
            for route in every_route("x", "u", "k", "d") {
                let answer = route.ask(&actor, "").await;
                if route.is_for(role) {
                    assert_ne!(answer.status, 401, "{role} {}", route.path);
                } else {
                    answer.problem(401);
                    assert_eq!(answer.json["type"], "urn:planwright:problem:not_allowed");
                }
            }
        }
    }
}
