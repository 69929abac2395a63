use super::*;
use crate::money::Currency;
use crate::payment::transaction_steps::{Clocks, Owed};
use crate::payment::{PaymentTold, RefundTold};
use crate::period::{Interval, Window};
use crate::statement::UpcomingStatement;
use crate::statement::statement_line::{LineKind, StatementLine};
use crate::subscription::course::Course;
use crate::subscription::life::Offer;
use crate::usage::Limit;
use crate::usage::metric::Metric;
use rust_decimal::Decimal;

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(1_738_742_400 + day * 86_400).unwrap()
}

fn plan(id: &str, json: &str) -> Plan {
    let draft = serde_json::from_str(json).unwrap();
    Plan::from_draft(PlanId::new(id).unwrap(), draft, at(0)).unwrap()
}

fn pro() -> Plan {
    plan("pro", r#"{"name":"Pro","price":490.50,"interval":"month","quotas":{"requests":5}}"#)
}

fn offer(plan: &Plan) -> Offer<'_> {
    Offer { plan, generation: 0 }
}

fn paid(plan: &Plan) -> Held {
    let course = Course::unpaid(at(0), at(0), plan.interval, 1).unwrap();
    let course = course.renewed(plan.price, Currency::RUB).unwrap();
    Held::begin("sub".to_owned(), "bob", offer(plan), course, at(0))
}

#[test]
fn every_type_is_read_as_it_is_written_and_named_in_the_list_once() {
    for kind in EventType::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        let same = EventType::ALL.iter().filter(|other| other.as_str() == kind.as_str());
        assert_eq!(same.count(), 1, "{kind:?}");
        assert!(kind.fits(kind.as_str()) && kind.fits(&format!("{}.*", kind.group())), "{kind:?}");
    }
    for (pattern, fits) in [
        ("plan.created", true),
        ("plan.*", true),
        ("plan", false),
        ("subscription.*", false),
        (".*", false),
    ] {
        assert_eq!(EventType::PlanCreated.fits(pattern), fits, "{pattern}");
    }
}

