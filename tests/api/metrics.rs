//! What `/metrics` counts.

use reqwest::Method;
use serde_json::json;

use super::{ADMIN_PLANS, plan};
use crate::harness::App;

pub(crate) async fn metrics(app: &App) -> String {
    app.stranger().get("/metrics").await.text
}

/// The figure of the one line that begins like this.
pub(crate) fn figure(metrics: &str, begin: &str) -> u64 {
    let lines: Vec<&str> = metrics.lines().filter(|line| line.starts_with(begin)).collect();
    let [line] = lines[..] else { panic!("{begin}: {lines:?} in {metrics}") };
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn requests_commits_and_calls_of_plugins_are_counted() {
    let app = App::start().await;
    let admin = app.admin();
    let before = figure(&metrics(&app).await, "planwright_store_change_sets_total");
    for at in 0..3 {
        admin.post(ADMIN_PLANS, plan(&format!("p{at}"))).await.ok(201);
        admin.get(&format!("{ADMIN_PLANS}/p{at}")).await.ok(200);
    }
    admin.post(ADMIN_PLANS, json!({"name": "Pro", "price": 1, "interval": "month"})).await.ok(201);
    admin.post(ADMIN_PLANS, plan("p0")).await.problem(400);
    let found = metrics(&app).await;
    let route = "method=\"POST\",route=\"/api/v1/admin/billing/plans\"";
    let requests = "planwright_http_requests_total";
    assert_eq!(figure(&found, &format!("{requests}{{{route},status=\"201\"}}")), 4);
    assert_eq!(figure(&found, &format!("{requests}{{{route},status=\"400\"}}")), 1);
    let read = "method=\"GET\",route=\"/api/v1/admin/billing/plans/{id}\",status=\"200\"";
    assert_eq!(figure(&found, &format!("{requests}{{{read}}}")), 3, "one route, whatever the id");
    assert_eq!(figure(&found, "planwright_http_request_seconds_count{method=\"POST\""), 5);
    assert_eq!(figure(&found, "planwright_store_change_sets_total"), before + 4);
    assert_eq!(figure(&found, "planwright_store_up"), 1);
    assert_eq!(figure(&found, "planwright_plugin_calls_total{hook=\"identity\""), 1);
    assert_eq!(figure(&found, "planwright_plugin_traps_total{hook=\"identity\""), 0);
    assert!(figure(&found, "planwright_plugin_fuel_total{hook=\"validation\"") > 0);
    assert!(found.ends_with("# EOF\n"));
    app.covers(&["server_metrics"]);
}

#[tokio::test]
async fn what_callers_make_up_makes_no_series_of_its_own() {
    let app = App::start().await;
    for at in 0..20 {
        let method = Method::from_bytes(format!("MADEUP{at}").as_bytes()).unwrap();
        app.stranger().send(method, &format!("/made/up/{at}"), "").await.problem(404);
    }
    let found = metrics(&app).await;
    let begin = "planwright_http_requests_total{method=\"OTHER\",route=\"none\",status=\"404\"}";
    assert_eq!(figure(&found, begin), 20);
}
