//! What a route costs that does nothing: axum, the same JSON in and out, no login, nothing kept.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use planwright_domain::billing_plan::PhaseType;
use planwright_domain::billing_plan::quote::{
    BillingPlanQuote, Quote, QuoteCharge, QuotePlugin, QuoteStep,
};
use planwright_domain::money::Currency;
use planwright_domain::period::Window;
use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::plan::{Plan, PlanDraft};
use planwright_domain::time::Timestamp;
use planwright_domain::usage::quantity::Quantity;
use planwright_domain::usage::usage_event::{UsageCheck, UsageDraft};
use planwright_domain::usage::{Allowance, Limit, UsageReport};
use rust_decimal::Decimal;
use tokio::net::TcpListener;

/// Serves the plans from memory for as long as the runtime lives.
pub(crate) async fn start(plans: Vec<Plan>) -> SocketAddr {
    let router = Router::new()
        .route("/plans", get(list).post(create))
        .route("/plans/one", get(one))
        .route("/check", post(check))
        .route("/usage", post(record))
        .route("/quote", post(quote))
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

/// What there is of a metric that is not limited and was never used.
async fn check(Json(check): Json<UsageCheck>) -> Json<Allowance> {
    Json(Allowance::of(Limit::NONE, Quantity::ZERO, check.amount.unwrap_or(Quantity::ONE)))
}

async fn record(Json(draft): Json<UsageDraft>) -> (StatusCode, Json<UsageReport>) {
    let window = Window { start: Timestamp::UNIX_EPOCH, end: Timestamp::UNIX_EPOCH };
    let current = draft.amount.unwrap_or(Quantity::ONE);
    let report = UsageReport::of(draft.metric.unwrap(), Limit::NONE, current, window);
    (StatusCode::CREATED, Json(report))
}

/// A charge of nothing for each line, in three steps.
async fn quote(Json(asked): Json<BillingPlanQuote>) -> Json<Quote> {
    let step = |quantity| QuoteStep {
        quantity,
        unit_price: Decimal::ZERO,
        amount: Decimal::ZERO,
        note: "the part up to 1000".to_owned(),
    };
    let charges = asked.lines.iter().map(|line| QuoteCharge {
        external_id: line.external_id.clone(),
        phase: PhaseType::Final,
        amount: Decimal::ZERO,
        steps: vec![step(line.quantity); 3],
    });
    Json(Quote {
        currency: Currency::USD,
        total: Decimal::ZERO,
        charges: charges.collect(),
        plugin: QuotePlugin { name: String::new(), digest: String::new() },
    })
}
