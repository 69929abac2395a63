//! Products: what is metered and priced.

use planwright_domain::Refusal;
use planwright_domain::billing_plan::BillingPlan;
use planwright_domain::billing_plan::entry::Kind;
use planwright_domain::billing_plan::product::{Product, ProductDraft, ProductPatch};
use planwright_domain::page::{Page, PageRequest};
use planwright_store::Store;

use crate::app::App;
use crate::billing_plans::entries::{Edit, taken};
use crate::billing_plans::entry_records::{self, listed};
use crate::error::Error;
use crate::keys::Keys;
use crate::once::once;
use crate::request::Request;

/// All products, in the order they were made.
///
/// # Errors
/// When the store does not answer.
pub async fn list<S: Store>(
    app: &App<S>,
    by: &Request,
    page: PageRequest,
) -> Result<Page<Product>, Error> {
    let snapshot = app.store.snapshot().await?;
    Ok(page.of(entry_records::all(&snapshot, &Keys::of(&by.caller.tenant)).await?))
}

/// One product.
///
/// # Errors
/// Not found.
pub async fn get<S: Store>(app: &App<S>, by: &Request, id: u64) -> Result<Product, Error> {
    let snapshot = app.store.snapshot().await?;
    entry_records::get(&snapshot, &Keys::of(&by.caller.tenant), id).await
}

/// Makes a product.
///
/// # Errors
/// A draft that is wrong in itself, or an `external_id` that is taken.
pub async fn create<S: Store>(
    app: &App<S>,
    by: &Request,
    draft: &ProductDraft,
) -> Result<Product, Error> {
    once(app, by, || try_create(app, by, draft)).await
}

async fn try_create<S: Store>(
    app: &App<S>,
    by: &Request,
    draft: &ProductDraft,
) -> Result<Product, Error> {
    let mut edit = Edit::begin(app, by).await?;
    let all = edit.all_with_room::<Product>().await?;
    let mut numbers = edit.numbers(Kind::Product).await?;
    let mut packages = edit.numbers(Kind::Package).await?;
    let package_id = || packages.take();
    let product = Product::from_draft(numbers.take(), draft.clone(), package_id, by.now)?;
    must_be_new(&all, &product)?;
    edit.keep_numbers(Kind::Product, &numbers);
    edit.keep_numbers(Kind::Package, &packages);
    edit.put(&product);
    edit.tell_entry(None, Some(&product));
    edit.commit(&product).await?;
    Ok(product)
}

/// Changes what a patch names.
///
/// # Errors
/// Not found, wrong in itself, an `external_id` that is taken, or what would price billing plans otherwise.
pub async fn update<S: Store>(
    app: &App<S>,
    by: &Request,
    id: u64,
    patch: &ProductPatch,
) -> Result<Product, Error> {
    once(app, by, || try_update(app, by, id, patch)).await
}

async fn try_update<S: Store>(
    app: &App<S>,
    by: &Request,
    id: u64,
    patch: &ProductPatch,
) -> Result<Product, Error> {
    let mut edit = Edit::begin(app, by).await?;
    let before = edit.get::<Product>(id).await?;
    let mut packages = edit.numbers(Kind::Package).await?;
    let product = before.patched(patch.clone(), || packages.take(), by.now)?;
    if product == before {
        return Ok(product);
    }
    must_be_new(&edit.all().await?, &product)?;
    if let Some(field) = before.priced_otherwise(&product) {
        let what = match field {
            "external_id" => "have another external_id",
            "unit" => "have another unit",
            _ => "be of another resource_kind",
        };
        must_be_unused(&edit, &before, what).await?;
    }
    edit.keep_numbers(Kind::Package, &packages);
    edit.put(&product);
    edit.tell_entry(Some(&before), Some(&product));
    edit.commit(&product).await?;
    Ok(product)
}

fn must_be_new(all: &[Product], product: &Product) -> Result<(), Refusal> {
    let same = |one: &Product| one.id != product.id && one.external_id == product.external_id;
    if all.iter().any(same) { Err(taken("external_id", &product.external_id)) } else { Ok(()) }
}

/// Deletes a product that no billing plan has.
///
/// # Errors
/// Not found, or in use.
pub async fn delete<S: Store>(app: &App<S>, by: &Request, id: u64) -> Result<(), Error> {
    once(app, by, || try_delete(app, by, id)).await
}

async fn try_delete<S: Store>(app: &App<S>, by: &Request, id: u64) -> Result<(), Error> {
    let mut edit = Edit::begin(app, by).await?;
    let product = edit.get::<Product>(id).await?;
    must_be_unused(&edit, &product, "be deleted").await?;
    edit.delete(&product);
    edit.tell_entry(Some(&product), None);
    edit.commit(&()).await
}

async fn must_be_unused<S: Store>(
    edit: &Edit<'_, S>,
    product: &Product,
    what: &'static str,
) -> Result<(), Error> {
    if !edit.is_used(Kind::Product, product.id).await? {
        return Ok(());
    }
    let plans = edit.all::<BillingPlan>().await?;
    let its = plans.iter().filter(|plan| plan.uses().products.contains_key(&product.id));
    let names: Vec<&str> = its.map(|plan| plan.name.as_str()).collect();
    let by = format!("{} price it. Take it out there first", listed("the billing plans", &names));
    let (kind, name) = (Kind::Product, product.external_id.clone());
    Err(Refusal::EntryInUse { kind, name, what, by }.into())
}
