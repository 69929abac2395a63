use planwright_sdk::price_book::Price;
use planwright_sdk::pricing::{Line, PhaseWindow, UsageQuestion};
use planwright_sdk::{NoSettings, Pricing};
use proptest::prelude::*;

use super::*;
use crate::Standard;

/// `5@10 10@5 *@2` is a list of tiers for USD in `eu`.
fn tiers(text: &str) -> Vec<Price> {
    let tier = |text: &str| {
        let (end, amount) = text.split_once('@').unwrap();
        Price {
            currency: "USD".to_owned(),
            max_quantity: (end != "*").then(|| dec(end)),
            amount: dec(amount),
            regions: vec!["eu".to_owned(), "us".to_owned()],
        }
    };
    text.split_whitespace().map(tier).collect()
}

fn line(mode: &str, prices: &str, quantity: &str, unit: &str) -> Line {
    Line {
        reference: 7,
        product: "cpu".to_owned(),
        quantity: dec(quantity),
        unit: dec(unit),
        tier_mode: mode.to_owned(),
        used_at: 0,
        phases: vec![PhaseWindow {
            kind: "final".to_owned(),
            starts_at: 0,
            ends_at: None,
            prices: tiers(prices),
        }],
    }
}

fn question(code: &str, lines: Vec<Line>) -> UsageQuestion {
    UsageQuestion { context: context(Some("eu")), currency: currency(code), lines }
}

/// The amount and the steps, or the code of the refusal.
fn answer(question: &UsageQuestion) -> (String, String) {
    match Standard::price_usage(&NoSettings {}, question) {
        Ok(charges) => {
            let amounts: Vec<_> = charges.iter().map(|charge| text(charge.amount)).collect();
            (amounts.join(", "), charges.iter().map(|charge| said(&charge.steps)).collect())
        }
        Err(no) => (no.refusal.code, String::new()),
    }
}

fn amount(mode: &str, prices: &str, quantity: &str, unit: &str) -> String {
    answer(&question("USD", vec![line(mode, prices, quantity, unit)])).0
}

/// Mode, tiers, quantity, amount (or the code of the refusal), steps.
const TIERS: &str = "
volume      | 5@10 10@5 *@2    | 0              | 0              | 0 x 10 = 0
volume      | 5@10 10@5 *@2    | 5              | 50             | 5 x 10 = 50
volume      | 5@10 10@5 *@2    | 5.000001       | 25             | 5.000001 x 5 = 25.000005
volume      | 5@10 10@5 *@2    | 6              | 30             | 6 x 5 = 30
volume      | 5@10 10@5 *@2    | 10             | 50             | 10 x 5 = 50
volume      | 5@10 10@5 *@2    | 12             | 24             | 12 x 2 = 24
graduated   | 5@10 10@5 *@2    | 0              | 0              | 0 x 10 = 0
graduated   | 5@10 10@5 *@2    | 4              | 40             | 4 x 10 = 40
graduated   | 5@10 10@5 *@2    | 5              | 50             | 5 x 10 = 50
graduated   | 5@10 10@5 *@2    | 6              | 55             | 5 x 10 = 50; 1 x 5 = 5
graduated   | 5@10 10@5 *@2    | 10             | 75             | 5 x 10 = 50; 5 x 5 = 25
graduated   | 5@10 10@5 *@2    | 12             | 79             | 5 x 10 = 50; 5 x 5 = 25; 2 x 2 = 4
# Fractions never fall between two tiers.
graduated   | 99@1 *@2         | 99.5           | 100            | 99 x 1 = 99; 0.5 x 2 = 1
volume      | 99@1 *@2         | 99.5           | 199            | 99.5 x 2 = 199
# Tiers may be saved in any order.
graduated   | *@2 10@5 5@10    | 12             | 79             | 5 x 10 = 50; 5 x 5 = 25; 2 x 2 = 4
# Up to and with a bounded end, and not past it.
volume      | 5@10             | 5              | 50             | 5 x 10 = 50
volume      | 5@10             | 5.000001       | past_last_tier |
graduated   | 5@10 10@5        | 10             | 75             | 5 x 10 = 50; 5 x 5 = 25
graduated   | 5@10 10@5        | 10.5           | past_last_tier |
per-package | 5@10             | 6              | past_last_tier |
# Nine digits after the point.
volume      | *@0.000000001    | 4999999        | 0              | 4999999 x 0.000000001 = 0.004999999
volume      | *@0.000000001    | 5000000        | 0.01           | 5000000 x 0.000000001 = 0.005
# Rounded once: each part alone would round to 0.
graduated   | 1@0.004 *@0.004  | 2              | 0.01           | 1 x 0.004 = 0.004; 1 x 0.004 = 0.004
volume      | *@0.123456789    | 1234567.654321 | 152415.76      | 1234567.654321 x 0.123456789 = 152415.758405733
";

