//! What the pack promises.

use std::collections::BTreeSet;

use planwright_sdk::price_book::{BillingPlan, MeteredResource, Phase, Price};
use planwright_sdk::rust_decimal::Decimal;

use super::*;

fn unpack(groups: &[&str]) -> Contents {
    let groups: Vec<String> = groups.iter().map(|name| (*name).to_owned()).collect();
    CloudHosting::unpack(&NoSettings {}, &groups, 0).unwrap()
}

fn book() -> BillingPlan {
    unpack(&["prices"]).billing_plans.remove(0)
}

fn resource(product: &str) -> MeteredResource {
    book().resources.into_iter().find(|one| one.product == product).unwrap()
}

/// `up to 100: 0.01` for each tier of a currency and region.
fn said(phase: &Phase, currency: &str, region: &str) -> Vec<String> {
    let its = |price: &&Price| price.currency == currency && price.regions == [region];
    let tier = |price: &Price| {
        let amount = Decimal::try_from(price.amount).unwrap().normalize();
        match price.max_quantity {
            Some(end) => format!("up to {}: {amount}", Decimal::try_from(end).unwrap()),
            None => format!("*: {amount}"),
        }
    };
    phase.prices.iter().filter(its).map(tier).collect()
}

#[test]
fn the_book_has_the_prices_that_it_says() {
    for (product, mode, kind, currency, region, expected) in [
        (
            "cpu_hours",
            "graduated",
            "final",
            "USD",
            "eu-central",
            vec!["up to 1000: 0.02", "up to 10000: 0.016", "*: 0.012"],
        ),
        (
            "cpu_hours",
            "graduated",
            "discount",
            "USD",
            "eu-central",
            vec!["up to 1000: 0.01", "up to 10000: 0.008", "*: 0.006"],
        ),
        ("cpu_hours", "graduated", "trial", "USD", "us-east", vec!["*: 0"]),
        (
            "cpu_hours",
            "graduated",
            "final",
            "EUR",
            "us-east",
            vec!["up to 1000: 0.0225", "up to 10000: 0.018", "*: 0.0135"],
        ),
        (
            "storage_gb_hours",
            "volume",
            "final",
            "EUR",
            "us-east",
            vec!["up to 730: 0", "*: 0.000225"],
        ),
        (
            "traffic_gb",
            "graduated",
            "final",
            "USD",
            "us-east",
            vec!["up to 100: 0", "up to 10000: 0.0125", "*: 0.0075"],
        ),
        ("backup_gb", "per-package", "final", "USD", "eu-central", vec!["*: 2"]),
        ("vm_small", "volume", "discount", "EUR", "us-east", vec!["*: 0.0045"]),
    ] {
        let resource = resource(product);
        assert_eq!(resource.tier_mode, mode, "{product}");
        let phase = resource.phases.iter().find(|one| one.kind == kind).unwrap();
        assert_eq!(said(phase, currency, region), expected, "{product} {kind} {currency} {region}");
    }
}

#[test]
fn every_product_has_a_price_in_both_currencies_and_regions_in_every_phase() {
    let contents = unpack(&["prices", "plans"]);
    assert_eq!(contents.regions, REGIONS);
    let products: Vec<&str> =
        contents.products.iter().map(|product| product.external_id.as_str()).collect();
    let book = book();
    let priced: Vec<&str> = book.resources.iter().map(|one| one.product.as_str()).collect();
    assert_eq!(products, priced);
    for resource in &book.resources {
        let unit = contents.products.iter().find(|one| one.external_id == resource.product);
        assert_eq!(unit.unwrap().unit, resource.unit, "{}", resource.product);
        let kinds: Vec<&str> = resource.phases.iter().map(|phase| phase.kind.as_str()).collect();
        assert!(
            [&["trial", "discount", "final"][..], &["final"]].contains(&&kinds[..]),
            "{kinds:?}"
        );
        for phase in &resource.phases {
            for (currency, region) in
                ["USD", "EUR"].into_iter().flat_map(|one| REGIONS.map(|region| (one, region)))
            {
                let tiers = said(phase, currency, region);
                let last = tiers.last().unwrap();
                assert!(last.starts_with("*: "), "{} {} ends", resource.product, phase.kind);
            }
        }
    }
    let modes: BTreeSet<String> = book.resources.into_iter().map(|one| one.tier_mode).collect();
    assert_eq!(modes.len(), 3, "one of each kind of tiers: {modes:?}");
}

#[test]
fn machines_have_a_size_and_what_is_no_machine_has_none() {
    for product in unpack(&["prices"]).products {
        assert_eq!(product.kind == "package", product.machine.is_some(), "{}", product.external_id);
        let cpu = product.machine.map(|machine| Decimal::try_from(machine.cpu).unwrap());
        assert!(cpu.is_none_or(|cpu| cpu > Decimal::ZERO), "{}", product.external_id);
    }
}

#[test]
fn plans_name_the_book_and_quotas_what_the_book_prices() {
    let contents = unpack(&["plans", "prices"]);
    let ids: Vec<&str> = contents.plans.iter().map(|plan| plan.id.as_str()).collect();
    let priced: Vec<(&str, &str)> = contents
        .priced_plans
        .iter()
        .map(|priced| (priced.plan.as_str(), priced.billing_plan.as_str()))
        .collect();
    assert_eq!(priced, ids.iter().map(|id| (*id, BOOK)).collect::<Vec<_>>());
    for plan in &contents.plans {
        assert!(plan.billing_plan_id.is_none(), "{}", plan.id);
        for quota in &plan.quotas {
            let is_priced = contents.products.iter().any(|one| one.external_id == quota.metric);
            assert!(is_priced, "{}", quota.metric);
        }
    }
}

#[test]
fn groups_are_asked_for_by_name_in_any_order_and_no_others() {
    assert_eq!(unpack(&[]), Contents::default());
    assert_eq!(unpack(&["plans", "prices"]), unpack(&["prices", "plans", "plans"]));
    assert!(unpack(&["plans"]).products.is_empty() && unpack(&["prices"]).plans.is_empty());
    let groups = ["prices".to_owned(), "machines".to_owned()];
    let refusal = CloudHosting::unpack(&NoSettings {}, &groups, 0).unwrap_err();
    assert_eq!(refusal.code, "unknown_group");
    assert!(refusal.message.contains("'machines'"), "{}", refusal.message);
    let pack = CloudHosting::describe(&NoSettings {});
    assert!(pack.groups.iter().all(|group| group.by_default && !group.title.is_empty()));
}
