use planwright_sdk::pricing::{FeeQuestion, Leaving};

use super::*;
use crate::fee::price;

const DAY: i64 = 86_400;

fn question(reason: &str, plan: Plan, leaving: Option<Leaving>, effective_at: i64) -> FeeQuestion {
    FeeQuestion {
        context: context(None),
        reason: reason.to_owned(),
        plan,
        leaving,
        period_start: 100 * DAY,
        period_end: 130 * DAY,
        effective_at,
    }
}

fn leaving(plan: Plan, paid: &str) -> Leaving {
    Leaving { plan, paid: dec(paid), paid_from: 90 * DAY, paid_until: 120 * DAY }
}

/// `fee 490, unused -10`, or the code of the refusal.
fn answer(question: &FeeQuestion) -> String {
    match price(question) {
        Ok(items) => {
            let say = |item: &planwright_sdk::pricing::FeeItem| {
                format!("{} {}", item.kind, text(item.amount))
            };
            items.iter().map(say).collect::<Vec<_>>().join(", ")
        }
        Err(refusal) => refusal.code,
    }
}

#[test]
fn a_start_and_a_renewal_cost_the_plans_price() {
    for (price, code, expected) in [
        ("490", "RUB", "fee 490"),
        ("0", "RUB", "fee 0"),
        ("9.99", "USD", "fee 9.99"),
        ("1490", "JPY", "fee 1490"),
        ("1.125", "KWD", "fee 1.125"),
        // A price that its currency cannot carry is rounded, once.
        ("1.125", "USD", "fee 1.13"),
    ] {
        for reason in ["start", "renewal"] {
            assert_eq!(
                answer(&question(reason, plan("Pro", price, code), None, 100 * DAY)),
                expected
            );
        }
    }
}

#[test]
fn a_change_costs_the_new_fee_less_the_unused_rest() {
    // What was paid covers days 90 to 120; the new window is days 100 to 130.
    for (new, paid, code, effective_at, expected) in [
        ("1490", "490", "RUB", 100 * DAY, "fee 1490, unused -326.67"),
        ("1490", "490", "RUB", 105 * DAY, "fee 1241.67, unused -245"),
        // At the last second that was paid for, and one past it.
        ("1490", "490", "RUB", 120 * DAY - 1, "fee 496.67, unused 0"),
        ("1490", "4900000", "RUB", 120 * DAY - 1, "fee 496.67, unused -1.89"),
        ("1490", "490", "RUB", 120 * DAY, "fee 496.67"),
        // A trial or a free plan leaves nothing.
        ("1490", "0", "RUB", 100 * DAY, "fee 1490"),
        // A cheaper plan leaves credit: the two add up to less than nothing.
        ("490", "1490", "RUB", 100 * DAY, "fee 490, unused -993.33"),
        ("0", "1490", "RUB", 100 * DAY, "fee 0, unused -993.33"),
        // Half away from zero, in the currency's own digits.
        ("100", "1", "JPY", 105 * DAY, "fee 83, unused -1"),
        ("1", "0.001", "KWD", 105 * DAY, "fee 0.833, unused -0.001"),
        ("1", "92233720368547758.07", "USD", 105 * DAY, "fee 0.83, unused -46116860184273879.04"),
    ] {
        let asked = question(
            "change",
            plan("New", new, code),
            Some(leaving(plan("Old", "490", code), paid)),
            effective_at,
        );
        assert_eq!(answer(&asked), expected, "{new} after {paid} at {effective_at}");
    }
}

#[test]
fn what_was_paid_ahead_is_unused_whole() {
    let mut old = leaving(plan("Old", "490", "RUB"), "490");
    (old.paid_from, old.paid_until) = (110 * DAY, 140 * DAY);
    assert_eq!(
        answer(&question("change", plan("New", "0", "RUB"), Some(old), 100 * DAY)),
        "fee 0, unused -490"
    );
}

#[test]
fn steps_explain_a_change() {
    let asked = question(
        "change",
        plan("New", "1490", "RUB"),
        Some(leaving(plan("Old", "490", "RUB"), "490")),
        105 * DAY,
    );
    let items = price(&asked).unwrap();
    assert_eq!(said(&items[1].steps), "-0.5 x 490 = -245");
    assert_eq!(items[1].steps[0].note, "Old, 1296000 of 2592000 seconds unused of 490 paid");
}

#[test]
fn what_has_no_answer_is_refused_by_name() {
    let rub = || plan("New", "490", "RUB");
    let old = || Some(leaving(plan("Old", "490", "RUB"), "490"));
    let in_dollars = Some(leaving(plan("Old", "5", "USD"), "5"));
    let backwards = Some(Leaving { paid_from: 5, paid_until: 5, ..leaving(rub(), "490") });
    let endless =
        Some(Leaving { paid_from: i64::MIN, paid_until: i64::MAX, ..leaving(rub(), "490") });
    for (asked, expected) in [
        (question("gift", rub(), None, 100 * DAY), "unknown_reason"),
        (question("change", rub(), None, 100 * DAY), "unknown_reason"),
        (question("start", rub(), old(), 100 * DAY), "unknown_reason"),
        (question("change", rub(), old(), 130 * DAY), "effective_outside_window"),
        (question("change", rub(), old(), 100 * DAY - 1), "effective_outside_window"),
        (question("change", rub(), in_dollars, 100 * DAY), "currency_differs"),
        (question("change", rub(), backwards, 100 * DAY), "window_out_of_order"),
        (question("change", rub(), endless, 100 * DAY), "window_out_of_order"),
        (FeeQuestion { period_end: 0, ..question("start", rub(), None, 0) }, "window_out_of_order"),
    ] {
        assert_eq!(answer(&asked), expected);
    }
}
