//! Quotes: what quantities would cost, asked of the pricing plugin as a bill would be.

use planwright_domain::Refusal;
use planwright_domain::billing_plan::charge::{UsageLine, UsageQuestion, UsageRefusal};
use planwright_domain::billing_plan::price_book::{Named, PhasesAt};
use planwright_domain::billing_plan::quote::{Quote, QuotePlugin, QuoteRequest};
use planwright_domain::billing_plan::region::Region;
use planwright_domain::billing_plan::{BillingPlan, PhaseType};
use planwright_domain::plan::review::ReviewContext;
use planwright_domain::plugin::hook::Hook;
use planwright_domain::refusal::FieldError;
use planwright_domain::tenant::caller::is_user_id;
use planwright_domain::time::Timestamp;
use planwright_store::{Snapshot, Store};

use crate::app::App;
use crate::billing_plans::book_cache::named;
use crate::billing_plans::entry_records;
use crate::billing_plans::price_books::Standing;
use crate::error::Error;
use crate::keys::Keys;
use crate::request::Request;
use crate::subscriptions::entitlements;
use crate::tenants::kept_settings::Kept;
use crate::users;

/// What quantities would cost by a billing plan, for anybody or for one user.
///
/// # Errors
/// No such plan, or a line that cannot be priced, by its place.
pub async fn of_plan<S: Store>(
    app: &App<S>,
    by: &Request,
    id: u64,
    asked: &QuoteRequest,
) -> Result<Quote, Error> {
    asked.check()?;
    let snapshot = app.store.snapshot().await?;
    let keys = Keys::of(&by.caller.tenant);
    let plan = entry_records::get::<BillingPlan, _>(&snapshot, &keys, id).await?;
    let user = asked.user_id.as_deref();
    let standing = standing(&snapshot, &keys, by, user).await?;
    quote(app, &snapshot, by, &plan, user, &standing, asked).await
}

/// What quantities would cost a user, by the own price book.
///
/// # Errors
/// Somebody else's without being an admin, nothing that prices the user, or a line that cannot be priced, by its place.
pub async fn of_user<S: Store>(
    app: &App<S>,
    by: &Request,
    asked: &QuoteRequest,
) -> Result<Quote, Error> {
    asked.check()?;
    let user = asked.user_id.as_deref().unwrap_or(&by.caller.user_id);
    if user != by.caller.user_id && !by.caller.role.administers() {
        return Err(Refusal::NotAllowed { needed: "admin" }.into());
    }
    must_be_user(user)?;
    let (snapshot, governing) = entitlements::now(app, &by.caller.tenant, user, by.now).await?;
    let keys = Keys::of(&by.caller.tenant);
    let standing = standing(&snapshot, &keys, by, Some(user)).await?;
    let book = standing.book(governing.plan.as_ref());
    let id = book.ok_or_else(|| Refusal::NoBillingPlan { user: user.to_owned() })?;
    let plan = entry_records::get::<BillingPlan, _>(&snapshot, &keys, id).await?;
    quote(app, &snapshot, by, &plan, Some(user), &standing, asked).await
}

fn must_be_user(id: &str) -> Result<(), Refusal> {
    if is_user_id(id) {
        return Ok(());
    }
    let message = "user_id must have 1 to 255 characters, none of them a control character.";
    Err(Refusal::unfit(FieldError::new("user_id", "invalid_user_id", message)))
}

/// Where a user stands, or whoever is not known.
async fn standing<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    by: &Request,
    user: Option<&str>,
) -> Result<Standing, Error> {
    let settings = Kept::read(snapshot, &by.caller.tenant).await?.record.settings;
    let Some(id) = user else {
        return Ok(Standing::read(snapshot, keys, &settings, None, None).await?);
    };
    must_be_user(id)?;
    let (_, mut known) = users::known(snapshot, keys, id).await?;
    // Credentials speak of whoever has them, in their own tenant.
    let is_own = id == by.caller.user_id && by.caller.home.is_none();
    known.group = by.caller.group.clone().filter(|_| is_own).or(known.group);
    Ok(Standing::of_user(snapshot, keys, &settings, id, &known).await?)
}

