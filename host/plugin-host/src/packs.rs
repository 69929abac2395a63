//! Asking a template pack what it is and what it holds, and what its answers must look like to be believed.
//! A pack comes from anybody, so that every count, name and length is looked at here; whether its plans are
//! allowed is for the validation plugins, as with any plan.

use std::collections::BTreeSet;
use std::sync::Arc;

use planwright_domain::money::{self, Currency};
use planwright_domain::period::Interval;
use planwright_domain::plan::plan_id::PlanId;
use planwright_domain::plan::template::{Contents, Group, Pack, Template};
use planwright_domain::plan::{Overage, PlanDraft};
use planwright_domain::time::Timestamp;
use rust_decimal::Decimal;
use wasmtime::bail;

use crate::contract::exports::planwright::plugin::templates as wit_templates;
use crate::contract::planwright::plugin::types as wit;
use crate::instance::Exports;
use crate::pack_catalog;
use crate::pack_text::{check_count, check_name, check_text, once_each, shown};
use crate::plugin::Plugin;
use crate::{Hook, PluginError};

const TITLE_BYTES: usize = 400;
const GROUPS: usize = 50;
const PLANS: usize = 200;
/// Entries in one list of a plan: features, quotas, notes.
const ENTRIES: usize = 200;
/// The most digits after the point that the contract has.
const MAX_SCALE: u8 = 18;

impl Plugin {
    /// What a pack says of itself. Names are `[a-z0-9_-]{1,64}`, and those of groups differ.
    ///
    /// # Errors
    /// [`PluginError`] names the plugin.
    pub async fn describe(self: &Arc<Self>, at: Timestamp) -> Result<Pack, PluginError> {
        self.must_be(Hook::Templates)?;
        self.call(
            at,
            |store, exports| templates(exports)?.call_describe(store),
            |plugin, said| pack(said).map_err(|reason| plugin.bad_answer(reason)),
        )
        .await
    }

    /// What a pack's groups hold, with dates counted from `now`. No plan's id is there twice.
    ///
    /// # Errors
    /// [`PluginError`] names the plugin.
    pub async fn unpack(
        self: &Arc<Self>,
        groups: &[String],
        now: Timestamp,
    ) -> Result<Contents, PluginError> {
        self.must_be(Hook::Templates)?;
        let groups = groups.to_vec();
        let text_bytes = self.running.limits.text_bytes;
        self.call(
            now,
            move |store, exports| templates(exports)?.call_unpack(store, &groups, now.as_second()),
            move |plugin, answer| {
                let said = answer.map_err(|no| plugin.refused(&no.code, &no.message))?;
                contents(said, text_bytes).map_err(|reason| plugin.bad_answer(reason))
            },
        )
        .await
    }
}

fn templates(exports: &Exports) -> wasmtime::Result<&wit_templates::Guest> {
    match exports {
        Exports::Templates(guest) => Ok(guest),
        _ => bail!("not a template pack"),
    }
}

fn pack(said: wit_templates::Pack) -> Result<Pack, String> {
    check_name("the pack's name", &said.name)?;
    check_text("the pack's title", &said.title, TITLE_BYTES)?;
    check_count("groups", said.groups.len(), GROUPS)?;
    let mut names = BTreeSet::new();
    for group in &said.groups {
        check_name("a group's name", &group.name)?;
        check_text("a group's title", &group.title, TITLE_BYTES)?;
        if !names.insert(&group.name) {
            return Err(format!("two groups are called '{}'", group.name));
        }
    }
    let default_plan = said.default_plan.as_deref().map(plan_id).transpose()?;
    let groups = said.groups.into_iter().map(|group| Group {
        name: group.name,
        title: group.title,
        by_default: group.by_default,
    });
    Ok(Pack { name: said.name, title: said.title, groups: groups.collect(), default_plan })
}

fn contents(said: wit_templates::Contents, text_bytes: usize) -> Result<Contents, String> {
    let wit_templates::Contents { plans, regions, products, billing_plans, priced_plans } = said;
    check_count("plans", plans.len(), PLANS)?;
    let catalog = pack_catalog::read(regions, products, billing_plans, text_bytes)?;
    let mut books = pack_catalog::books_of_plans(priced_plans, text_bytes)?;
    let mut ids = BTreeSet::new();
    let mut templates = Vec::new();
    for plan in plans {
        let id = plan_id(&plan.id)?;
        if !ids.insert(id.clone()) {
            return Err(format!("two plans have the id '{id}'"));
        }
        let draft = draft(&id, plan, text_bytes).map_err(|reason| format!("{id}: {reason}"))?;
        let billing_plan = books.remove(id.as_str());
        templates.push(Template { id, draft, billing_plan });
    }
    // What would be dropped is refused: half a pack is another pack.
    match books.into_keys().next() {
        Some(plan) => Err(format!("it prices the plan '{}', and holds none", shown(&plan))),
        None => Ok(Contents { templates, catalog }),
    }
}

