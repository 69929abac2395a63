//! Every answer that a provider can give, to a transaction wherever it stands.

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn clocks(second: i64) -> Clocks {
    Clocks { real: at(second), tenant: at(second + 1_000) }
}

fn tenant() -> TenantId {
    TenantId::new("acme").unwrap()
}

/// 490 RUB for a plan, asked for at 0.
fn booked() -> Booked {
    let owed = Owed {
        user_id: "bob".to_owned(),
        plan_id: PlanId::new("pro").unwrap(),
        plan_name: "Pro".to_owned(),
        plan_generation: 2,
        price: Decimal::from(490),
        interval: Interval::Month,
        subscription_id: None,
        beside: None,
        amount: Decimal::from(490),
        currency: Currency::RUB,
        reason: "start",
    };
    Booked::ask("txn_1".to_owned(), owed, "https://shop.example/paid", clocks(0))
}

/// What the provider says of its payment.
fn told(status: &str) -> PaymentTold {
    PaymentTold {
        id: "pay_1".to_owned(),
        status: status.to_owned(),
        amount: Decimal::from_str_exact("490.00").unwrap(),
        currency: "RUB".to_owned(),
        metadata: booked().order(&tenant()).metadata,
        confirmation_url: Some("https://pay.example/1".to_owned()),
    }
}

fn refund(id: &str, amount: &str) -> RefundTold {
    RefundTold {
        id: id.to_owned(),
        payment_id: "pay_1".to_owned(),
        status: "succeeded".to_owned(),
        amount: Decimal::from_str_exact(amount).unwrap(),
        currency: "RUB".to_owned(),
    }
}

fn standing(status: TransactionStatus) -> Booked {
    let booked = booked();
    match status {
        TransactionStatus::Pending => booked,
        TransactionStatus::Succeeded => {
            booked.paid(&told("succeeded"), Some("sub_1".to_owned()), clocks(1))
        }
        TransactionStatus::Failed => booked.failed("invalid_request", clocks(1)),
        TransactionStatus::Canceled => booked.canceled(&told("canceled"), clocks(1)),
        TransactionStatus::Refunded => standing(TransactionStatus::Succeeded)
            .refunded(&refund("ref_1", "490"), clocks(2))
            .unwrap()
            .unwrap(),
    }
}

#[test]
fn an_order_is_the_same_each_time_and_says_whose_it_is() {
    let order = booked().order(&tenant());
    assert_eq!(order, booked().noted(&told("pending"), clocks(9)).order(&tenant()));
    assert_eq!((order.key.as_str(), order.description.as_str()), ("txn_1", "Plan 'Pro'"));
    let marks: Vec<_> =
        order.metadata.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(marks, ["plan_id=pro", "tenant=acme", "transaction_id=txn_1", "user_id=bob"]);
}

#[test]
fn an_answer_counts_only_if_all_of_it_is_the_transactions() {
    type Edit = fn(&mut PaymentTold);
    let cases: [(Edit, &[&str]); 8] = [
        (|_| {}, &[]),
        (|told| told.amount = Decimal::from(49), &["amount"]),
        (|told| told.currency = "USD".to_owned(), &["currency"]),
        (|told| told.currency = "rub".to_owned(), &["currency"]),
        (
            |told| told.metadata.clear(),
            &["metadata.plan_id", "metadata.tenant", "metadata.transaction_id", "metadata.user_id"],
        ),
        (
            |told| {
                told.metadata.insert("tenant".to_owned(), "beta".to_owned());
            },
            &["metadata.tenant"],
        ),
        (|told| told.id = "pay_2".to_owned(), &["id"]),
        (
            |told| {
                told.metadata.insert("more".to_owned(), "is no harm".to_owned());
            },
            &[],
        ),
    ];
    let known = booked().noted(&told("pending"), clocks(1));
    for (edit, expected) in cases {
        let mut told = told("succeeded");
        edit(&mut told);
        assert_eq!(known.mismatches(&tenant(), &told), expected, "{told:?}");
    }
    // Before it is known which payment it is, another id is none too many.
    let other = PaymentTold { id: "pay_2".to_owned(), ..told("pending") };
    assert_eq!(booked().mismatches(&tenant(), &other), Vec::<String>::new());
}

