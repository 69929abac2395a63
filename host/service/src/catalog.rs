//! A tenant's whole catalog as one document, read and put as a whole.

pub(crate) mod catalog_edit;
mod catalog_review;

use planwright_domain::catalog::catalog_change::CatalogChanges;
use planwright_domain::catalog::catalog_document::CatalogDocument;
use planwright_domain::plan::review::Finding;
use planwright_store::Store;
use serde::{Deserialize, Serialize};

use self::catalog_edit::CatalogEdit;
use crate::app::App;
use crate::error::Error;
use crate::once::once;
use crate::plans::plan_lookup::Tagged;
use crate::request::Request;
use crate::worker;

/// How a document is put.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Put {
    /// Whether what the document does not have is deleted.
    pub prune: bool,
    /// Whether to say what would change, and do nothing.
    pub dry_run: bool,
}

/// What changed, or would change.
#[derive(Serialize, Deserialize)]
pub struct Applied {
    /// Thing by thing.
    pub changes: CatalogChanges,
    /// The catalog's entity tag, as it is now.
    pub tag: String,
    /// Findings of the validation plugins that do not refuse.
    pub warnings: Vec<Finding>,
}

/// The tenant's catalog.
///
/// # Errors
/// Billing plans that share a name, by which a document knows them, or more prices than it has.
pub async fn get<S: Store>(app: &App<S>, by: &Request) -> Result<Tagged<CatalogDocument>, Error> {
    let edit = CatalogEdit::begin(app, by).await?;
    edit.before.must_fit_a_document()?;
    Ok(Tagged { tag: edit.tag(), value: CatalogDocument::of(&edit.before) })
}

/// Has the catalog hold what the document says, in one commit or not at all; what the document does not have stays, or
/// with `prune` goes. Each thing is changed under the same rules as by hand.
///
/// # Errors
/// Everything that is wrong or refused, by its place in the document; or a catalog that is not the one that the caller
/// has read, if the caller says which.
pub async fn put<S: Store>(
    app: &App<S>,
    by: &Request,
    document: &CatalogDocument,
    how: Put,
) -> Result<Applied, Error> {
    once(app, by, || try_put(app, by, document, how)).await
}

async fn try_put<S: Store>(
    app: &App<S>,
    by: &Request,
    document: &CatalogDocument,
    how: Put,
) -> Result<Applied, Error> {
    // Whoever rests on a plan that is there does so now.
    worker::work_plan(app, &by.caller.tenant, None, by.now).await?;
    let edit = CatalogEdit::begin(app, by).await?;
    edit.must_be_as_read()?;
    let tag = edit.tag();
    let mut reviewed = edit.replace(document, how.prune).await?;
    if how.dry_run || reviewed.changes.is_nothing() {
        let changes = CatalogChanges { dry_run: how.dry_run, ..reviewed.changes };
        return Ok(Applied { changes, tag, warnings: reviewed.warnings });
    }
    let applied = Applied {
        changes: std::mem::take(&mut reviewed.changes),
        tag: reviewed.tag(),
        warnings: std::mem::take(&mut reviewed.warnings),
    };
    reviewed.commit(&applied).await?;
    Ok(applied)
}
