//! Products: what is metered and priced.

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use planwright_domain::billing_plan::entry::Kind;
use planwright_domain::billing_plan::product::{Product, ProductDraft, ProductPatch};
use planwright_service::billing_plans::products;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::entries::{AskChange, AskList, AskNew, AskOne, PerPage, listed, number};
use super::problem::Problem;

/// What a request and an answer are wrapped in.
#[derive(Serialize, ToSchema)]
#[schema(as = ProductAnswer)]
pub(crate) struct Answer {
    product: Product,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ProductList)]
struct All {
    products: Vec<Product>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProductCreate, examples(json!({"product": {"label": "Memory", "resource_kind": "resource", "unit": 1, "unit_type": "GB", "external_id": "memory_gb"}})))]
pub(crate) struct Create {
    product: ProductDraft,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProductUpdate, examples(json!({"product": {"label": "Working memory"}})))]
pub(crate) struct Update {
    product: ProductPatch,
}

/// All products.
#[utoipa::path(
    get, path = "/api/admin/products", tag = "products", security(("admin" = [])),
    params(PerPage),
    responses((status = 200, body = All, headers(("Total"), ("Per-Page")))),
)]
pub(crate) async fn list(AskList { web, by, page }: AskList) -> Result<Response, Problem> {
    let page = products::list(&web.app, &by, page).await?;
    Ok(listed(page, |products| All { products }))
}

/// One product.
#[utoipa::path(
    get, path = "/api/admin/products/{id}", tag = "products", security(("admin" = [])),
    params(("id" = u64, Path, description = "The product's.")),
    responses((status = 200, body = Answer), (status = 404, description = "No product of this id.")),
)]
pub(crate) async fn get(AskOne { web, by, id }: AskOne) -> Result<Json<Answer>, Problem> {
    let product = products::get(&web.app, &by, number(Kind::Product, &id)?).await?;
    Ok(Json(Answer { product }))
}

/// Makes a product.
#[utoipa::path(
    post, path = "/api/admin/products", tag = "products", security(("admin" = [])),
    request_body = Create,
    responses((status = 201, body = Answer), (status = 422, description = "A field is wrong, the external_id is taken, or billing plans would be priced otherwise.")),
)]
pub(crate) async fn create(
    AskNew { web, by, body: Create { product } }: AskNew<Create>,
) -> Result<(StatusCode, Json<Answer>), Problem> {
    let product = products::create(&web.app, &by, &product).await?;
    Ok((StatusCode::CREATED, Json(Answer { product })))
}

/// Changes what the body names.
#[utoipa::path(
    patch, path = "/api/admin/products/{id}", tag = "products", security(("admin" = [])),
    params(("id" = u64, Path, description = "The product's.")),
    request_body = Update,
    responses((status = 200, body = Answer), (status = 404, description = "No product of this id."), (status = 422, description = "A field is wrong, the external_id is taken, or billing plans would be priced otherwise.")),
)]
pub(crate) async fn update(
    AskChange { web, by, id, body: Update { product } }: AskChange<Update>,
) -> Result<Json<Answer>, Problem> {
    let product = products::update(&web.app, &by, number(Kind::Product, &id)?, &product).await?;
    Ok(Json(Answer { product }))
}

/// Deletes a product that nothing names.
#[utoipa::path(
    delete, path = "/api/admin/products/{id}", tag = "products", security(("admin" = [])),
    params(("id" = u64, Path, description = "The product's.")),
    responses((status = 204), (status = 404, description = "No product of this id."), (status = 422, description = "Billing plans price it.")),
)]
pub(crate) async fn delete(AskOne { web, by, id }: AskOne) -> Result<StatusCode, Problem> {
    products::delete(&web.app, &by, number(Kind::Product, &id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
