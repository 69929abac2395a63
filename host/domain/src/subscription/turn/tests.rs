mod orders;

use super::*;
use crate::money::Currency;
use crate::period::Interval;
use crate::plan::plan_id::PlanId;
use crate::subscription::Status;
use crate::subscription::history::History;

fn at(text: &str) -> Timestamp {
    let text = if text.contains('T') { text.to_owned() } else { format!("{text}T00:00:00Z") };
    text.parse().unwrap()
}

fn plan(id: &str, price: u32, interval: &str) -> crate::plan::Plan {
    let draft = format!(r#"{{"name":"{id}","price":{price},"interval":"{interval}"}}"#);
    let draft = serde_json::from_str(&draft).unwrap();
    crate::plan::Plan::from_draft(PlanId::new(id).unwrap(), draft, Timestamp::UNIX_EPOCH).unwrap()
}

fn offer(plan: &crate::plan::Plan) -> Offer<'_> {
    Offer { plan, generation: 0 }
}

/// On a plan since an instant, its first window paid.
fn held(plan: &crate::plan::Plan, since: &str) -> Held {
    let course = Course::unpaid(at(since), at(since), plan.interval, 1).unwrap();
    let course = course.renewed(plan.price, Currency::RUB).unwrap();
    Held::begin("sub".to_owned(), "bob", offer(plan), course, at(since))
}

fn trial(plan: &crate::plan::Plan, since: &str, days: u32) -> Held {
    let course = Course::trial(at(since), days, plan.interval, 1).unwrap();
    Held::begin("sub".to_owned(), "bob", offer(plan), course, at(since))
}

/// Goes on with its own plan for its price.
fn onward<'a>(plan: &'a crate::plan::Plan, credit: i64) -> Onward<'a> {
    let fee = Some(plan.price);
    Onward { offer: offer(plan), course: None, fee, credit: credit.into(), grace_days: 3 }
}

/// `active 2025-02-28..2025-03-31 paid 2025-03-31`.
fn said(held: &Held) -> String {
    let day = |t: Timestamp| {
        t.to_string().strip_suffix("T00:00:00Z").map_or_else(|| t.to_string(), str::to_owned)
    };
    let subscription = &held.subscription;
    let window = held.window();
    let end = match subscription.status {
        Status::Canceled => format!("on {}", day(subscription.canceled_at.unwrap())),
        Status::PastDue => format!("until {}", day(held.grace_until.unwrap())),
        Status::Active | Status::Trialing => format!("paid {}", day(subscription.paid_until)),
    };
    let (status, start) = (subscription.status.as_str(), day(window.start));
    format!("{} {status} {start}..{} {end}", subscription.plan_id, day(window.end))
}

