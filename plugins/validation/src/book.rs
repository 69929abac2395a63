//! What a price book may look like.

use std::collections::{BTreeMap, BTreeSet};

use planwright_sdk::Decimal;
use planwright_sdk::price_book::{BillingPlan, MeteredResource, Phase, Price};
use planwright_sdk::validation::Finding;

use crate::is_currency_code;

const TIER_MODES: [&str; 3] = ["volume", "graduated", "per-package"];
const KINDS: [&str; 3] = ["trial", "discount", "final"];
const DURATION_UNITS: [&str; 4] = ["hours", "days", "months", "years"];
/// Digits after the point of a unit price.
const MAX_PRICE_SCALE: u32 = 9;

pub(crate) fn review(book: &BillingPlan) -> Vec<Finding> {
    let mut findings = Vec::new();
    if book.name.trim().is_empty() {
        findings.push(
            Finding::error("name_empty", "A billing plan needs a name; give it one.").at("name"),
        );
    }
    let mut seen = BTreeSet::new();
    for resource in &book.resources {
        if !seen.insert(&resource.product) {
            let message =
                format!("'{}' is in the billing plan twice; keep one of them.", resource.product);
            findings.push(
                Finding::error("product_repeated", message)
                    .at(format!("resources.{}", resource.product)),
            );
        }
        findings.extend(review_resource(resource));
    }
    findings
}

pub(crate) fn deletion(user_groups: &[String]) -> Vec<Finding> {
    if user_groups.is_empty() {
        return Vec::new();
    }
    let message = format!(
        "Cannot delete billing plan while it prices the groups {}; give them another one first.",
        user_groups.join(", "),
    );
    vec![Finding::error("billing_plan_in_use", message)]
}

/// Collects findings about one place in the book.
struct Place<'a> {
    path: String,
    /// How a person would name it: `'cpu'`, `The trial phase of 'cpu'`.
    name: String,
    resource: &'a MeteredResource,
    findings: Vec<Finding>,
}

impl Place<'_> {
    fn error(&mut self, code: &str, field: &str, what: &str) {
        let message = format!("{} {what}.", self.name);
        self.findings.push(Finding::error(code, message).at(format!("{}.{field}", self.path)));
    }

    fn warning(&mut self, code: &str, field: &str, what: &str) {
        let message = format!("{} {what}.", self.name);
        self.findings.push(Finding::warning(code, message).at(format!("{}.{field}", self.path)));
    }
}

fn review_resource(resource: &MeteredResource) -> Vec<Finding> {
    let mut place = Place {
        path: format!("resources.{}", resource.product),
        name: format!("'{}'", resource.product),
        resource,
        findings: Vec::new(),
    };
    if resource.unit.coefficient <= 0 {
        place.error(
            "unit_not_positive",
            "unit",
            "has a unit that is not more than 0; correct the product",
        );
    }
    if !TIER_MODES.contains(&resource.tier_mode.as_str()) {
        let what = format!(
            "has the tier mode '{}', which is not one of {}",
            resource.tier_mode,
            TIER_MODES.join(", ")
        );
        place.error("tier_mode_unknown", "tier_mode", &what);
    }
    for kind in KINDS {
        if resource.phases.iter().filter(|phase| phase.kind == kind).count() > 1 {
            place.error(
                "phase_repeated",
                "phases",
                &format!("has more than one {kind} phase; keep one of them"),
            );
        }
    }
    if !resource.phases.iter().any(|phase| phase.kind == "final") {
        place.error(
            "final_phase_missing",
            "phases",
            "has no final phase; add one, so that its price never runs out",
        );
    }
    let phases = resource.phases.iter().flat_map(|phase| review_phase(resource, phase));
    place.findings.into_iter().chain(phases).collect()
}