#[test]
fn a_transition_is_told_by_what_differs() {
    let (pro, free) = (pro(), plan("free", r#"{"name":"Free","price":0,"interval":"month"}"#));
    let trial = Course::trial(at(0), 7, pro.interval, 1).unwrap();
    let trial = Held::begin("sub".to_owned(), "bob", offer(&pro), trial, at(0));
    let one = paid(&pro);
    let renewed = one.clone().renewed(1, pro.price, Currency::RUB, 3, at(1)).unwrap();
    let late = |held: &Held| {
        let mut late = held.clone();
        late.subscription.status = Status::PastDue;
        late
    };
    let over = |held: &Held| held.clone().canceled(at(2)).0;
    let unpaid = Course::unpaid(at(0), at(0), free.interval, 2).unwrap();
    let switched = one.clone().switched(offer(&free), unpaid, at(1), None).unwrap().0;
    let mut again = one.clone();
    again.plan_generation = 1;
    let mut touched = one.clone();
    touched.subscription.updated_at = at(5);
    for (before, after, expected) in [
        (None, &one, "subscription.created"),
        (Some(&one), &renewed, "subscription.renewed"),
        (Some(&one), &late(&one), "subscription.past_due"),
        (Some(&late(&one)), &renewed, "subscription.renewed"),
        (Some(&one), &over(&one), "subscription.canceled"),
        (Some(&late(&one)), &over(&one), "subscription.canceled"),
        (Some(&trial), &one, "subscription.trial_ended subscription.renewed"),
        (Some(&trial), &late(&trial), "subscription.trial_ended subscription.past_due"),
        (Some(&trial), &over(&trial), "subscription.trial_ended subscription.canceled"),
        (Some(&one), &switched, "subscription.changed subscription.past_due"),
        (Some(&one), &again, "subscription.changed"),
        (Some(&one), &one.clone().ending(true, at(1)), "subscription.updated"),
        (Some(&one), &one.clone().changing_later(offer(&free), at(1)), "subscription.updated"),
        (Some(&one), &touched, ""),
        (Some(&one), &one, ""),
    ] {
        let told = of_subscription(before, after);
        let names: Vec<&str> = told.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(names.join(" "), expected);
        for event in told {
            assert_eq!(event.data["subscription"]["status"], after.subscription.status.as_str());
            let was = before.map(|held| held.subscription.status.as_str());
            assert_eq!(event.data["previous"]["status"].as_str(), was);
        }
    }
}

#[test]
fn a_plan_is_told_in_a_few_fields_with_the_names_of_those_that_changed() {
    let before = pro();
    let mut after = before.clone();
    after.quotas.insert("requests".to_owned(), 7);
    after.version += 1;
    after.updated_at = at(1);
    let event = Event::of_plan(EventType::PlanUpdated, &after, Some(&before));
    let expected = r#"{"data":{"changed_fields":["quotas"],"currency":"RUB","id":"pro","interval":"month","is_active":true,"price":490.5,"version":2},"timestamp":"2025-02-05T08:00:00Z","type":"plan.updated"}"#;
    let payload: Value = serde_json::from_str(&event.payload(at(0))).unwrap();
    assert_eq!(payload.to_string(), serde_json::from_str::<Value>(expected).unwrap().to_string());
    let made = Event::of_plan(EventType::PlanCreated, &after, None);
    assert_eq!(made.data["changed_fields"], Value::Null);
}

#[test]
fn a_threshold_is_told_with_the_usage_as_answers_show_it() {
    let limit = Limit { quota: Some(100), is_billed: false };
    let current = serde_json::from_str("80.1").unwrap();
    let window = Window { start: at(0), end: at(1) };
    let usage = UsageReport::of(Metric::named("requests"), limit, current, window);
    let event = Event::of_threshold("bob", Threshold::ALL[0], &usage);
    let expected = r#"{"data":{"threshold":80,"usage":{"current_usage":80.1,"metric":"requests","period_end":1738828800,"period_start":1738742400,"quota_limit":100,"remaining":19.9},"user_id":"bob"},"timestamp":"2025-02-05T08:00:00Z","type":"quota.threshold"}"#;
    let payload: Value = serde_json::from_str(&event.payload(at(0))).unwrap();
    assert_eq!(payload.to_string(), serde_json::from_str::<Value>(expected).unwrap().to_string());
}

/// 490 RUB that are asked for.
fn owed() -> Booked {
    let owed = Owed {
        user_id: "bob".to_owned(),
        plan_id: PlanId::new("pro").unwrap(),
        plan_name: "Pro".to_owned(),
        plan_generation: 0,
        price: Decimal::from(490),
        interval: Interval::Month,
        subscription_id: None,
        beside: None,
        amount: Decimal::from(490),
        currency: Currency::RUB,
        reason: "start",
    };
    Booked::ask("txn".to_owned(), owed, "https://shop.example/paid", clocks(0))
}

fn clocks(day: i64) -> Clocks {
    Clocks { real: at(day), tenant: at(day) }
}

#[test]
fn a_transaction_is_told_when_it_ends_and_each_time_that_money_goes_back() {
    let told = PaymentTold {
        id: "pay".to_owned(),
        status: "any".to_owned(),
        amount: Decimal::from(490),
        currency: "RUB".to_owned(),
        metadata: std::collections::BTreeMap::new(),
        confirmation_url: None,
    };
    let back = |of: &Booked, id: &str, amount: i64| {
        let refund = RefundTold {
            id: id.to_owned(),
            payment_id: "pay".to_owned(),
            status: "succeeded".to_owned(),
            amount: Decimal::from(amount),
            currency: "RUB".to_owned(),
        };
        of.clone().refunded(&refund, clocks(2)).unwrap().unwrap()
    };
    let asked = owed();
    let waits = asked.clone().noted(&told, clocks(1));
    let paid = |from: &Booked| from.clone().paid(&told, Some("sub".to_owned()), clocks(1));
    let over = waits.clone().given_up(clocks(1));
    let some = back(&paid(&waits), "one", 190);
    for (before, after, expected) in [
        (&asked, &waits, None),
        (&waits, &waits.clone().asked_again(at(1)), None),
        (&waits, &paid(&waits), Some("payment.succeeded")),
        (&waits, &waits.clone().paid(&told, None, clocks(1)), Some("payment.succeeded")),
        (&over, &paid(&over), Some("payment.succeeded")),
        (&waits, &waits.clone().canceled(&told, clocks(1)), Some("payment.canceled")),
        (&waits, &over, Some("payment.canceled")),
        (&asked, &asked.clone().failed("invalid_request", clocks(1)), Some("payment.failed")),
        (&paid(&waits), &some, Some("payment.refunded")),
        (&some, &back(&some, "two", 100), Some("payment.refunded")),
        (&some, &back(&some, "two", 300), Some("payment.refunded")),
        (&some, &some, None),
    ] {
        let event = of_transaction(before, after);
        assert_eq!(event.as_ref().map(|event| event.kind.as_str()), expected);
        let shown = event.map(|event| event.data["transaction"].clone());
        let is = serde_json::to_value(&after.transaction).unwrap();
        assert_eq!(shown, expected.map(|_| is));
    }
}

#[test]
fn a_statement_is_told_when_it_is_written_paid_or_fails_for_another_reason() {
    let window = Window { start: at(0), end: at(28) };
    let written =
        |upcoming: UpcomingStatement| Statement::written("sta".to_owned(), upcoming, at(28));
    let failed =
        |reason: &str| written(UpcomingStatement::failed("bob", window, None, reason.to_owned()));
    let owes = |amount: &str| {
        let amount = Decimal::from_str_exact(amount).unwrap();
        let line = StatementLine::of_money(LineKind::Usage, String::new(), amount);
        let lines = vec![line];
        written(UpcomingStatement::of("bob", window, Currency::USD, lines, Decimal::ZERO).unwrap())
    };
    let (created, paid, fails) = ("statement.created", "statement.paid", "statement.failed");
    for (before, after, expected) in [
        (None, owes("5.5"), vec![created]),
        (None, owes("0"), vec![created, paid]),
        (None, failed("a"), vec![fails]),
        (Some(failed("a")), failed("a"), vec![]),
        (Some(failed("a")), failed("b"), vec![fails]),
        (Some(failed("a")), owes("5.5"), vec![created]),
        (Some(failed("a")), owes("0"), vec![created, paid]),
        (Some(owes("5.5")), owes("5.5"), vec![]),
        (Some(owes("5.5")), Statement { status: StatementStatus::Paid, ..owes("5.5") }, vec![paid]),
        (Some(owes("0")), owes("0"), vec![]),
    ] {
        let told = of_statement(before.as_ref(), &after);
        let kinds: Vec<_> = told.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(kinds, expected, "{before:?} {after:?}");
    }
    let told = &of_statement(None, &owes("5.5"))[0];
    let payload = told.payload(at(28));
    assert!(payload.contains(r#""due":5.5,"#) && !payload.contains("lines"), "{payload}");
}
