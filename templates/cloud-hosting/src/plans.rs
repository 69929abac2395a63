//! Plans that are priced by the book.

use planwright_sdk::templates::PricedPlan;
use planwright_sdk::types::{Currency, Decimal, Overage, Plan, Quota};

use crate::BOOK;

/// Both plans.
pub(crate) fn all() -> Vec<Plan> {
    let pay_as_you_go = Plan {
        id: "pay_as_you_go".to_owned(),
        name: "Pay as you go".to_owned(),
        name_ru: Some("По факту".to_owned()),
        description: Some("No fee: what is used is billed by the price book".to_owned()),
        description_ru: Some(
            "Без абонентской платы: по прайс-листу за то, что использовано".to_owned(),
        ),
        price: dollars(0),
        currency: Currency { code: "USD".to_owned(), digits: 2 },
        interval: "month".to_owned(),
        quotas: Vec::new(),
        overage: Vec::new(),
        features: vec!["A week free, three months at half the price".to_owned()],
        trial_days: 0,
        billing_plan_id: None,
        is_active: true,
        display_order: 0,
        metadata: Vec::new(),
    };
    let team = Plan {
        id: "team".to_owned(),
        name: "Team".to_owned(),
        name_ru: Some("Команда".to_owned()),
        description: Some(
            "A terabyte of traffic is in the fee, and what is past it is billed".to_owned(),
        ),
        description_ru: Some("Терабайт трафика включён, остальное по прайс-листу".to_owned()),
        price: dollars(49),
        quotas: vec![Quota { metric: "traffic_gb".to_owned(), limit: 1_000 }],
        overage: vec![Overage { metric: "traffic_gb".to_owned(), policy: "bill".to_owned() }],
        features: vec!["1,000 GB of traffic a month".to_owned(), "Support by email".to_owned()],
        display_order: 1,
        ..pay_as_you_go.clone()
    };
    vec![pay_as_you_go, team]
}

/// Both are.
pub(crate) fn priced_by_the_book() -> Vec<PricedPlan> {
    let priced = |plan: Plan| PricedPlan { plan: plan.id, billing_plan: BOOK.to_owned() };
    all().into_iter().map(priced).collect()
}

fn dollars(price: i64) -> Decimal {
    Decimal { coefficient: price, scale: 0 }
}