fn draft(id: &PlanId, plan: wit::Plan, text_bytes: usize) -> Result<PlanDraft, String> {
    check_lengths(&plan, text_bytes)?;
    if plan.billing_plan_id.is_some() {
        return Err("it names a price book by a number, and a pack knows them by name".to_owned());
    }
    let overage = plan.overage.into_iter().map(|overage| {
        let policy = Overage::try_from(overage.policy)?;
        Ok((overage.metric, policy))
    });
    Ok(PlanDraft {
        id: Some(id.clone()),
        name: plan.name,
        name_ru: plan.name_ru,
        description: plan.description,
        description_ru: plan.description_ru,
        price: price(plan.price)?,
        currency: currency(&plan.currency)?,
        interval: Interval::try_from(plan.interval)?,
        quotas: Some(once_each(plan.quotas.into_iter().map(|q| Ok((q.metric, q.limit))))?),
        features: Some(plan.features),
        is_active: Some(plan.is_active),
        display_order: Some(plan.display_order),
        metadata: Some(once_each(plan.metadata.into_iter().map(Ok))?),
        trial_days: Some(plan.trial_days),
        billing_plan_id: None,
        overage: Some(once_each(overage)?),
    })
}

/// Before anything is kept or shown: no list and no text is longer than anybody could mean.
fn check_lengths(plan: &wit::Plan, text_bytes: usize) -> Result<(), String> {
    for (what, count) in [
        ("features", plan.features.len()),
        ("quotas", plan.quotas.len()),
        ("overage policies", plan.overage.len()),
        ("metadata entries", plan.metadata.len()),
    ] {
        check_count(what, count, ENTRIES)?;
    }
    let optional = [&plan.name_ru, &plan.description, &plan.description_ru];
    let texts = [&plan.name, &plan.interval]
        .into_iter()
        .chain(optional.into_iter().flatten())
        .chain(&plan.features)
        .chain(plan.quotas.iter().map(|quota| &quota.metric))
        .chain(plan.overage.iter().flat_map(|overage| [&overage.metric, &overage.policy]))
        .chain(plan.metadata.iter().flat_map(|(key, value)| [key, value]));
    match texts.map(String::len).max() {
        Some(longest) if longest > text_bytes => {
            Err(format!("a text has {longest} bytes, and {text_bytes} are allowed"))
        }
        _ => Ok(()),
    }
}

fn price(price: wit::Decimal) -> Result<Decimal, String> {
    if price.scale > MAX_SCALE {
        return Err(format!(
            "the price has the scale {}, and {MAX_SCALE} is the most",
            price.scale
        ));
    }
    Ok(Decimal::new(price.coefficient, price.scale.into()).normalize())
}

fn currency(said: &wit::Currency) -> Result<Currency, String> {
    let short: String = said.code.chars().take(10).collect();
    let currency = Currency::from_code(&said.code)
        .ok_or_else(|| format!("'{short}' is not an ISO 4217 currency code"))?;
    let digits = money::digits(currency);
    if u32::from(said.digits) != digits {
        return Err(format!("{short} has {digits} fraction digits, and it says {}", said.digits));
    }
    Ok(currency)
}

