//! What a route costs that does nothing: axum, the same JSON in and out, no login, nothing kept.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use planwright_domain::plan::{Plan, PlanDraft, PlanId};
use planwright_domain::time::Timestamp;
use tokio::net::TcpListener;

/// Serves the plans from memory for as long as the runtime lives.
pub(crate) async fn start(plans: Vec<Plan>) -> SocketAddr {
    let router = Router::new()
        .route("/plans", get(list).post(create))
        .route("/plans/one", get(one))
        .with_state(Arc::new(plans));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn list(State(plans): State<Arc<Vec<Plan>>>) -> Json<Vec<Plan>> {
    Json(plans.to_vec())
}

async fn one(State(plans): State<Arc<Vec<Plan>>>) -> Json<Plan> {
    Json(plans[0].clone())
}

async fn create(Json(draft): Json<PlanDraft>) -> (StatusCode, Json<Plan>) {
    let id = PlanId::new("bare").unwrap();
    let plan = Plan::from_draft(id, draft, Timestamp::UNIX_EPOCH).unwrap();
    (StatusCode::CREATED, Json(plan))
}