fn review_phase(resource: &MeteredResource, phase: &Phase) -> Vec<Finding> {
    let mut place = Place {
        path: format!("resources.{}.phases.{}", resource.product, phase.kind),
        name: format!("The {} phase of '{}'", phase.kind, resource.product),
        resource,
        findings: Vec::new(),
    };
    if KINDS.contains(&phase.kind.as_str()) {
        review_duration(&mut place, phase);
    } else {
        place.error(
            "phase_unknown",
            "kind",
            &format!("is of no known kind; those are {}", KINDS.join(", ")),
        );
    }
    for (at, price) in phase.prices.iter().enumerate() {
        review_price(&mut place, at, price);
    }
    for ((currency, region), tiers) in tier_lists(phase) {
        review_tiers(&mut place, &format!("in {currency} for the region '{region}'"), &tiers);
    }
    place.findings
}

fn review_duration(place: &mut Place<'_>, phase: &Phase) {
    match (phase.kind.as_str(), phase.duration_unit.as_deref(), phase.duration_quantity) {
        ("final", None, None) => {}
        ("final", ..) => place.error(
            "duration_of_final",
            "duration_unit",
            "has a duration, and it never ends; remove it",
        ),
        (_, Some(unit), Some(quantity)) if DURATION_UNITS.contains(&unit) && quantity > 0 => {}
        _ => {
            let what = format!(
                "needs a duration: a unit of {}, and how many, more than 0",
                DURATION_UNITS.join(", ")
            );
            place.error("duration_invalid", "duration_unit", &what);
        }
    }
}

fn review_price(place: &mut Place<'_>, at: usize, price: &Price) {
    let field = |name| format!("prices[{at}].{name}");
    if price.amount.coefficient < 0 {
        place.error(
            "price_negative",
            &field("price"),
            "has a price below 0; a price must be 0 or more",
        );
    }
    if Decimal::try_from(price.amount).is_ok_and(|amount| amount.scale() > MAX_PRICE_SCALE) {
        let what = format!(
            "has a price with more than {MAX_PRICE_SCALE} digits after the point; round it"
        );
        place.error("price_too_precise", &field("price"), &what);
    }
    if price.max_quantity.is_some_and(|end| end.coefficient <= 0) {
        place.error(
            "max_quantity_not_positive",
            &field("max_qty"),
            "has a tier that ends at 0 or below; end it later",
        );
    }
    if !is_currency_code(&price.currency) {
        let what = format!(
            "has the currency '{}'; a currency is three capital letters such as USD",
            price.currency
        );
        place.error("currency_unknown", &field("currency"), &what);
    }
    if price.regions.is_empty() {
        place.error(
            "regions_empty",
            &field("region_ids"),
            "has a price for no region; name at least one",
        );
    }
}

type Tier = (Option<Decimal>, Decimal);

/// What is priced together: the tiers of one currency and region, as `(end, price)`, the unlimited ones last.
fn tier_lists(phase: &Phase) -> BTreeMap<(&str, &str), Vec<Tier>> {
    let mut lists = BTreeMap::<_, Vec<Tier>>::new();
    for price in &phase.prices {
        let (Ok(end), Ok(amount)) =
            (price.max_quantity.map(Decimal::try_from).transpose(), price.amount.try_into())
        else {
            continue;
        };
        for region in &price.regions {
            lists
                .entry((price.currency.as_str(), region.as_str()))
                .or_default()
                .push((end, amount));
        }
    }
    for tiers in lists.values_mut() {
        tiers.sort_by_key(|(end, _)| (end.is_none(), *end));
    }
    lists
}

fn review_tiers(place: &mut Place<'_>, which: &str, tiers: &[Tier]) {
    for pair in tiers.windows(2) {
        let ((end, price), (next_end, next_price)) = (pair[0], pair[1]);
        let name = end.map_or_else(|| "without end".to_owned(), |end| format!("up to {end}"));
        if end == next_end {
            place.error(
                "tier_repeated",
                "prices",
                &format!("has two tiers {name} {which}; keep one of them"),
            );
        } else if place.resource.tier_mode != "graduated" && next_price < price {
            let what = format!(
                "falls from {price} to {next_price} past the tier {name} {which}, so that a little more costs less than \
                 {name}; graduated tiers would not"
            );
            place.warning("more_costs_less", "prices", &what);
        }
    }
    if let Some((Some(end), _)) = tiers.last() {
        let what = format!(
            "has no price past {end} {which}, and will refuse more; add a tier without end"
        );
        place.warning("tiers_end", "prices", &what);
    }
}
