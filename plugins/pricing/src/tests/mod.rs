//! The rules of the trade, as tables of cases.

mod fee;
mod usage;

use planwright_sdk::pricing::Step;
use planwright_sdk::rust_decimal::Decimal as Exact;
use planwright_sdk::types::{Context, Currency, Decimal, Plan};

use crate::exact::text;

pub(crate) fn dec(text: &str) -> Decimal {
    text.parse::<Exact>().unwrap().try_into().unwrap()
}

pub(crate) fn currency(code: &str) -> Currency {
    let digits = match code {
        "JPY" => 0,
        "KWD" => 3,
        _ => 2,
    };
    Currency { code: code.to_owned(), digits }
}

fn context(region: Option<&str>) -> Context {
    Context {
        tenant: "default".to_owned(),
        user_id: Some("alice".to_owned()),
        user_group: None,
        region: region.map(str::to_owned),
        at: 0,
        attributes: Vec::new(),
    }
}

fn plan(name: &str, price: &str, code: &str) -> Plan {
    Plan {
        id: name.to_lowercase(),
        name: name.to_owned(),
        name_ru: None,
        description: None,
        description_ru: None,
        price: dec(price),
        currency: currency(code),
        interval: "month".to_owned(),
        quotas: Vec::new(),
        overage: Vec::new(),
        features: Vec::new(),
        trial_days: 0,
        billing_plan_id: None,
        is_active: true,
        display_order: 0,
        metadata: Vec::new(),
    }
}

/// `2 x 10 = 20`, so that a table shows what a person reads.
fn said(steps: &[Step]) -> String {
    let say = |step: &Step| {
        format!("{} x {} = {}", text(step.quantity), text(step.unit_price), text(step.amount))
    };
    steps.iter().map(say).collect::<Vec<_>>().join("; ")
}
