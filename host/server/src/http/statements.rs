//! Statements: a user's own, and as admins see them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use planwright_domain::billing_plan::charge::{Charge, UsageQuestion};
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::statement::asked::Asked;
use planwright_domain::statement::{Documented, Statement, StatementStatus, UpcomingStatement};
use planwright_domain::subscription::fee_charge::FeeCharge;
use planwright_service::statements::{self, StatementFilter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Web;
use super::auth::{ByAdmin, ByUser};
use super::path::Path;
use super::problem::Problem;
use super::query::{NoQuery, Paging, Query};

/// A statement with what its lines rest on.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatementWithQuestions {
    #[serde(flatten)]
    statement: Statement,
    /// What the pricing plugin was asked, and what it answered, as it is kept to be asked again. Lines name them by
    /// their places.
    #[schema(value_type = Vec<Object>)]
    questions: Vec<Asked<UsageQuestion, Vec<Charge>>>,
    /// The fees that were charged, each with what the plugin was asked and answered then.
    #[schema(value_type = Vec<Object>)]
    charges: Vec<FeeCharge>,
}

impl From<Documented> for StatementWithQuestions {
    fn from(documented: Documented) -> Self {
        let Documented { statement, questions, charges } = documented;
        Self { statement, questions, charges }
    }
}

/// The own statements, newest first.
#[utoipa::path(
    get, path = "/api/v1/billing/statements", tag = "statements", security(("user" = [])),
    params(Paging),
    responses((status = 200, body = Page<Statement>)),
)]
pub(crate) async fn list(
    State(web): State<Arc<Web>>,
    ByUser(by): ByUser,
    Query(Paging { page, page_size }): Query<Paging>,
) -> Result<Json<Page<Statement>>, Problem> {
    let page = PageRequest::new(page, page_size)?;
    Ok(Json(statements::own(&web.app, &by, page).await?))
}

/// What the own next statements would be now.
///
/// There is one for each window that is not closed, and each currency. One that could not be written says why in
/// `reason`.
#[utoipa::path(
    get, path = "/api/v1/billing/statements/upcoming", tag = "statements", security(("user" = [])),
    responses((status = 200, body = Vec<UpcomingStatement>)),
)]
pub(crate) async fn upcoming(
    State(web): State<Arc<Web>>,
    ByUser(by): ByUser,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Json<Vec<UpcomingStatement>>, Problem> {
    Ok(Json(statements::upcoming(&web.app, &by, &by.caller.user_id).await?))
}

/// One of the own statements, with what its lines rest on.
///
/// Admins see any.
#[utoipa::path(
    get, path = "/api/v1/billing/statements/{id}", tag = "statements", security(("user" = [])),
    params(("id" = String, Path, description = "The statement's.")),
    responses(
        (status = 200, body = StatementWithQuestions),
        (status = 404, description = "No statement of this id."),
    ),
)]
pub(crate) async fn get(
    State(web): State<Arc<Web>>,
    ByUser(by): ByUser,
    Path(id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Json<StatementWithQuestions>, Problem> {
    Ok(Json(statements::get_own(&web.app, &by, &id).await?.into()))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    user_id: Option<String>,
    status: Option<StatementStatus>,
    /// The first Unix second that it was made in.
    from: Option<i64>,
    /// The Unix second behind the last.
    to: Option<i64>,
    #[param(minimum = 1, default = 1)]
    page: Option<usize>,
    #[param(minimum = 1, maximum = 100, default = 20)]
    page_size: Option<usize>,
}

/// All statements, newest first.
#[utoipa::path(
    get, path = "/api/v1/admin/billing/statements", tag = "statements", security(("admin" = [])),
    params(Which),
    responses((status = 200, body = Page<Statement>)),
)]
pub(crate) async fn list_all(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Query(Which { user_id, status, from, to, page, page_size }): Query<Which>,
) -> Result<Json<Page<Statement>>, Problem> {
    let page = PageRequest::new(page, page_size)?;
    let filter = StatementFilter { user_id, status, from, to };
    Ok(Json(statements::list(&web.app, &by, &filter, page).await?))
}

/// One statement, with what its lines rest on.
#[utoipa::path(
    get, path = "/api/v1/admin/billing/statements/{id}", tag = "statements", security(("admin" = [])),
    params(("id" = String, Path, description = "The statement's.")),
    responses(
        (status = 200, body = StatementWithQuestions),
        (status = 404, description = "No statement of this id."),
    ),
)]
pub(crate) async fn get_any(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Json<StatementWithQuestions>, Problem> {
    Ok(Json(statements::get(&web.app, &by, &id).await?.into()))
}

/// What a user's next statements would be now.
#[utoipa::path(
    get, path = "/api/v1/admin/billing/users/{user_id}/statements/upcoming", tag = "statements",
    security(("admin" = [])),
    params((
        "user_id" = String, Path, min_length = 1, max_length = 255,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$", description = "Whose.",
    )),
    responses((status = 200, body = Vec<UpcomingStatement>)),
)]
pub(crate) async fn upcoming_of_user(
    State(web): State<Arc<Web>>,
    ByAdmin(by): ByAdmin,
    Path(user_id): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Json<Vec<UpcomingStatement>>, Problem> {
    Ok(Json(statements::upcoming(&web.app, &by, &user_id).await?))
}