fn plan_id(id: &str) -> Result<PlanId, String> {
    let shown = shown(id);
    PlanId::new(id).map_err(|error| format!("{shown:?} as the id of a plan: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wit_plan() -> wit::Plan {
        wit::Plan {
            id: "pro".to_owned(),
            name: "Pro".to_owned(),
            name_ru: None,
            description: None,
            description_ru: None,
            price: wit::Decimal { coefficient: 149_000, scale: 2 },
            currency: wit::Currency { code: "RUB".to_owned(), digits: 2 },
            interval: "month".to_owned(),
            quotas: vec![wit::Quota { metric: "requests".to_owned(), limit: 5 }],
            overage: vec![wit::Overage {
                metric: "requests".to_owned(),
                policy: "bill".to_owned(),
            }],
            features: vec!["f".to_owned()],
            trial_days: 0,
            billing_plan_id: None,
            is_active: true,
            display_order: 0,
            metadata: vec![("k".to_owned(), "v".to_owned())],
        }
    }

    fn holding(plans: Vec<wit::Plan>) -> wit_templates::Contents {
        wit_templates::Contents {
            plans,
            regions: Vec::new(),
            products: Vec::new(),
            billing_plans: Vec::new(),
            priced_plans: Vec::new(),
        }
    }

    #[test]
    fn a_plan_crosses_whole() {
        let template = contents(holding(vec![wit_plan()]), 100).unwrap().templates.remove(0);
        assert_eq!(template.id.as_str(), "pro");
        assert_eq!(template.draft.price, Decimal::from(1490));
        assert_eq!(template.draft.quotas.unwrap()["requests"], 5);
        assert_eq!(template.draft.overage.unwrap()["requests"], Overage::Bill);
        assert_eq!(template.draft.metadata.unwrap()["k"], "v");
    }

    #[test]
    fn contents_that_cannot_be_used_are_refused_by_name() {
        type Edit = fn(&mut wit::Plan);
        let cases: [(Edit, &str); 12] = [
            (|plan| plan.id = "a b".to_owned(), "\"a b\" as the id"),
            (|plan| plan.name = "x".repeat(101), "a text has 101 bytes"),
            (|plan| plan.features = vec!["f".to_owned(); 201], "201 features"),
            (|plan| plan.metadata.push(("k".to_owned(), String::new())), "'k' is there twice"),
            (|plan| plan.quotas.push(plan.quotas[0].clone()), "'requests' is there twice"),
            (|plan| plan.price.scale = 19, "scale 19"),
            (|plan| plan.currency.code = "rub".to_owned(), "'rub' is not"),
            (|plan| plan.currency.digits = 3, "RUB has 2 fraction digits"),
            (|plan| plan.interval = "decade".to_owned(), "'decade'"),
            (|plan| plan.overage[0].policy = "maybe".to_owned(), "'maybe'"),
            (|plan| plan.billing_plan_id = Some(1), "price book"),
            (|plan| plan.metadata[0].1 = "x".repeat(101), "a text has 101 bytes"),
        ];
        for (edit, part) in cases {
            let mut plan = wit_plan();
            edit(&mut plan);
            let reason = contents(holding(vec![plan]), 100).unwrap_err();
            assert!(reason.contains(part), "{part}: {reason}");
        }
        let reason = contents(holding(vec![wit_plan(), wit_plan()]), 100).unwrap_err();
        assert_eq!(reason, "two plans have the id 'pro'");
        let many = contents(holding(vec![wit_plan(); 201]), 100).unwrap_err();
        assert!(many.starts_with("201 plans"), "{many}");
    }

    #[test]
    fn a_plan_is_priced_by_a_book_that_is_named_once() {
        let priced = |plan: &str| wit_templates::PricedPlan {
            plan: plan.to_owned(),
            billing_plan: "Cloud".to_owned(),
        };
        for (plans, expected) in [
            (vec![priced("pro")], Ok(Some("Cloud"))),
            (vec![], Ok(None)),
            (vec![priced("pro"), priced("pro")], Err("'pro' is there twice")),
            (vec![priced("free")], Err("it prices the plan 'free', and holds none")),
        ] {
            let mut said = holding(vec![wit_plan()]);
            said.priced_plans = plans;
            let book = contents(said, 100).map(|mut held| held.templates.remove(0).billing_plan);
            match (book, expected) {
                (Ok(book), Ok(expected)) => assert_eq!(book.as_deref(), expected),
                (Err(reason), Err(expected)) => assert_eq!(reason, expected),
                (book, _) => panic!("{book:?}"),
            }
        }
    }

    #[test]
    fn a_description_that_cannot_be_used_is_refused_by_name() {
        let good = || wit_templates::Pack {
            name: "tiers".to_owned(),
            title: "Tiers".to_owned(),
            groups: vec![wit_templates::Group {
                name: "default".to_owned(),
                title: "All".to_owned(),
                by_default: true,
            }],
            default_plan: Some("free".to_owned()),
        };
        assert_eq!(pack(good()).unwrap().default_plan, Some(PlanId::new("free").unwrap()));
        type Edit = fn(&mut wit_templates::Pack);
        let cases: [(Edit, &str); 7] = [
            (|pack| pack.name = "My/Tiers".to_owned(), "the pack's name"),
            (|pack| pack.name = String::new(), "the pack's name"),
            (|pack| pack.title = "a\nb".to_owned(), "the pack's title"),
            (|pack| pack.groups[0].name = "x".repeat(65), "a group's name"),
            (|pack| pack.groups.push(pack.groups[0].clone()), "two groups are called 'default'"),
            (|pack| pack.groups = vec![pack.groups[0].clone(); 51], "51 groups"),
            (|pack| pack.default_plan = Some("a/b".to_owned()), "\"a/b\" as the id"),
        ];
        for (edit, part) in cases {
            let mut said = good();
            edit(&mut said);
            let reason = pack(said).unwrap_err();
            assert!(reason.contains(part), "{part}: {reason}");
        }
    }
}
