//! Template packs: which there are, and installing them: prices together, then plan by plan.

use std::sync::Arc;

use planwright_domain::Refusal;
use planwright_domain::catalog::catalog_document::CatalogDocument;
use planwright_domain::page::{Page, PageRequest};
use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::plan::template::{Contents, Install, Installation, Outcome, Pack, Template};
use planwright_domain::plan::template_listing::{GroupListing, PackListing, PluginListing};
use planwright_domain::plan::{Plan, PlanDraft};
use planwright_domain::plugin::binding::BoundPlugin;
use planwright_domain::plugin::hook::Hook;
use planwright_plugin_host::{Plugin, PluginError};
use planwright_store::{Snapshot, Store};

use crate::app::App;
use crate::catalog::catalog_edit::CatalogEdit;
use crate::documents::{PlanRecord, SettingsRecord};
use crate::error::Error;
use crate::keys::Keys;
use crate::once::{answered, kept};
use crate::plans::pack_prices::{self, WouldBe};
use crate::plans::plan_cache::PlanList;
use crate::plans::plan_commit::{Action, Change};
use crate::plans::plan_surroundings::Surroundings;
use crate::plugins::plugin_slots::Entry;
use crate::request::Request;
use crate::retry::retrying;
use crate::tenants::kept_settings::Kept;
use crate::worker;

/// One page of the packs, those that fail too.
///
/// # Errors
/// When the store does not answer.
pub async fn list<S: Store>(
    app: &App<S>,
    by: &Request,
    page: PageRequest,
) -> Result<Page<PackListing>, Error> {
    let snapshot = app.store.snapshot().await?;
    let plans = app.plans.read(&snapshot, &by.caller.tenant).await?;
    let there = CatalogDocument::of(&CatalogEdit::begin(app, by).await?.before);
    let bindings = app.bindings(&snapshot, &by.caller.tenant).await?;
    let mut listed: Vec<PackListing> = Vec::new();
    for entry in bindings.slot(Hook::Templates).entries() {
        let about = || about(&entry.shown);
        let listing = match listing(app, by, entry, &plans, &there).await {
            Ok(listing) if listed.iter().any(|one| one.available && one.name == listing.name) => {
                let reason = "Another pack of this name comes first; give this one another name.";
                PackListing::unavailable(listing.name, reason.to_owned(), about())
            }
            Ok(listing) => listing,
            Err(error) => {
                tracing::warn!(%error, "a pack is unavailable");
                PackListing::unavailable(entry.shown.name.clone(), error.to_string(), about())
            }
        };
        listed.push(listing);
    }
    let total = u64::try_from(listed.len()).unwrap_or(u64::MAX);
    let items = listed.into_iter().skip(page.skip()).take(page.size()).collect();
    Ok(page.answer(items, total))
}

async fn listing<S>(
    app: &App<S>,
    by: &Request,
    entry: &Entry,
    plans: &PlanList,
    there: &CatalogDocument,
) -> Result<PackListing, PluginError> {
    let plugin = app.plugin(entry, by.now).await?;
    let pack = plugin.describe(by.now).await?;
    let mut groups = Vec::new();
    for group in pack.groups.clone() {
        let held = plugin.unpack(std::slice::from_ref(&group.name), by.now).await?;
        groups.push(GroupListing::new(group, held, |id| plans.has(id), there));
    }
    Ok(PackListing::available(pack, groups, about(&entry.shown)))
}

fn about(plugin: &BoundPlugin) -> PluginListing {
    PluginListing {
        name: plugin.name.clone(),
        version: plugin.version.clone(),
        digest: plugin.digest.to_string(),
    }
}

/// Installs groups of a pack, or says what that would do. Regions, products and billing plans come first, all in one
/// commit or none. Then each plan is made or changed on its own, under the same review as by hand: one that is
/// refused is in the answer, and the others are installed.
///
/// The first pack that names a default plan sets the tenant's, unless an admin has chosen before.
///
/// # Errors
/// No such pack, or groups that it does not have. Where a plugin or the store fails on the way, what was
/// installed so far stays, and asking again goes on from there.
///
/// The pack is the one that was there when it began, whatever is bound meanwhile; each plan is reviewed by the
/// rules of its own moment.
pub async fn install<S: Store>(
    app: &App<S>,
    by: &Request,
    name: &str,
    wanted: &Install,
) -> Result<Installation, Error> {
    if let Some(done) = answered(app, by).await? {
        return Ok(done);
    }
    // Each plan is a change of its own; the answer to all of them is kept when they are done.
    let each = Request { claim: None, if_match: None, ..by.clone() };
    let done = install_each(app, &each, name, wanted).await?;
    if wanted.dry_run {
        return Ok(done);
    }
    retrying(app.entropy.as_ref(), || kept(app, by, done.clone())).await
}