#[test]
fn tiers_by_mode_edges_first() {
    for case in TIERS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let [mode, prices, quantity, expected, steps] =
            case.split('|').map(str::trim).collect::<Vec<_>>()[..]
        else {
            panic!("five columns: {case}");
        };
        let (got, said) = answer(&question("USD", vec![line(mode, prices, quantity, "1")]));
        assert_eq!((got.as_str(), said.as_str()), (expected, steps), "{case}");
    }
}

#[test]
fn packages_are_whole() {
    for (prices, quantity, unit, expected) in [
        ("*@3", "0", "100", "0"),
        ("*@3", "0.000001", "100", "3"),
        ("*@3", "99", "100", "3"),
        ("*@3", "100", "100", "3"),
        ("*@3", "100.5", "100", "6"),
        ("*@3", "101", "100", "6"),
        // Tiers count packages.
        ("2@3 *@1", "200", "100", "6"),
        ("2@3 *@1", "201", "100", "3"),
    ] {
        assert_eq!(amount("per-package", prices, quantity, unit), expected, "{quantity} at {unit}");
    }
}

#[test]
fn quantities_count_in_units() {
    for (mode, prices, quantity, unit, expected) in [
        ("volume", "*@2", "1500", "1000", "3"),
        ("volume", "*@1", "1", "3", "0.33"),
        ("volume", "*@1", "2", "3", "0.67"),
        ("volume", "*@0.01", "3", "6", "0.01"),
        ("volume", "*@6", "1", "0.5", "12"),
        // The end of a tier counts in units too: a third of 3 is exactly 1.
        ("volume", "1@10 *@1", "3", "3", "10"),
        ("volume", "1@10 *@1", "3.000001", "3", "1"),
        ("graduated", "1@10 *@1", "6", "3", "11"),
        // A sum of thirds is rounded once.
        ("graduated", "0.333333333@1 *@1", "1", "3", "0.33"),
    ] {
        assert_eq!(
            amount(mode, prices, quantity, unit),
            expected,
            "{mode} {prices}: {quantity} of {unit}"
        );
    }
}

#[test]
fn a_currency_has_its_own_digits() {
    for (code, price, expected) in [
        ("JPY", "0.5", "1"),
        ("JPY", "0.4999", "0"),
        ("JPY", "100", "100"),
        ("KWD", "0.0005", "0.001"),
        ("KWD", "1.2344", "1.234"),
    ] {
        let mut line = line("volume", "*@1", "1", "1");
        line.phases[0].prices[0] =
            Price { currency: code.to_owned(), amount: dec(price), ..tiers("*@1").remove(0) };
        assert_eq!(answer(&question(code, vec![line])).0, expected, "{price} {code}");
    }
}

#[test]
fn the_largest_numbers_and_one_past_them() {
    for (price, quantity, expected) in [
        ("1", "92233720368547758.07", "92233720368547758.07"),
        ("0.01", "9223372036854775807", "92233720368547758.07"),
        ("0.02", "9223372036854775807", "amount_out_of_range"),
        ("1", "92233720368547758.1", "amount_out_of_range"),
        ("9223372036854775807", "9223372036854775807", "amount_out_of_range"),
        ("0.000000001", "9223372036854.775807", "9223.37"),
        ("9.223372036854775807", "9.223372036854775807", "85.07"),
    ] {
        assert_eq!(
            amount("volume", &format!("*@{price}"), quantity, "1"),
            expected,
            "{quantity} at {price}"
        );
    }
}