#[test]
fn time_brings_what_is_due_at_its_own_instant_however_late_it_is_worked() {
    let (free, pro) = (plan("free", 0, "month"), plan("pro", 490, "month"));
    let daily = plan("daily", 10, "day");
    for (before, plan, credit, now, expected) in [
        // A free plan turns, on its anchor.
        (
            held(&free, "2025-01-31"),
            &free,
            0,
            "2025-02-27",
            "free active 2025-01-31..2025-02-28 paid 2025-02-28",
        ),
        (
            held(&free, "2025-01-31"),
            &free,
            0,
            "2025-02-28",
            "free active 2025-02-28..2025-03-31 paid 2025-03-31",
        ),
        (
            held(&free, "2025-01-31"),
            &free,
            0,
            "2030-04-30",
            "free active 2030-04-30..2030-05-31 paid 2030-05-31",
        ),
        // A paid one waits for the payment, and no longer than it may.
        (
            held(&pro, "2025-01-31"),
            &pro,
            0,
            "2025-02-28",
            "pro past_due 2025-02-28..2025-03-31 until 2025-03-03",
        ),
        (
            held(&pro, "2025-01-31"),
            &pro,
            0,
            "2025-03-02T23:59:59Z",
            "pro past_due 2025-02-28..2025-03-31 until 2025-03-03",
        ),
        (
            held(&pro, "2025-01-31"),
            &pro,
            0,
            "2025-03-03",
            "pro canceled 2025-02-28..2025-03-31 on 2025-03-03",
        ),
        (
            held(&pro, "2025-01-31"),
            &pro,
            0,
            "2026-01-01",
            "pro canceled 2025-02-28..2025-03-31 on 2025-03-03",
        ),
        // Credit pays, as far as it goes.
        (
            held(&pro, "2025-01-31"),
            &pro,
            489,
            "2025-02-28",
            "pro past_due 2025-02-28..2025-03-31 until 2025-03-03",
        ),
        (
            held(&pro, "2025-01-31"),
            &pro,
            490,
            "2025-02-28",
            "pro active 2025-02-28..2025-03-31 paid 2025-03-31",
        ),
        (
            held(&pro, "2025-01-31"),
            &pro,
            1000,
            "2025-04-01",
            "pro active 2025-03-31..2025-04-30 paid 2025-04-30",
        ),
        (
            held(&pro, "2025-01-31"),
            &pro,
            1000,
            "2025-05-01",
            "pro past_due 2025-04-30..2025-05-31 until 2025-05-03",
        ),
        // Windows turn in the days of grace, too.
        (
            held(&daily, "2025-01-01"),
            &daily,
            0,
            "2025-01-04T12:00:00Z",
            "daily past_due 2025-01-04..2025-01-05 until 2025-01-05",
        ),
        (
            held(&daily, "2025-01-01"),
            &daily,
            0,
            "2025-01-06",
            "daily canceled 2025-01-04..2025-01-05 on 2025-01-05",
        ),
        // Free days.
        (
            trial(&pro, "2025-01-01", 7),
            &pro,
            0,
            "2025-01-07",
            "pro trialing 2025-01-01..2025-01-08 paid 2025-01-08",
        ),
        (
            trial(&pro, "2025-01-01", 7),
            &pro,
            0,
            "2025-01-08",
            "pro past_due 2025-01-08..2025-02-08 until 2025-01-11",
        ),
        (
            trial(&pro, "2025-01-01", 7),
            &pro,
            490,
            "2025-01-08",
            "pro active 2025-01-08..2025-02-08 paid 2025-02-08",
        ),
        (
            trial(&free, "2025-01-01", 7),
            &free,
            0,
            "2025-01-08",
            "free active 2025-01-08..2025-02-08 paid 2025-02-08",
        ),
        (
            trial(&pro, "2025-01-01", 7),
            &pro,
            0,
            "2025-02-01",
            "pro canceled 2025-01-08..2025-02-08 on 2025-01-11",
        ),
    ] {
        let worked = before.clone().worked(at(now), Some(&onward(plan, credit))).unwrap();
        assert_eq!(said(&worked.held), expected, "{} on {now}", said(&before));
        // Worked late or day by day: the same.
        let (mut step, mut spent, mut day) = (before.clone(), Decimal::ZERO, before.since);
        while day <= at(now) && day < at("2026-02-01") {
            let onward = Onward { credit: Decimal::from(credit) - spent, ..onward(plan, 0) };
            let worked = step.worked(day, Some(&onward)).unwrap();
            (spent, step) = (spent + worked.spent(), worked.held);
            day = period::days_after(day, 1).unwrap();
        }
        if at(now) < at("2026-02-01") {
            let onward = Onward { credit: Decimal::from(credit) - spent, ..onward(plan, 0) };
            let day_by_day = step.worked(at(now), Some(&onward)).unwrap();
            assert_eq!(said(&day_by_day.held), expected, "day by day");
            assert_eq!(spent + day_by_day.spent(), worked.spent(), "{expected}");
        }
    }
}