#[test]
fn every_answer_means_one_step_wherever_a_transaction_stands() {
    use TransactionStatus::{Canceled, Failed, Pending, Refunded, Succeeded};
    for (status, expected) in [
        (Pending, [Step::Note, Step::Note, Step::Pay, Step::Cancel]),
        (Succeeded, [Step::Nothing; 4]),
        (Refunded, [Step::Nothing; 4]),
        // Money that came is never lost.
        (Failed, [Step::Nothing, Step::Nothing, Step::Pay, Step::Nothing]),
        (Canceled, [Step::Nothing, Step::Nothing, Step::Pay, Step::Nothing]),
    ] {
        let words = ["pending", "waiting_for_capture", "succeeded", "canceled"];
        let found = words.map(|word| standing(status).step(&told(word), at(60)));
        assert_eq!(found, expected, "{status:?}");
    }
    // A week later nobody waits, but for money.
    let late = at(Booked::WAITED_FOR);
    let known = booked().noted(&told("pending"), clocks(1));
    assert_eq!(known.step(&told("pending"), at(Booked::WAITED_FOR - 1)), Step::Note);
    assert_eq!(known.step(&told("pending"), late), Step::GiveUp);
    assert_eq!(known.step(&told("succeeded"), late), Step::Pay);
}

#[test]
fn an_order_is_never_sent_again_once_it_was_taken_on_or_its_key_is_forgotten() {
    for (second, may, over) in [
        (0, true, false),
        (Booked::ORDERED_FOR - 1, true, false),
        (Booked::ORDERED_FOR, false, true),
        (Booked::WAITED_FOR, false, true),
    ] {
        let booked = booked();
        assert_eq!(booked.may_be_ordered(at(second)), may, "{second}");
        assert_eq!(booked.is_over_time(at(second)), over, "{second}");
    }
    let known = booked().noted(&told("pending"), clocks(1));
    assert!(!known.may_be_ordered(at(2)) && !known.is_over_time(at(Booked::ORDERED_FOR)));
}

#[test]
fn pauses_double_up_to_an_hour() {
    let mut booked = booked();
    assert_eq!(booked.ask_at, Some(at(15)));
    for pause in [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600] {
        booked = booked.asked_again(at(0));
        assert_eq!(booked.ask_at, Some(at(pause)));
    }
    for _ in 0..100 {
        booked = booked.asked_again(at(0));
    }
    assert_eq!(booked.ask_at, Some(at(3_600)));
    // They begin anew when the provider has taken it on.
    let known = booked.noted(&told("pending"), clocks(100));
    assert_eq!((known.ask_at, known.asked), (Some(at(130)), 1));
    assert_eq!(known.transaction.updated_at, at(1_100));
    let same = known.noted(&told("pending"), clocks(200));
    assert_eq!((same.ask_at, same.transaction.updated_at), (Some(at(260)), at(1_100)));
}

#[test]
fn what_is_given_back_counts_once_by_its_id_and_is_never_more_than_was_paid() {
    let paid = standing(TransactionStatus::Succeeded);
    let some = paid.refunded(&refund("ref_1", "190.50"), clocks(5)).unwrap().unwrap();
    assert_eq!(some.transaction.status, TransactionStatus::Succeeded);
    assert_eq!(some.transaction.metadata["refunded_amount"], "190.50");
    assert_eq!(some.clone().refunded(&refund("ref_1", "190.50"), clocks(6)), Ok(None));
    type Edit = fn(&mut RefundTold);
    let cases: [(Edit, &str); 5] = [
        (|told| told.amount = Decimal::from_str_exact("299.51").unwrap(), "amount"),
        (|told| told.amount = Decimal::ZERO, "amount"),
        (|told| told.amount = Decimal::from(-1), "amount"),
        (|told| told.currency = "USD".to_owned(), "currency"),
        (|told| told.payment_id = "pay_2".to_owned(), "payment_id"),
    ];
    for (edit, expected) in cases {
        let mut told = refund("ref_2", "299.50");
        edit(&mut told);
        assert_eq!(some.clone().refunded(&told, clocks(6)), Err(expected));
    }
    let all = some.refunded(&refund("ref_2", "299.50"), clocks(7)).unwrap().unwrap();
    assert_eq!(all.transaction.status, TransactionStatus::Refunded);
    assert_eq!(all.transaction.metadata["refunded_amount"], "490.00");
    for status in [TransactionStatus::Canceled, TransactionStatus::Pending] {
        let mut never_paid = standing(status);
        never_paid.transaction.payment_id = Some("pay_1".to_owned());
        assert_eq!(never_paid.refunded(&refund("ref_1", "1"), clocks(5)), Err("status"));
    }
}

#[test]
fn an_end_is_asked_about_no_more_and_says_what_became_of_the_money() {
    for status in TransactionStatus::ALL {
        let booked = standing(status);
        assert_eq!(booked.ask_at.is_some(), status == TransactionStatus::Pending, "{status:?}");
    }
    let paid = standing(TransactionStatus::Succeeded);
    assert_eq!(paid.transaction.subscription_id.as_deref(), Some("sub_1"));
    let credit = booked().paid(&told("succeeded"), None, clocks(1));
    assert_eq!(credit.transaction.metadata["taken_as"], "credit");
    assert_eq!(booked().given_up(clocks(1)).transaction.provider_status, None);
}
