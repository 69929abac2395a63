//! The REST surface: reads a request into a domain value, makes one call into the service, wraps the result.

mod admin_plans;
mod again;
mod api_keys;
mod audit;
mod auth;
mod body;
mod clock;
mod guard;
mod health;
mod metrics;
mod path;
mod plans;
mod problem;
mod query;
mod settings;
mod subscriptions;
mod template_packs;
mod tenants;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{delete, get, patch, post, put};
use planwright_service::App;
use planwright_service::edge::{Clock, Entropy};
use planwright_store::RedbStore;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;

use crate::config::LimitsConfig;
use crate::errands::Errands;
use crate::token::Verifier;

pub(crate) use metrics::Metrics;

/// The engine that this server is built with.
pub(crate) type Engine = RedbStore;

/// What every handler works with.
pub(crate) struct Web {
    pub(crate) app: App<Engine>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) verifier: Verifier,
    pub(crate) limits: LimitsConfig,
    pub(crate) metrics: Metrics,
    pub(crate) places: Semaphore,
    pub(crate) errands: Errands,
}

/// Every route there is.
pub(crate) fn router(web: Arc<Web>) -> Router {
    let users = Router::new()
        .route("/plans", get(plans::list))
        .route("/plans/{id}", get(plans::get))
        .route("/subscription", get(subscriptions::get).post(subscriptions::start))
        .route("/subscription/cancel", post(subscriptions::cancel))
        .route("/subscription/resume", post(subscriptions::resume))
        .route("/subscription/change", post(subscriptions::change));
    let admins = Router::new()
        .route("/plans", get(admin_plans::list).post(admin_plans::create))
        .route(
            "/plans/{id}",
            get(admin_plans::get).put(admin_plans::update).delete(admin_plans::delete),
        )
        .route("/plans/{id}/toggle", patch(admin_plans::toggle))
        .route("/plans/{id}/duplicate", post(admin_plans::duplicate))
        .route("/plans/{id}/subscribers", get(subscriptions::list_of_plan))
        .route("/subscriptions", get(subscriptions::list))
        .route("/users/{user_id}/subscription", put(subscriptions::grant));
    let ours = Router::new()
        .route("/tenants", get(tenants::list).post(tenants::create))
        .route("/api-keys", get(api_keys::list).post(api_keys::create))
        .route("/api-keys/{id}", delete(api_keys::revoke))
        .route("/audit", get(audit::list))
        .route("/audit/verify", get(audit::verify));
    Router::new()
        .nest("/api/v1/billing", users)
        .nest("/api/v1/admin/billing", admins)
        .nest("/api/v1/admin", ours)
        .route("/api/v1/admin/clock", get(clock::get).put(clock::set))
        .route("/api/v1/admin/settings", get(settings::get).put(settings::update))
        .route("/api/v1/admin/template-packs", get(template_packs::list))
        .route("/api/v1/admin/template-packs/{pack}/install", post(template_packs::install))
        .route("/metrics", get(metrics::show))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .fallback(problem::no_such_route)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&web), again::keyed))
        .layer(CatchPanicLayer::custom(problem::after_panic))
        .layer(middleware::from_fn_with_state(Arc::clone(&web), guard::guard))
        .with_state(web)
}