async fn install_each<S: Store>(
    app: &App<S>,
    by: &Request,
    name: &str,
    wanted: &Install,
) -> Result<Installation, Error> {
    let (pack, plugin) = find(app, by, name).await?;
    let groups = pack.choose(wanted.groups.as_deref())?;
    let Contents { templates, catalog } = plugin.unpack(&groups, by.now).await?;
    let mut done = Installation { dry_run: wanted.dry_run, ..Installation::default() };
    // Plans may name price books, and metrics that are products.
    let prices =
        retrying(app.entropy.as_ref(), || pack_prices::install(app, by, &catalog, wanted)).await?;
    done.price_catalog = prices.done;
    let would = prices.would.as_ref();
    for template in templates {
        let attempt =
            retrying(app.entropy.as_ref(), || try_install(app, by, &template, would, wanted)).await;
        let (became, outcome) = match attempt {
            Err(Error::Refused(refusal)) => {
                let reason = Outcome::new(&template.id, &refusal.to_string());
                (Became::Refused, Outcome { errors: refusal.fields(), ..reason })
            }
            other => other?,
        };
        match became {
            Became::Created => done.created.push(outcome),
            Became::Updated => done.updated.push(outcome),
            Became::Skipped => done.skipped.push(outcome),
            Became::Refused => done.refused.push(outcome),
        }
    }
    if let Some(id) = &pack.default_plan {
        let is_new = done.created.iter().any(|outcome| outcome.id == *id);
        let adopted =
            retrying(app.entropy.as_ref(), || try_adopt(app, by, id, wanted.dry_run, is_new))
                .await?;
        done.default_plan = adopted.then(|| id.clone());
    }
    Ok(done)
}

/// The pack of a name; of two, the first.
async fn find<S: Store>(
    app: &App<S>,
    by: &Request,
    name: &str,
) -> Result<(Pack, Arc<Plugin>), Error> {
    let snapshot = app.store.snapshot().await?;
    let bindings = app.bindings(&snapshot, &by.caller.tenant).await?;
    let mut failed = None;
    for entry in bindings.slot(Hook::Templates).entries() {
        let described = async {
            let plugin = app.plugin(entry, by.now).await?;
            Ok::<_, PluginError>((plugin.describe(by.now).await?, plugin))
        };
        match described.await {
            Ok((pack, plugin)) if pack.name == name => return Ok((pack, plugin)),
            Ok(_) => {}
            // It is listed under its plugin's name; what it would call itself nobody knows.
            Err(error) if entry.shown.name == name => failed = Some(error),
            Err(error) => tracing::warn!(%error, "a pack is unavailable"),
        }
    }
    match failed {
        Some(error) => Err(error.into()),
        None => Err(Refusal::PackNotFound { name: name.chars().take(128).collect() }.into()),
    }
}

enum Became {
    Created,
    Updated,
    Skipped,
    Refused,
}

async fn try_install<S: Store>(
    app: &App<S>,
    by: &Request,
    template: &Template,
    would: Option<&WouldBe>,
    wanted: &Install,
) -> Result<(Became, Outcome), Error> {
    let (tenant, id) = (&by.caller.tenant, &template.id);
    if wanted.force {
        // Whoever rests on a plan that is there does so now.
        worker::work_plan(app, tenant, Some(id.as_str()), by.now).await?;
    }
    let snapshot = app.store.snapshot().await?;
    let (became, reason, change) = match snapshot.get(&Keys::of(tenant).plan(id)).await? {
        None => {
            let billing_plan_id = pack_prices::book::<S>(&snapshot, by, template, would).await?;
            let draft = PlanDraft { billing_plan_id, ..template.draft.clone() };
            let plan = Plan::from_draft(id.clone(), draft, by.now)?;
            (Became::Created, "There was no plan of this id.", Change::make(plan, Action::Created))
        }
        Some(_) if !wanted.force => {
            let reason = "A plan of this id is there already. Use force to update it.";
            return Ok((Became::Skipped, Outcome::new(id, reason)));
        }
        Some(found) => {
            let before = (found.version, found.decode::<PlanRecord>()?);
            let plan = &before.1.plan;
            let book = pack_prices::book::<S>(&snapshot, by, template, would).await?;
            let after = plan.patched(template.patch(plan, book), by.now)?;
            let reason = if after == *plan {
                "It is what the pack has, as it was before."
            } else {
                "It differed from what the pack has."
            };
            (Became::Updated, reason, Change::alter(before, after, Action::Updated))
        }
    };
    let reviewed = if wanted.dry_run {
        let around = Surroundings::read(app, &snapshot, by).await?;
        let around = match would {
            Some(would) => would.around(around),
            None => around,
        };
        change.rehearse(app, &snapshot, by, &around).await?
    } else {
        change.review_and_commit(app, &snapshot, by).await?
    };
    let warnings = reviewed.warnings.into_iter().map(|warning| warning.message).collect();
    Ok((became, Outcome { warnings, ..Outcome::new(id, reason) }))
}

/// Makes a plan the tenant's default where nobody has chosen one before, and says whether it did. In a dry
/// run a plan that would be new is not there yet.
async fn try_adopt<S: Store>(
    app: &App<S>,
    by: &Request,
    id: &PlanId,
    dry_run: bool,
    is_new: bool,
) -> Result<bool, Error> {
    let snapshot = app.store.snapshot().await?;
    let kept = Kept::read(&snapshot, &by.caller.tenant).await?;
    if kept.record.default_plan_is_chosen {
        return Ok(false);
    }
    let is_there = snapshot.get(&Keys::of(&by.caller.tenant).plan(id)).await?.is_some();
    if dry_run || !is_there {
        return Ok(is_there || (dry_run && is_new));
    }
    let mut record = SettingsRecord { default_plan_is_chosen: true, ..kept.record.clone() };
    record.settings.default_plan = Some(id.clone());
    kept.replace(app, &snapshot, by, &record).await?;
    Ok(true)
}