#[test]
fn what_credit_buys_is_told_as_windows_in_a_row() {
    let (pro, free) = (plan("pro", 490, "month"), plan("free", 0, "month"));
    for (plan, credit, now, expected) in [
        (&pro, 489, "2025-02-28", None),
        (&pro, 490, "2025-02-28", Some("1 at 490: 2025-02-28..2025-03-31")),
        (&pro, 1000, "2025-04-01", Some("2 at 490: 2025-02-28..2025-04-30")),
        // What was bought stays bought, though the third is not to be had.
        (&pro, 1000, "2025-06-01", Some("2 at 490: 2025-02-28..2025-04-30")),
        (&free, 1000, "2025-06-01", None),
    ] {
        let worked = held(plan, "2025-01-31").worked(at(now), Some(&onward(plan, credit)));
        let bought = worked.unwrap().bought.map(|Bought { window, windows, fee }| {
            let day = |t: Timestamp| t.to_string().replace("T00:00:00Z", "");
            format!("{windows} at {fee}: {}..{}", day(window.start), day(window.end))
        });
        assert_eq!(bought.as_deref(), expected, "{} {credit} {now}", plan.name);
    }
    // A change takes the rest of its window.
    let course = Course::unpaid(at("2025-01-01"), at("2025-02-28"), pro.interval, 2).unwrap();
    let onward = Onward { course: Some(course), ..onward(&pro, 1000) };
    let changing = held(&free, "2025-01-31").changing_later(offer(&pro), at("2025-02-01"));
    let bought = changing.worked(at("2025-02-28"), Some(&onward)).unwrap().bought.unwrap();
    assert_eq!((bought.window.start, bought.window.end), (at("2025-02-28"), at("2025-03-01")));
    assert_eq!((bought.windows, bought.fee), (1, 490.into()));
}

#[test]
fn what_is_paid_ahead_only_turns() {
    let pro = plan("pro", 490, "month");
    let ahead = |held: Held| {
        let now = held.since;
        held.renewed(1, 490.into(), Currency::RUB, 3, now).unwrap()
    };
    for (before, now, expected) in [
        (
            ahead(held(&pro, "2025-01-31")),
            "2025-01-31",
            "pro active 2025-01-31..2025-02-28 paid 2025-03-31",
        ),
        (
            ahead(held(&pro, "2025-01-31")),
            "2025-03-01",
            "pro active 2025-02-28..2025-03-31 paid 2025-03-31",
        ),
        (
            ahead(trial(&pro, "2025-01-01", 7)),
            "2025-01-02",
            "pro trialing 2025-01-01..2025-01-08 paid 2025-02-08",
        ),
        (
            ahead(trial(&pro, "2025-01-01", 7)),
            "2025-01-08",
            "pro active 2025-01-08..2025-02-08 paid 2025-02-08",
        ),
        // Who cancels keeps what is paid.
        (
            ahead(held(&pro, "2025-01-31")).ending(true, at("2025-01-31")),
            "2025-03-30",
            "pro active 2025-02-28..2025-03-31 paid 2025-03-31",
        ),
        (
            ahead(held(&pro, "2025-01-31")).ending(true, at("2025-01-31")),
            "2025-04-01",
            "pro canceled 2025-02-28..2025-03-31 on 2025-03-31",
        ),
    ] {
        assert!(before.needs(at(now)).unwrap().is_none(), "nothing is to be known on {now}");
        let worked = before.worked(at(now), None).unwrap();
        assert_eq!(said(&worked.held), expected, "{now}");
        assert!(!worked.held.is_behind(at(now)));
    }
}

#[test]
fn a_late_payment_pays_what_is_owed_and_keeps_the_anchor() {
    let (pro, daily) = (plan("pro", 490, "month"), plan("daily", 10, "day"));
    for (plan, since, now, windows, expected) in [
        (&pro, "2025-01-31", "2025-03-01", 1, "pro active 2025-02-28..2025-03-31 paid 2025-03-31"),
        (
            &daily,
            "2025-01-01",
            "2025-01-04T12:00:00Z",
            3,
            "daily active 2025-01-04..2025-01-05 paid 2025-01-05",
        ),
    ] {
        let late = held(plan, since).worked(at(now), Some(&onward(plan, 0))).unwrap().held;
        assert_eq!(late.subscription.status, Status::PastDue);
        let (owed, _) = late.course().owed(at(now)).unwrap();
        assert_eq!(owed, windows);
        let amount = plan.price * Decimal::from(owed);
        let paid = late.renewed(owed, amount, Currency::RUB, 3, at(now)).unwrap();
        assert_eq!(said(&paid), expected);
        assert_eq!(paid.grace_until, None);
    }
}

