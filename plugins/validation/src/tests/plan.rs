use planwright_sdk::Validation;
use planwright_sdk::types::{Currency, Overage, Plan, Quota};
use planwright_sdk::validation::{PlanChange, SubscriptionCounts};

use super::*;

const NOBODY: SubscriptionCounts =
    SubscriptionCounts { trialing: 0, active: 0, past_due: 0, canceled: 0 };

fn pro() -> Plan {
    Plan {
        id: "pro".to_owned(),
        name: "Pro".to_owned(),
        name_ru: Some("Про".to_owned()),
        description: None,
        description_ru: None,
        price: dec("1490"),
        currency: Currency { code: "RUB".to_owned(), digits: 2 },
        interval: "month".to_owned(),
        quotas: vec![quota("requests", 100)],
        overage: Vec::new(),
        features: vec!["API доступ".to_owned()],
        trial_days: 0,
        billing_plan_id: None,
        is_active: true,
        display_order: 0,
        metadata: Vec::new(),
    }
}

fn quota(metric: &str, limit: u64) -> Quota {
    Quota { metric: metric.to_owned(), limit }
}

fn overage(metric: &str, policy: &str) -> Overage {
    Overage { metric: metric.to_owned(), policy: policy.to_owned() }
}

fn change(
    before: Option<Plan>,
    after: Option<Plan>,
    subscriptions: SubscriptionCounts,
) -> PlanChange {
    let known_metrics = ["requests", "images"].map(str::to_owned).to_vec();
    PlanChange { before, after, subscriptions, pending_payments: 0, known_metrics }
}

fn review(change: &PlanChange) -> Vec<Finding> {
    Standard::review_plan(&Settings::default(), &context(), change)
}

/// What a plan that differs from a good one in one way is told when it is created.
fn created(edit: impl FnOnce(&mut Plan)) -> Vec<String> {
    let mut plan = pro();
    edit(&mut plan);
    said(&review(&change(None, Some(plan), NOBODY)))
}

/// What an update of the good plan is told, with one active subscriber.
fn updated(edit: impl FnOnce(&mut Plan)) -> Vec<Finding> {
    let mut plan = pro();
    edit(&mut plan);
    review(&change(Some(pro()), Some(plan), SubscriptionCounts { active: 1, ..NOBODY }))
}

#[test]
fn a_good_plan_passes() {
    assert_eq!(created(|_| {}), [""; 0]);
}

#[test]
fn ids_keep_to_their_alphabet() {
    for (id, valid) in [
        ("a", true),
        ("pro_2", true),
        ("_", true),
        ("", false),
        ("Pro", false),
        ("pro-max", false),
        ("про", false),
        ("a b", false),
        (&"x".repeat(128), true),
        (&"x".repeat(129), false),
    ] {
        assert_eq!(created(|plan| plan.id = id.to_owned()).is_empty(), valid, "{id}");
    }
}

#[test]
fn words_are_counted_in_characters() {
    // Two bytes each.
    let ya = |count| "я".repeat(count);
    assert_eq!(created(|plan| plan.name = ya(100)), [""; 0]);
    assert_eq!(created(|plan| plan.name = format!("  {} ", ya(100))), [""; 0]);
    assert_eq!(created(|plan| plan.name = ya(101)), ["too_long name"]);
    assert_eq!(created(|plan| plan.name = String::new()), ["name_empty name"]);
    assert_eq!(created(|plan| plan.name = " \t ".to_owned()), ["name_empty name"]);
    assert_eq!(created(|plan| plan.name_ru = Some(ya(100))), [""; 0]);
    assert_eq!(created(|plan| plan.name_ru = Some(ya(101))), ["too_long name_ru"]);
    assert_eq!(created(|plan| plan.description = Some(ya(1000))), [""; 0]);
    assert_eq!(created(|plan| plan.description = Some(ya(1001))), ["too_long description"]);
    assert_eq!(created(|plan| plan.description_ru = Some(ya(1001))), ["too_long description_ru"]);
}

#[test]
fn prices_fit_their_currency() {
    for (price, code, digits, expected) in [
        ("0", "RUB", 2, &[][..]),
        ("0.01", "RUB", 2, &[]),
        ("-0.01", "RUB", 2, &["price_negative price"]),
        ("0.001", "USD", 2, &["price_too_precise price"]),
        ("9.99", "EUR", 2, &[]),
        ("100", "JPY", 0, &["currency_unknown currency"]),
        ("1", "rub", 2, &["currency_unknown currency"]),
        ("100.5", "JPY", 0, &["price_too_precise price", "currency_unknown currency"]),
    ] {
        let got = created(|plan| {
            plan.price = dec(price);
            plan.currency = Currency { code: code.to_owned(), digits };
        });
        assert_eq!(got, expected, "{price} {code}");
    }
}

#[test]
fn the_operator_chooses_the_currencies() {
    let settings = Settings { currencies: vec!["JPY".to_owned()] };
    let findings = Standard::review_plan(&settings, &context(), &change(None, Some(pro()), NOBODY));
    assert_eq!(said(&findings), ["currency_unknown currency"]);
    assert_eq!(findings[0].message, "Currency 'RUB' is not one of JPY.");
}

