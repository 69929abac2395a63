use planwright_sdk::Decimal;
use planwright_sdk::types::Plan;

use super::*;

/// 2026-12-01T00:00:00Z.
const NOW: Timestamp = 1_796_083_200;

fn unpack(groups: &[&str]) -> Vec<Plan> {
    let groups: Vec<String> = groups.iter().map(|name| (*name).to_owned()).collect();
    SaasTiers::unpack(&NoSettings {}, &groups, NOW).unwrap().plans
}

fn price(plan: &Plan) -> Decimal {
    plan.price.try_into().unwrap()
}

fn limits(plan: &Plan) -> Vec<u64> {
    plan.quotas.iter().map(|quota| quota.limit).collect()
}

#[test]
fn the_table_is_what_is_promised() {
    const K: u64 = 1_000;
    const M: u64 = 1_000_000;
    let table = [
        ("default", "free", 0, "month", [100 * K, 50 * K, 500], true, 0),
        ("default", "starter", 490, "month", [M, 500 * K, 5 * K], true, 1),
        ("default", "pro", 1490, "month", [5 * M, 2 * M, 20 * K], true, 2),
        ("default", "business", 4990, "month", [20 * M, 10 * M, 100 * K], true, 3),
        ("annual", "starter_annual", 4704, "year", [12 * M, 6 * M, 60 * K], true, 5),
        ("annual", "pro_annual", 14304, "year", [60 * M, 24 * M, 240 * K], true, 6),
        ("annual", "business_annual", 47904, "year", [240 * M, 120 * M, 1200 * K], true, 7),
        ("promo", "newyear", 745, "month", [5 * M, 2 * M, 20 * K], false, 10),
    ];
    let unpacked = unpack(&["default", "annual", "promo"]);
    assert_eq!(unpacked.len(), table.len());
    for ((group, id, rubles, interval, quotas, is_active, order), plan) in
        table.into_iter().zip(&unpacked)
    {
        assert!(unpack(&[group]).contains(plan), "{id} is not in {group}");
        assert_eq!((plan.id.as_str(), plan.interval.as_str()), (id, interval));
        assert_eq!(price(plan), Decimal::from(rubles), "{id}");
        assert_eq!((plan.currency.code.as_str(), plan.currency.digits), ("RUB", 2), "{id}");
        let metrics: Vec<&str> = plan.quotas.iter().map(|quota| quota.metric.as_str()).collect();
        assert_eq!(metrics, ["tokens_input", "tokens_output", "requests"], "{id}");
        assert_eq!(limits(plan), quotas, "{id}");
        assert_eq!((plan.is_active, plan.display_order), (is_active, order), "{id}");
    }
}

#[test]
fn a_year_is_twelve_months_with_20_percent_off_and_twelve_times_the_quotas() {
    let monthly = unpack(&["default"]);
    for year in unpack(&["annual"]) {
        let id = year.id.strip_suffix("_annual").unwrap();
        let month = monthly.iter().find(|plan| plan.id == id).unwrap();
        assert_eq!(price(&year), price(month) * Decimal::from(12) * Decimal::new(8, 1), "{id}");
        let of_the_year: Vec<u64> = limits(month).iter().map(|limit| limit * 12).collect();
        assert_eq!(limits(&year), of_the_year, "{id}");
        for text in [&year.description, &year.description_ru] {
            assert!(text.as_deref().unwrap().contains("20%"), "{id}: {text:?}");
        }
    }
}

#[test]
fn everything_is_said_in_english_and_russian() {
    let cyrillic = |text: &str| text.chars().any(|c| ('\u{400}'..='\u{4ff}').contains(&c));
    for plan in unpack(&["default", "annual", "promo"]) {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        for english in [&plan.name, &text(&plan.description)] {
            assert!(!english.is_empty() && !cyrillic(english), "{}: {english}", plan.id);
        }
        for russian in [text(&plan.name_ru), text(&plan.description_ru)] {
            assert!(cyrillic(&russian), "{}: {russian}", plan.id);
        }
        assert!(plan.features.len() >= 2, "{}", plan.id);
        for feature in &plan.features {
            let (english, russian) = feature.split_once(" / ").unwrap();
            assert!(!cyrillic(english) && cyrillic(russian), "{}: {feature}", plan.id);
        }
    }
}

#[test]
fn the_promotion_ends_90_days_after_it_is_installed() {
    for plan in unpack(&["default", "annual"]) {
        assert!(plan.metadata.is_empty(), "{}", plan.id);
    }
    let promo = unpack(&["promo"]).remove(0);
    let keys: Vec<&str> = promo.metadata.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["promo", "promo_code", "promo_ends"]);
    // 2027-03-01T00:00:00Z.
    assert_eq!(promo.metadata[2].1, "1803859200");
}

#[test]
fn groups_are_asked_for_by_name_in_any_order_and_no_others() {
    assert_eq!(unpack(&[]), []);
    assert_eq!(unpack(&["annual", "default"]), unpack(&["default", "annual"]));
    assert_eq!(unpack(&["promo", "promo"]), unpack(&["promo"]));
    let groups = ["default".to_owned(), "weekly".to_owned()];
    let refusal = SaasTiers::unpack(&NoSettings {}, &groups, NOW).unwrap_err();
    assert_eq!(refusal.code, "unknown_group");
    assert!(refusal.message.contains("'weekly'"), "{}", refusal.message);
}

#[test]
fn the_pack_names_its_groups_and_a_default_plan_that_its_default_group_holds() {
    let pack = SaasTiers::describe(&NoSettings {});
    assert_eq!(pack.name, "saas-tiers");
    let by_default: Vec<&str> = pack
        .groups
        .iter()
        .filter(|group| group.by_default)
        .map(|group| group.name.as_str())
        .collect();
    assert_eq!(by_default, ["default"]);
    let default_plan = pack.default_plan.unwrap();
    assert!(unpack(&["default"]).iter().any(|plan| plan.id == default_plan));
    for group in pack.groups {
        assert!(!unpack(&[&group.name]).is_empty() && !group.title.is_empty(), "{}", group.name);
    }
}