#[test]
fn a_change_waits_for_the_end_of_what_is_paid_and_a_dearer_plan_is_not_had_unpaid() {
    let (free, pro) = (plan("free", 0, "month"), plan("pro", 490, "month"));
    let to = |plan| {
        let course = Course::unpaid(at("2025-02-01"), at("2025-02-01"), Interval::Month, 2);
        Onward { course: Some(course.unwrap()), ..onward(plan, 0) }
    };
    for (from, into, credit, expected, governing) in [
        (&pro, &free, 0, "free active 2025-02-01..2025-03-01 paid 2025-03-01", "free"),
        (&free, &pro, 490, "pro active 2025-02-01..2025-03-01 paid 2025-03-01", "pro"),
        (&free, &pro, 489, "pro past_due 2025-02-01..2025-03-01 until 2025-02-04", "free"),
    ] {
        let before = held(from, "2025-01-01").changing_later(offer(into), at("2025-01-02"));
        assert_eq!(before.needs(at("2025-01-31")).unwrap(), None);
        let due = at("2025-02-01");
        assert_eq!(before.needs(due).unwrap(), Some(Need::Change(due)));
        let onward = Onward { credit: credit.into(), ..to(into) };
        let worked = before.worked(due, Some(&onward)).unwrap();
        assert_eq!(said(&worked.held), expected);
        assert_eq!(worked.held.governing().plan.id.as_str(), governing, "{expected}");
        assert_eq!(worked.stays.len(), 1);
        // What governs goes on where it was counted, and so does whoever comes back to it.
        if governing == "free" && into.id.as_str() == "pro" {
            let course = worked.held.governing().course;
            assert_eq!((course.usage_epoch, course.window.start), (1, due));
            assert_eq!(worked.stays[0].course, course);
        }
        // Who pays has what was paid for.
        if worked.held.subscription.status == Status::PastDue {
            let paid = worked.held.renewed(1, 490.into(), Currency::RUB, 3, due).unwrap();
            assert_eq!(said(&paid), "pro active 2025-02-01..2025-03-01 paid 2025-03-01");
            assert_eq!(paid.governing().plan.id.as_str(), "pro");
        }
    }
}

#[test]
fn what_was_asked_for_in_the_grace_waits_for_the_end_of_what_credit_buys_then_and_no_longer() {
    let (free, pro) = (plan("free", 0, "month"), plan("pro", 490, "month"));
    let gratis = plan("pro", 0, "month");
    let (asked, grace, now) = (at("2025-02-02"), at("2025-02-04"), at("2025-06-01"));
    let end = at("2025-03-01");
    let waits = held(&pro, "2025-01-01").worked(asked, Some(&onward(&pro, 0))).unwrap().held;
    assert_eq!(waits.grace_until, Some(grace));
    let bought = "pro active 2025-02-01..2025-03-01 paid 2025-03-01";
    let ended = "pro canceled 2025-02-01..2025-03-01 on 2025-03-01";
    // By what the plan costs then, and by how far it goes without another answer.
    for (plan, is_change, expected) in [
        (&pro, true, bought),
        (&gratis, true, bought),
        (&pro, false, ended),
        (&gratis, false, ended),
    ] {
        let waits = waits.clone();
        let waits = if is_change {
            waits.changing_later(offer(&free), asked)
        } else {
            waits.ending(true, asked)
        };
        assert!(matches!(waits.needs(now), Ok(Some(Need::Renewal(_)))), "{expected}");
        let worked = waits.worked(now, Some(&onward(plan, 5_000))).unwrap();
        assert_eq!(said(&worked.held), expected, "{}", plan.price);
        assert_eq!(worked.spent(), plan.price);
        let next = is_change.then_some(Need::Change(end));
        assert_eq!(worked.held.needs(now).unwrap(), next);
    }
}

#[test]
fn asking_to_change_takes_a_cancel_back_and_asking_for_the_own_plan_takes_the_change_back() {
    let (free, pro) = (plan("free", 0, "month"), plan("pro", 490, "month"));
    let now = at("2025-01-02");
    let asked = held(&pro, "2025-01-01").ending(true, now).changing_later(offer(&free), now);
    assert!(!asked.subscription.cancel_at_period_end);
    assert_eq!(asked.subscription.pending_plan_id, Some(free.id));
    let back = asked.changing_later(offer(&pro), now);
    assert_eq!((&back.subscription.pending_plan_id, back.pending_generation), (&None, None));
}