#[test]
fn the_rest_of_a_plan_is_sane() {
    assert_eq!(
        created(|plan| plan.interval = "fortnight".to_owned()),
        ["interval_unknown interval"]
    );
    assert_eq!(created(|plan| plan.quotas = vec![quota("images", 0)]), [""; 0]);
    assert_eq!(
        created(|plan| plan.quotas = vec![quota("request", 1)]),
        ["metric_unknown quotas.request"]
    );
    assert_eq!(
        created(|plan| plan.overage = vec![overage("requests", "bill"), overage("images", "block")]),
        [""; 0]
    );
    assert_eq!(
        created(|plan| plan.overage = vec![overage("requests", "pay")]),
        ["overage_unknown overage.requests"]
    );
    assert_eq!(
        created(|plan| plan.overage = vec![overage("x", "bill")]),
        ["metric_unknown overage.x"]
    );
    assert_eq!(created(|plan| plan.trial_days = 366), [""; 0]);
    assert_eq!(created(|plan| plan.trial_days = 367), ["trial_too_long trial_days"]);
    assert_eq!(created(|plan| plan.features = vec!["ж".repeat(200); 100]), [""; 0]);
    assert_eq!(created(|plan| plan.features = vec![String::new(); 101]), ["too_many features"]);
    assert_eq!(created(|plan| plan.features.push("ж".repeat(201))), ["too_long features[1]"]);
    assert_eq!(
        created(|plan| plan.metadata = vec![("promo".to_owned(), "true".to_owned())]),
        [""; 0]
    );
    assert_eq!(
        created(|plan| plan.metadata = vec![(String::new(), String::new())]),
        ["metadata_key_empty metadata"]
    );
}

#[test]
fn everything_wrong_is_said_at_once() {
    let got = created(|plan| (plan.name, plan.interval) = (String::new(), String::new()));
    assert_eq!(got, ["name_empty name", "interval_unknown interval"]);
}

#[test]
fn what_was_wrong_before_is_not_the_changes_fault() {
    let mut old = pro();
    old.currency.code = "CHF".to_owned();
    let renamed = Plan { name: "New".to_owned(), ..old.clone() };
    assert_eq!(said(&review(&change(Some(old.clone()), Some(renamed), NOBODY))), [""; 0]);
    let mut other = old.clone();
    other.currency.code = "SEK".to_owned();
    assert_eq!(
        said(&review(&change(Some(old), Some(other), NOBODY))),
        ["currency_unknown currency"]
    );
}

#[test]
fn nothing_is_taken_from_subscribers() {
    let said_of = |edit: fn(&mut Plan)| said(&updated(edit));
    assert_eq!(said_of(|plan| plan.quotas[0].limit = 99), ["quota_decreased quotas.requests"]);
    assert_eq!(said_of(|plan| plan.quotas[0].limit = 100), [""; 0]);
    assert_eq!(said_of(|plan| plan.quotas[0].limit = 101), [""; 0]);
    assert_eq!(said_of(|plan| plan.quotas.clear()), [""; 0]);
    assert_eq!(said_of(|plan| plan.quotas.push(quota("images", 5))), ["quota_added quotas.images"]);
    assert_eq!(
        said_of(|plan| plan.currency.code = "USD".to_owned()),
        ["currency_changed currency"]
    );
    assert_eq!(said_of(|plan| plan.interval = "year".to_owned()), ["interval_changed interval"]);
    assert_eq!(said_of(|plan| plan.price = dec("1500")), ["? price_changed price"]);
    assert_eq!(said_of(|plan| plan.price = Decimal { coefficient: 149_000, scale: 2 }), [""; 0]);
    assert_eq!(said_of(|plan| (plan.is_active, plan.name) = (false, "X".to_owned())), [""; 0]);
}

#[test]
fn the_sentences_are_the_promised_ones() {
    assert_eq!(
        updated(|plan| plan.quotas[0].limit = 50)[0].message,
        "Cannot decrease quota 'requests' from 100 to 50 while plan has active subscriptions. Create a new plan instead."
    );
    assert_eq!(
        updated(|plan| plan.quotas.push(quota("images", 5)))[0].message,
        "Cannot add quota 'images' of 5 where there was no limit while plan has active subscriptions. Create a new \
         plan instead."
    );
    assert_eq!(
        updated(|plan| plan.price = dec("1500.50"))[0].message,
        "The price changes from 1490 to 1500.5 RUB; 1 subscriber will pay it from the next renewal on."
    );
}

#[test]
fn live_is_trialing_active_and_past_due() {
    let mut lower = pro();
    lower.quotas[0].limit = 1;
    for (subscriptions, refused) in [
        (NOBODY, false),
        (SubscriptionCounts { canceled: 9, ..NOBODY }, false),
        (SubscriptionCounts { trialing: 1, ..NOBODY }, true),
        (SubscriptionCounts { active: 1, ..NOBODY }, true),
        (SubscriptionCounts { past_due: 1, ..NOBODY }, true),
        (SubscriptionCounts { trialing: u64::MAX, active: 1, past_due: 1, canceled: 0 }, true),
    ] {
        assert_eq!(
            !review(&change(Some(pro()), Some(lower.clone()), subscriptions)).is_empty(),
            refused
        );
        assert_eq!(!review(&change(Some(pro()), None, subscriptions)).is_empty(), refused);
    }
}

#[test]
fn a_deletion_points_to_the_toggle() {
    let deletion = |active, pending_payments| {
        let counts = SubscriptionCounts { active, ..NOBODY };
        review(&PlanChange { pending_payments, ..change(Some(pro()), None, counts) })
    };
    assert_eq!(deletion(0, 0), []);
    assert_eq!(said(&deletion(0, 1)), ["plan_has_pending_payments"]);
    assert_eq!(
        deletion(3, 1)[0].message,
        "Cannot delete plan with active subscriptions (3); deactivate it with PATCH \
         /api/v1/admin/billing/plans/pro/toggle instead."
    );
}
