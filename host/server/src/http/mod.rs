//! The REST surface: reads a request into a domain value, makes one call into the service, wraps the result.

mod admin_plans;
mod again;
mod api_keys;
mod audit;
mod auth;
mod backup;
mod billing_phases;
mod billing_plans;
mod billing_resource_prices;
mod billing_resources;
mod body;
mod catalog;
mod clock;
mod deliveries;
mod docs;
mod entries;
mod guard;
mod health;
mod if_match;
mod json;
mod metrics;
mod numbers;
mod openapi;
mod overviews;
mod path;
mod payments;
mod plans;
mod plugin_bindings;
mod plugins;
mod problem;
mod products;
mod query;
mod quotes;
mod regions;
mod replays;
mod settings;
mod statements;
mod subscriptions;
mod template_packs;
mod tenants;
mod transactions;
mod usage;
mod user_groups;
mod user_reports;
mod users;
mod warnings;
mod webhooks;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::middleware;
use planwright_domain::webhook::Reach;
use planwright_service::App;
use planwright_service::edge::{Clock, Entropy};
use planwright_store::RedbStore;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::backup::Backups;
use crate::config::{LimitsConfig, YookassaConfig};
use crate::data_dir::Probe;
use crate::errands::Errands;
use crate::token::Verifier;
use crate::upload_places::UploadPlaces;

pub(crate) use json::read_json;
pub(crate) use metrics::Metrics;
pub(crate) use openapi::{Documents, document};

/// The engine that this server is built with.
pub(crate) type Engine = RedbStore;

/// What every handler works with.
pub(crate) struct Web {
    pub(crate) app: Arc<App<Engine>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) verifier: Verifier,
    pub(crate) limits: LimitsConfig,
    /// Where webhooks may go.
    pub(crate) reach: Reach,
    pub(crate) yookassa: YookassaConfig,
    pub(crate) metrics: Metrics,
    /// Made when they are first asked for: no start waits for them.
    pub(crate) documents: LazyLock<Documents>,
    pub(crate) places: Semaphore,
    pub(crate) uploads: UploadPlaces,
    pub(crate) errands: Errands,
    pub(crate) backups: Backups,
    pub(crate) probe: Probe,
}

/// Every route there is, each with what it says of itself: what is not declared is not served.
fn routes() -> OpenApiRouter<Arc<Web>> {
    OpenApiRouter::with_openapi(openapi::shared_schemas())
        .routes(routes!(plans::list))
        .routes(routes!(plans::get))
        .routes(routes!(admin_plans::list, admin_plans::create))
        .routes(routes!(admin_plans::get, admin_plans::update, admin_plans::delete))
        .routes(routes!(admin_plans::toggle))
        .routes(routes!(admin_plans::duplicate))
        .routes(routes!(subscriptions::get, subscriptions::start))
        .routes(routes!(subscriptions::cancel))
        .routes(routes!(subscriptions::resume))
        .routes(routes!(subscriptions::change))
        .routes(routes!(subscriptions::list))
        .routes(routes!(subscriptions::list_of_plan))
        .routes(routes!(subscriptions::grant))
        .routes(routes!(overviews::get))
        .routes(routes!(payments::start))
        .routes(routes!(payments::webhook))
        .routes(routes!(transactions::list))
        .routes(routes!(transactions::list_all))
        .routes(routes!(statements::list))
        .routes(routes!(statements::upcoming))
        .routes(routes!(statements::get))
        .routes(routes!(statements::list_all))
        .routes(routes!(statements::get_any))
        .routes(routes!(statements::upcoming_of_user))
        .routes(routes!(usage::list, usage::record))
        .routes(routes!(usage::get))
        .routes(routes!(usage::check))
        .routes(routes!(usage::record_batch))
        .routes(routes!(usage::list_of_user))
        .routes(routes!(replays::of_statement))
        .routes(routes!(replays::of_period))
        .routes(routes!(regions::list, regions::create))
        .routes(routes!(regions::get, regions::update, regions::delete))
        .routes(routes!(products::list, products::create))
        .routes(routes!(products::get, products::update, products::delete))
        .routes(routes!(user_groups::list, user_groups::create))
        .routes(routes!(user_groups::get, user_groups::update, user_groups::delete))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::get, users::update))
        .routes(routes!(user_reports::list))
        .routes(routes!(user_reports::get))
        .routes(routes!(billing_plans::list, billing_plans::create))
        .routes(routes!(billing_plans::get, billing_plans::update, billing_plans::delete))
        .routes(routes!(billing_plans::get_document, billing_plans::put_document))
        .routes(routes!(billing_resources::create))
        .routes(routes!(billing_resources::update, billing_resources::delete))
        .routes(routes!(billing_phases::create))
        .routes(routes!(billing_phases::update, billing_phases::delete))
        .routes(routes!(billing_resource_prices::create))
        .routes(routes!(billing_resource_prices::update, billing_resource_prices::delete))
        .routes(routes!(catalog::get, catalog::put))
        .routes(routes!(quotes::of_plan))
        .routes(routes!(quotes::of_user))
        .routes(routes!(tenants::list, tenants::create))
        .routes(routes!(api_keys::list, api_keys::create))
        .routes(routes!(api_keys::revoke))
        .routes(routes!(plugins::list, plugins::upload))
        .routes(routes!(plugins::get, plugins::delete))
        .routes(routes!(plugin_bindings::list))
        .routes(routes!(plugin_bindings::get, plugin_bindings::bind, plugin_bindings::unbind))
        .routes(routes!(webhooks::list, webhooks::create))
        .routes(routes!(webhooks::get, webhooks::update, webhooks::delete))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(deliveries::test))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::redeliver))
        .routes(routes!(audit::list))
        .routes(routes!(audit::verify))
        .routes(routes!(clock::get, clock::set))
        .routes(routes!(backup::take))
        .routes(routes!(settings::get, settings::update))
        .routes(routes!(template_packs::list))
        .routes(routes!(template_packs::install))
        .routes(routes!(metrics::show))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(openapi::show))
        .routes(routes!(docs::show))
}

/// The surface.
pub(crate) fn router(web: Arc<Web>) -> Router {
    routes()
        .split_for_parts()
        .0
        .fallback(problem::no_such_route)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&web), again::keyed))
        .layer(CatchPanicLayer::custom(problem::after_panic))
        .layer(middleware::from_fn_with_state(Arc::clone(&web), guard::guard))
        .with_state(web)
}
