//! The rules, as tables of cases.

mod book;
mod plan;

use planwright_sdk::types::{Context, Decimal};
use planwright_sdk::validation::{Finding, Severity};
use planwright_sdk::{Decimal as Exact, Plugin};

use crate::{Settings, Standard};

fn dec(text: &str) -> Decimal {
    text.parse::<Exact>().unwrap().try_into().unwrap()
}

fn context() -> Context {
    Context {
        tenant: "default".to_owned(),
        user_id: None,
        user_group: None,
        region: None,
        at: 0,
        attributes: Vec::new(),
    }
}

/// `name_empty name`, and `? price_changed price` for a warning.
fn said(findings: &[Finding]) -> Vec<String> {
    let say = |finding: &Finding| {
        let mark = if finding.severity == Severity::Warning { "? " } else { "" };
        let field = finding.field.as_ref().map_or_else(String::new, |field| format!(" {field}"));
        format!("{mark}{}{field}", finding.code)
    };
    findings.iter().map(say).collect()
}

#[test]
fn settings_name_currencies() {
    for (currencies, part) in [
        (&["USD", "JPY"][..], None),
        (&[], Some("is empty")),
        (&["USD", "usd"], Some("'usd'")),
        (&["DOLLAR"], Some("'DOLLAR'")),
    ] {
        let currencies = currencies.iter().map(|code| (*code).to_owned()).collect();
        let wrong = Standard::check(&Settings { currencies });
        match part {
            None => assert_eq!(wrong, Vec::<String>::new()),
            Some(part) => assert!(wrong.len() == 1 && wrong[0].contains(part), "{wrong:?}"),
        }
    }
}
