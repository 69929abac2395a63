use planwright_sdk::Validation;
use planwright_sdk::price_book::{BillingPlan, MeteredResource, Phase, Price};
use planwright_sdk::validation::BillingPlanChange;

use super::*;

/// `5@10 *@2` is two tiers in USD for `eu`.
fn tiers(text: &str) -> Vec<Price> {
    let tier = |text: &str| {
        let (end, amount) = text.split_once('@').unwrap();
        Price {
            currency: "USD".to_owned(),
            max_quantity: (end != "*").then(|| dec(end)),
            amount: dec(amount),
            regions: vec!["eu".to_owned()],
        }
    };
    text.split_whitespace().map(tier).collect()
}

fn phase(kind: &str, duration: Option<(&str, u32)>, prices: &str) -> Phase {
    Phase {
        kind: kind.to_owned(),
        duration_unit: duration.map(|(unit, _)| unit.to_owned()),
        duration_quantity: duration.map(|(_, quantity)| quantity),
        prices: tiers(prices),
    }
}

fn cpu(phases: Vec<Phase>) -> MeteredResource {
    MeteredResource {
        product: "cpu".to_owned(),
        unit: dec("1"),
        tier_mode: "graduated".to_owned(),
        phases,
    }
}

fn saved(resources: Vec<MeteredResource>) -> Vec<Finding> {
    let after = BillingPlan { name: "Cloud".to_owned(), resources };
    let change = BillingPlanChange { before: None, after: Some(after), user_groups: Vec::new() };
    Standard::review_billing_plan(&Settings::default(), &context(), &change)
}

fn phases(phases: Vec<Phase>) -> Vec<String> {
    said(&saved(vec![cpu(phases)]))
}

#[test]
fn phases_are_one_of_each_kind() {
    let last = || phase("final", None, "*@1");
    let trial = |duration| phase("trial", duration, "*@0");
    assert_eq!(
        phases(vec![
            trial(Some(("days", 7))),
            phase("discount", Some(("months", 3)), "*@1"),
            last()
        ]),
        [""; 0]
    );
    assert_eq!(phases(vec![]), ["final_phase_missing resources.cpu.phases"]);
    assert_eq!(phases(vec![last(), last()]), ["phase_repeated resources.cpu.phases"]);
    assert_eq!(
        phases(vec![last(), phase("gift", None, "*@1")]),
        ["phase_unknown resources.cpu.phases.gift.kind"]
    );
    let duration = "duration_invalid resources.cpu.phases.trial.duration_unit";
    assert_eq!(phases(vec![trial(None), last()]), [duration]);
    assert_eq!(phases(vec![trial(Some(("days", 0))), last()]), [duration]);
    assert_eq!(phases(vec![trial(Some(("weeks", 1))), last()]), [duration]);
    assert_eq!(
        phases(vec![phase("final", Some(("days", 1)), "*@1")]),
        ["duration_of_final resources.cpu.phases.final.duration_unit"]
    );
}

#[test]
fn prices_and_tiers() {
    for (prices, expected) in [
        ("*@0", &[][..]),
        ("5@10 10@5 *@2", &[]),
        ("*@2 10@5 5@10", &[]),
        ("", &[]),
        ("*@-1", &["price_negative prices[0].price"]),
        ("*@0.000000001", &[]),
        ("*@0.0000000001", &["price_too_precise prices[0].price"]),
        ("0@1 *@1", &["max_quantity_not_positive prices[0].max_qty"]),
        ("5@1 5@2 *@1", &["tier_repeated prices"]),
        ("*@1 *@2", &["tier_repeated prices"]),
        ("5@10", &["? tiers_end prices"]),
    ] {
        let path = "resources.cpu.phases.final.";
        let got: Vec<_> = phases(vec![phase("final", None, prices)])
            .iter()
            .map(|finding| finding.replace(path, ""))
            .collect();
        assert_eq!(got, expected, "{prices}");
    }
}

#[test]
fn more_must_not_cost_less() {
    for (mode, prices, warned) in [
        ("volume", "5@10 *@10", false),
        ("volume", "5@10 *@11", false),
        ("volume", "5@10 *@9.99", true),
        ("per-package", "5@10 *@5", true),
        ("graduated", "5@10 *@5", false),
    ] {
        let resource = MeteredResource {
            tier_mode: mode.to_owned(),
            ..cpu(vec![phase("final", None, prices)])
        };
        let findings = saved(vec![resource]);
        assert_eq!(
            findings.iter().any(|finding| finding.code == "more_costs_less"),
            warned,
            "{mode} {prices}"
        );
        assert!(findings.iter().all(|finding| finding.severity == Severity::Warning));
    }
}

#[test]
fn tiers_are_told_apart_by_currency_and_region() {
    let mut prices = tiers("*@1 *@2 *@3");
    prices[1].regions = vec!["us".to_owned()];
    prices[2].currency = "EUR".to_owned();
    let other =
        |prices| said(&saved(vec![cpu(vec![Phase { prices, ..phase("final", None, "") }])]));
    assert_eq!(other(prices.clone()), [""; 0]);
    prices[1].regions.push("eu".to_owned());
    assert_eq!(other(prices.clone()), ["tier_repeated resources.cpu.phases.final.prices"]);
    prices.truncate(1);
    prices[0].regions.clear();
    assert_eq!(
        other(prices.clone()),
        ["regions_empty resources.cpu.phases.final.prices[0].region_ids"]
    );
    prices[0].regions.push("eu".to_owned());
    prices[0].currency = "usd".to_owned();
    assert_eq!(other(prices), ["currency_unknown resources.cpu.phases.final.prices[0].currency"]);
}

#[test]
fn resources_are_sane() {
    let good = || cpu(vec![phase("final", None, "*@1")]);
    assert_eq!(said(&saved(vec![good(), good()])), ["product_repeated resources.cpu"]);
    let unit = MeteredResource { unit: dec("0"), ..good() };
    assert_eq!(said(&saved(vec![unit])), ["unit_not_positive resources.cpu.unit"]);
    let mode = MeteredResource { tier_mode: "flat".to_owned(), ..good() };
    assert_eq!(said(&saved(vec![mode])), ["tier_mode_unknown resources.cpu.tier_mode"]);
}

#[test]
fn a_book_that_prices_groups_stays() {
    let deletion = |user_groups| {
        let change = BillingPlanChange { before: None, after: None, user_groups };
        Standard::review_billing_plan(&Settings::default(), &context(), &change)
    };
    assert_eq!(deletion(Vec::new()), []);
    assert_eq!(
        deletion(vec!["partners".to_owned()])[0].message,
        "Cannot delete billing plan while it prices the groups partners; give them another one first."
    );
}
