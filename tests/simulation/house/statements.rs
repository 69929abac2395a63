//! What is used and charged becomes statements: the price book, and what is written.

use std::collections::BTreeMap;

use planwright_domain::billing_plan::PhaseType;
use planwright_domain::page::PageRequest;
use planwright_domain::statement::Statement;
use planwright_domain::statement::billing_window::{BillingWindow, WindowState};
use planwright_domain::statement::statement_line::LineKind;
use planwright_service::statements::{self, StatementFilter};
use planwright_service::tenants::settings;
use planwright_service::{Error, catalog};
use planwright_store::{Document, Key, Part, Scan, Snapshot, Space, Store};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::command::{Metric, Money, User};
use super::super::ledger::{SeenStatement, SeenWindow, unit_price};
use super::super::model::{Phase, Segment};
use super::{House, hundredths, name, shown};

impl House {
    /// Everybody is priced by one book, in USD.
    pub(super) async fn price(&self, price: i64) -> Result<(), Error> {
        let region = json!([{"name": "eu"}]);
        let products = Metric::ALL.map(|metric| {
            json!({"external_id": metric.name(), "label": "M", "resource_kind": "resource"})
        });
        let tier = |phase, most: Option<i64>, metric| {
            let price: Value = shown(unit_price(price, metric, phase, most.is_none())).into();
            json!({"currency": "USD", "max_qty": most, "price": price, "regions": ["eu"]})
        };
        let resources = Metric::ALL.map(|metric| {
            let last = [tier(Phase::Final, Some(100), metric), tier(Phase::Final, None, metric)];
            let first = [tier(Phase::Trial, None, metric)];
            json!({"product": metric.name(), "billing_phases": [
                {"phase_type": "trial", "duration_unit": "days", "duration_qty": 7, "billing_resource_prices": first},
                {"phase_type": "final", "billing_resource_prices": last},
            ]})
        });
        let document = json!({
            "regions": region, "products": products,
            "billing_plans": [{"name": "Book", "billing_resources": resources}],
            "user_groups": [{"name": "everybody", "is_default": true, "billing_plan": "Book"}],
        });
        let document = serde_json::from_str(&document.to_string()).unwrap();
        let by = self.by("root");
        catalog::put(self.app(), &by, &document, catalog::Put::default()).await?;
        Ok(())
    }

    /// Who has not said where and in what is priced so.
    pub(super) async fn settle_where(&self) {
        let patch = serde_json::from_value(json!({"currency": "USD", "region_id": 1})).unwrap();
        settings::update(self.app(), &self.by("root"), &patch).await.unwrap();
    }

    /// Statements that nobody has seen yet, in the order in which they were made.
    pub(in super::super) async fn new_statements(&self, user: User) -> Vec<SeenStatement> {
        let user_id = Some(name(user));
        let filter = StatementFilter { user_id, ..StatementFilter::default() };
        let mut fresh = Vec::new();
        for page in 1.. {
            let page = PageRequest::new(Some(page), Some(PageRequest::LARGEST)).unwrap();
            let all = statements::list(self.app(), &self.by("root"), &filter, page).await.unwrap();
            let (read, mut seen) = (all.items.len(), self.statements.lock().unwrap());
            let seen = seen.entry(user).or_default();
            fresh.extend(all.items.into_iter().filter(|one| !seen.contains(&one.id)));
            if read < PageRequest::LARGEST || fresh.is_empty() {
                break;
            }
        }
        fresh.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        let mut seen = self.statements.lock().unwrap();
        seen.entry(user).or_default().extend(fresh.iter().map(|one| one.id.clone()));
        fresh.iter().map(seen_statement).collect()
    }

    /// What became of a user's windows, as it is kept.
    pub(in super::super) async fn windows(&self, user: User) -> Vec<SeenWindow> {
        let space = Space::Tenant(self.tenant.to_string());
        let of = |family| Key::in_space(&space, family).text(&name(user)).prefix();
        let snapshot = self.app().store().snapshot().await.unwrap();
        let all = Scan::first(usize::MAX);
        let late = snapshot.scan(&of("adjustment-due"), all.clone()).await.unwrap();
        let late: Vec<_> = late.iter().map(|(key, _)| place(key)).collect();
        let windows = snapshot.scan(&of("billing-window"), all).await.unwrap();
        let window = |(key, record): &(Key, planwright_store::Record)| {
            let (at, KeptWindow(window)) = (place(key), record.decode::<KeptWindow>().unwrap());
            SeenWindow {
                bucket: at.0,
                start: at.1,
                due_at: window.due_at().map(|at| at.as_second()),
                is_late: late.contains(&at),
                billed: billed(&window),
            }
        };
        windows.iter().map(window).collect()
    }

    /// What a statement of a user is called: 0 is the last one.
    pub(super) fn statement_id(&self, user: User, nth_last: usize) -> Option<String> {
        let seen = self.statements.lock().unwrap();
        let of_user = seen.get(&user)?;
        of_user.get(of_user.len().checked_sub(1 + nth_last)?).cloned()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct KeptWindow(BillingWindow);

impl Document for KeptWindow {
    const SCHEMA: u16 = 1;
}

fn place(key: &Key) -> (u64, i64) {
    match key.parts().as_slice() {
        [_, Part::Number(bucket), Part::Number(start)] => (*bucket, i64::try_from(*start).unwrap()),
        _ => panic!("{key}"),
    }
}

fn billed(window: &BillingWindow) -> Option<BTreeMap<Segment, (i64, i64)>> {
    let WindowState::Closed(closed) = &window.state else { return None };
    let each = closed.billed.iter().map(|billed| {
        let name = billed.segment.metric.as_str();
        let metric = Metric::ALL.into_iter().find(|metric| metric.name() == name).unwrap();
        let phase = match billed.segment.phase {
            PhaseType::Trial => Phase::Trial,
            _ => Phase::Final,
        };
        let amount = hundredths(&billed.amount.to_string());
        ((metric, phase), (billed.quantity.millionths(), amount))
    });
    Some(each.collect())
}

fn seen_statement(statement: &Statement) -> SeenStatement {
    let sum = |kinds: &[LineKind]| {
        let lines = statement.lines.iter().filter(|line| kinds.contains(&line.kind));
        lines.map(|line| hundredths_of(&line.amount.to_string())).sum()
    };
    let code = statement.currency.map(|currency| currency.code());
    SeenStatement {
        money: Money::ALL.into_iter().find(|money| Some(money.code()) == code),
        usage: sum(&[LineKind::Usage]),
        late: sum(&[LineKind::Adjustment]),
        fees: sum(&[LineKind::Fee, LineKind::PaidInAdvance]),
        lines: statement.lines.len(),
        total: hundredths_of(&statement.total.to_string()),
        credit: hundredths_of(&statement.credit_applied.to_string()),
        due: hundredths_of(&statement.due.to_string()),
        status: statement.status.as_str(),
    }
}

/// Also of what is less than 0.
fn hundredths_of(text: &str) -> i64 {
    text.strip_prefix('-').map_or_else(|| hundredths(text), |text| -hundredths(text))
}