async fn quote<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    by: &Request,
    plan: &BillingPlan,
    user: Option<&str>,
    standing: &Standing,
    asked: &QuoteRequest,
) -> Result<Quote, Error> {
    let keys = Keys::of(&by.caller.tenant);
    let region = match &asked.region {
        Some(name) => Some(region(snapshot, &keys, name).await?),
        None => standing.region.as_ref().map(|region| region.name.clone()),
    };
    let currency = asked.currency.or(standing.currency).ok_or_else(|| {
        let message =
            "currency: neither the request nor the user nor the settings say one. Name one.";
        Refusal::unfit(FieldError::new("currency", "missing_currency", message))
    })?;
    let at = asked.at.unwrap_or(by.now);
    let phases = match (asked.phase, user) {
        (Some(phase), _) => PhasesAt::Only(phase),
        (None, Some(_)) => PhasesAt::Clock(standing.phase_started.unwrap_or(at).min(at)),
        (None, None) => PhasesAt::Only(PhaseType::Final),
    };
    let named = named(snapshot, &keys, &[plan]).await?;
    let lines = lines(plan, &named, phases, at, asked)?;
    let context = ReviewContext {
        tenant: by.caller.tenant.clone(),
        user_id: user.map(str::to_owned),
        at: by.now,
    };
    let user_group = standing.group.as_ref().map(|group| group.name.clone());
    let question = UsageQuestion { user_group, region, currency, lines };
    let bindings = app.bindings(snapshot, &by.caller.tenant).await?;
    let plugin = app.only_plugin(&bindings, Hook::Pricing, by.now).await?;
    let charges = plugin.price_usage(&context, &question).await?.map_err(of_the_line)?;
    let plugin = QuotePlugin { name: plugin.name().to_owned(), digest: plugin.digest().to_owned() };
    Ok(Quote::of(currency, &question.lines, charges, plugin)?)
}

async fn region<N: Snapshot>(snapshot: &N, keys: &Keys, name: &str) -> Result<String, Error> {
    let regions = entry_records::all::<Region, _>(snapshot, keys).await?;
    if regions.iter().any(|region| region.name == name) {
        return Ok(name.to_owned());
    }
    let shown: String = name.chars().take(100).collect();
    let message =
        format!("region: there is no region '{shown}'. GET /api/admin/regions lists them.");
    Err(Refusal::unfit(FieldError::new("region", "unknown_name", &message)).into())
}

/// The lines of the question; what the plan does not price is named by its place.
fn lines(
    plan: &BillingPlan,
    named: &Named,
    phases: PhasesAt,
    at: Timestamp,
    asked: &QuoteRequest,
) -> Result<Vec<UsageLine>, Refusal> {
    let (mut lines, mut wrong) = (Vec::new(), Vec::new());
    for (place, line) in asked.lines.iter().enumerate() {
        let id = &line.external_id;
        match plan.line(named, id, line.quantity, phases, at) {
            Some(line) => lines.push(line),
            None => {
                let shown: String = id.chars().take(100).collect();
                let phase = match phases {
                    PhasesAt::Only(phase) => format!(" in the phase {}", phase.as_str()),
                    PhasesAt::Clock(_) => String::new(),
                };
                let name = &plan.name;
                let message = format!("Billing plan '{name}' does not price '{shown}'{phase}.");
                let field = format!("lines[{place}].external_id");
                wrong.push(FieldError::new(&field, "not_priced", &message));
            }
        }
    }
    if wrong.is_empty() { Ok(lines) } else { Err(Refusal::Unfit(wrong)) }
}

/// A plugin that has no price for a line says so to whoever asked for it.
fn of_the_line(no: UsageRefusal) -> Refusal {
    let UsageRefusal { line, code, message } = no;
    let field = line.map_or_else(|| "lines".to_owned(), |line| format!("lines[{line}].quantity"));
    Refusal::Unfit(vec![FieldError { field, code, message }])
}
