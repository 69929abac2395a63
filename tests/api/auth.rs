//! Who may ask what.

use reqwest::Method;

use super::{ADMIN_PLANS, PLANS};
use crate::harness::{Actor, App, claims};

#[tokio::test]
async fn without_good_credentials_everything_is_401() {
    let app = App::start().await;
    let mut over = claims("a", "admin");
    over.exp = 1_738_742_400;
    let mut elsewhere = claims("a", "admin");
    elsewhere.tenant = Some("acme".to_owned());
    let strangers = [
        app.stranger(),
        app.with_claims(&over),
        app.with_claims(&elsewhere),
        app.actor("a", "pending"),
        app.actor("a", "root"),
        app.actor("", "admin"),
        Actor::new(app.address(), Some("sk-unknown".to_owned())),
    ];
    for stranger in &strangers {
        for (method, path) in every_route() {
            let answer = stranger.send(method.clone(), &path, "").await;
            answer.problem(401);
            assert_eq!(answer.headers["www-authenticate"], "Bearer", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn too_little_right_is_401_too_with_a_type_of_its_own() {
    let app = App::start().await;
    for (actor, allowed) in [
        (app.user("u"), PLANS),
        (app.actor("s", "service"), ""),
        (app.admin(), ADMIN_PLANS),
        (app.actor("o", "operator"), ADMIN_PLANS),
    ] {
        for (method, path) in every_route() {
            let answer = actor.send(method.clone(), &path, "").await;
            let may = match allowed {
                ADMIN_PLANS => true,
                PLANS => path.starts_with(PLANS),
                _ => false,
            };
            if may {
                assert_ne!(answer.status, 401, "{method} {path}");
            } else {
                answer.problem(401);
                assert_eq!(answer.json["type"], "urn:planwright:problem:not_allowed");
            }
        }
    }
}

fn every_route() -> Vec<(Method, String)> {
    let admin = |end: &str| format!("{ADMIN_PLANS}{end}");
    vec![
        (Method::GET, PLANS.to_owned()),
        (Method::GET, format!("{PLANS}/x")),
        (Method::GET, admin("")),
        (Method::POST, admin("")),
        (Method::GET, admin("/x")),
        (Method::PUT, admin("/x")),
        (Method::DELETE, admin("/x")),
        (Method::PATCH, admin("/x/toggle")),
        (Method::POST, admin("/x/duplicate")),
        (Method::GET, admin("/x/subscribers")),
        (Method::GET, "/api/v1/admin/audit".to_owned()),
        (Method::GET, "/api/v1/admin/audit/verify".to_owned()),
        (Method::PUT, "/api/v1/admin/billing/users/u/subscription".to_owned()),
    ]
}