#[test]
fn the_phase_is_the_one_that_holds_when_it_was_used() {
    let window = |kind: &str, starts_at, ends_at, prices| PhaseWindow {
        kind: kind.to_owned(),
        starts_at,
        ends_at,
        prices: tiers(prices),
    };
    for (used_at, expected) in [
        (99, "no_phase"),
        (100, "trial 0"),
        (199, "trial 0"),
        (200, "discount 5"),
        (299, "discount 5"),
        (300, "final 10"),
        (i64::MAX, "final 10"),
    ] {
        let mut line = line("volume", "*@1", "1", "1");
        line.used_at = used_at;
        line.phases = vec![
            window("trial", 100, Some(200), "*@0"),
            window("discount", 200, Some(300), "*@5"),
            window("final", 300, None, "*@10"),
        ];
        let answer = Standard::price_usage(&NoSettings {}, &question("USD", vec![line]));
        let said = answer.map_or_else(
            |no| no.refusal.code,
            |charges| format!("{} {}", charges[0].phase, text(charges[0].amount)),
        );
        assert_eq!(said, expected, "{used_at}");
    }
}

#[test]
fn what_has_no_certain_price_is_refused_by_name() {
    let good = || line("volume", "*@1", "1", "1");
    let overlapping = Line { phases: [good().phases, good().phases].concat(), ..good() };
    for (asked, code, part) in [
        (question("EUR", vec![good()]), "no_price", "EUR for the region 'eu'"),
        (
            UsageQuestion { context: context(Some("mars")), ..question("USD", vec![good()]) },
            "no_price",
            "'mars'",
        ),
        (
            UsageQuestion { context: context(None), ..question("USD", vec![good()]) },
            "no_region",
            "no region",
        ),
        (
            question("USD", vec![line("volume", "5@1", "6", "1")]),
            "past_last_tier",
            "up to 5, and the quantity 6",
        ),
        (question("USD", vec![line("flat", "*@1", "1", "1")]), "unknown_tier_mode", "'flat'"),
        (question("USD", vec![line("volume", "*@1", "1", "0")]), "unit_not_positive", "unit is 0"),
        (question("USD", vec![line("volume", "*@1", "-1", "1")]), "quantity_negative", "-1"),
        (question("USD", vec![line("volume", "5@1 5@2", "1", "1")]), "tiers_ambiguous", "up to 5"),
        (
            question("USD", vec![line("volume", "*@1 *@2", "1", "1")]),
            "tiers_ambiguous",
            "without end",
        ),
        (question("USD", vec![overlapping]), "phases_overlap", "final and final"),
        // Never 0 in silence: not for a quantity of 0 either.
        (question("EUR", vec![line("volume", "*@1", "0", "1")]), "no_price", "EUR"),
        // One line that cannot be priced refuses the question whole.
        (question("USD", vec![good(), line("volume", "5@1", "6", "1")]), "past_last_tier", "'cpu'"),
    ] {
        let no = Standard::price_usage(&NoSettings {}, &asked).unwrap_err();
        let refusal = no.refusal;
        assert_eq!(refusal.code, code, "{}", refusal.message);
        assert_eq!(no.reference, Some(7), "{}", refusal.message);
        assert!(refusal.message.contains(part), "{}", refusal.message);
    }
}

#[test]
fn lines_are_answered_in_the_order_asked() {
    let lines = [3, 1, 2]
        .map(|reference| Line { reference, ..line("volume", "*@1", &reference.to_string(), "1") });
    let charges = Standard::price_usage(&NoSettings {}, &question("USD", lines.to_vec())).unwrap();
    assert_eq!(charges.iter().map(|charge| charge.reference).collect::<Vec<_>>(), [3, 1, 2]);
    assert_eq!(Standard::price_usage(&NoSettings {}, &question("USD", Vec::new())), Ok(Vec::new()));
}

proptest! {
    /// More used never costs less, and the steps add up to the amount before it is rounded.
    #[test]
    fn graduated_tiers_only_go_up(a in 0_i64..20_000_000, more in 0_i64..20_000_000) {
        let charge = |quantity: i64| {
            let line = Line {
                quantity: Decimal { coefficient: quantity, scale: 6 },
                ..line("graduated", "5@10 10@5 *@2", "0", "1")
            };
            Standard::price_usage(&NoSettings {}, &question("USD", vec![line])).unwrap().remove(0)
        };
        let exact = |number| Exact::try_from(number).unwrap();
        let (less, more) = (charge(a), charge(a + more));
        prop_assert!(exact(less.amount) <= exact(more.amount));
        let sum: Exact = more.steps.iter().map(|step| exact(step.amount)).sum();
        prop_assert!((sum - exact(more.amount)).abs() <= Exact::new(5, 3));
    }
}
