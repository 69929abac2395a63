//! A fee that was charged: money and credit turned into paid time. It is kept with the questions and answers that it
//! rests on, and never changed.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::decimal;
use crate::money::Currency;
use crate::period::Window;
use crate::plan::Plan;
use crate::plan::plan_id::PlanId;
use crate::statement::asked::Asked;
use crate::subscription::fee::{FeeItem, FeeQuestion, ItemKind, total};
use crate::time::{self, Timestamp};

/// What paid time was charged for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeReason {
    /// A subscription began.
    Start,
    /// It goes on.
    Renewal,
    /// It goes on with another plan.
    Change,
}

impl ChargeReason {
    /// As it is kept and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Renewal => "renewal",
            Self::Change => "change",
        }
    }
}

/// A question about a fee, and what of its answer counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedFee {
    /// With the answer.
    pub asked: Asked<FeeQuestion, Vec<FeeItem>>,
    /// How many windows its fee was charged for. 0 where only what it gives back counts.
    pub windows: u32,
    /// Whether what is unused was given back.
    pub gives_back: bool,
}

impl AskedFee {
    /// The same for so many windows, if its fee counts.
    #[must_use]
    pub fn times(self, windows: u32) -> Self {
        Self { windows: if self.windows == 0 { 0 } else { windows }, ..self }
    }

    /// What an answer to the question comes to: what is charged, and what is given back.
    #[must_use]
    pub fn comes_to(&self, answer: &[FeeItem]) -> (Decimal, Decimal) {
        let fee = total(answer, ItemKind::Fee) * Decimal::from(self.windows);
        let unused = if self.gives_back { total(answer, ItemKind::Unused) } else { Decimal::ZERO };
        (fee, unused)
    }
}

/// What all answers come to: what is charged, and what is given back.
#[must_use]
pub fn reckoned(asked: &[AskedFee]) -> (Decimal, Decimal) {
    let each = asked.iter().map(|one| one.comes_to(&one.asked.answer));
    each.fold((Decimal::ZERO, Decimal::ZERO), |(fees, unused), (fee, back)| {
        (fees + fee, unused + back)
    })
}

/// Money that came with a purchase.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Money {
    /// 0 where nothing is paid but with credit.
    pub amount: Decimal,
    /// By which it came.
    pub transaction_id: Option<String>,
}

/// Paid time that somebody has got.
#[derive(Clone, Debug)]
pub struct Sale<'a> {
    /// Who has it.
    pub user_id: &'a str,
    /// What it was charged for.
    pub reason: ChargeReason,
    /// Of which plan.
    pub plan: &'a Plan,
    /// The subscription that has it.
    pub subscription_id: &'a str,
    /// All of it.
    pub window: Window,
    /// What it rests on.
    pub asked: Vec<AskedFee>,
    /// What came for it.
    pub money: Money,
    /// When.
    pub at: Timestamp,
}

/// Ids for a charge.
#[derive(Clone, Debug)]
pub struct ChargeIds {
    /// The charge's.
    pub charge: String,
    /// That of the movement of credit, if there is one.
    pub credit_entry: String,
}

/// A fee that was charged. All times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeCharge {
    /// Unique.
    pub id: String,
    /// Who was charged.
    pub user_id: String,
    /// What for.
    pub reason: ChargeReason,
    /// Of which plan.
    pub plan_id: PlanId,
    /// As it was called then.
    pub plan_name: String,
    /// The subscription that has the time.
    pub subscription_id: String,
    /// The time that was paid for; several windows in a row are one.
    pub window: Window,
    /// The plan's.
    pub currency: Currency,
    /// What was charged: 0 or more.
    #[serde(with = "decimal")]
    pub amount: Decimal,
    /// What was given back of what was left: 0 or more.
    #[serde(with = "decimal")]
    pub unused: Decimal,
    /// The money that came with it; what it was too much or too little is the user's credit.
    #[serde(with = "decimal")]
    pub paid: Decimal,
    /// By which the money came.
    pub transaction_id: Option<String>,
    /// The movement of credit, if there is one.
    pub credit_entry_id: Option<String>,
    /// What it rests on.
    pub asked: Vec<AskedFee>,
    /// When it was charged.
    #[serde(with = "time::seconds")]
    pub at: Timestamp,
}

impl FeeCharge {
    /// The charge of a sale; none where nothing is charged or given back, as free time is nobody's business.
    #[must_use]
    pub fn of(sale: Sale<'_>, ids: ChargeIds) -> Option<Self> {
        let (amount, unused) = reckoned(&sale.asked);
        if amount.is_zero() && unused.is_zero() {
            return None;
        }
        let charge = Self {
            id: ids.charge,
            user_id: sale.user_id.to_owned(),
            reason: sale.reason,
            plan_id: sale.plan.id.clone(),
            plan_name: sale.plan.name.clone(),
            subscription_id: sale.subscription_id.to_owned(),
            window: sale.window,
            currency: sale.plan.currency,
            amount,
            unused,
            paid: sale.money.amount,
            transaction_id: sale.money.transaction_id,
            credit_entry_id: None,
            asked: sale.asked,
            at: sale.at,
        };
        let credit_entry_id = (!charge.moves().is_zero()).then_some(ids.credit_entry);
        Some(Self { credit_entry_id, ..charge })
    }

    /// By how much the user's credit moves with it.
    #[must_use]
    pub fn moves(&self) -> Decimal {
        self.paid + self.unused - self.amount
    }

    /// How many windows were charged.
    #[must_use]
    pub fn windows(&self) -> u32 {
        self.asked.iter().map(|one| one.windows).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::Digest;
    use crate::statement::asked::Pricer;
    use crate::subscription::fee::Reason;

    fn plan() -> Plan {
        let draft =
            serde_json::from_str(r#"{"name":"Pro","price":490.5,"interval":"month"}"#).unwrap();
        Plan::from_draft(PlanId::new("pro").unwrap(), draft, Timestamp::UNIX_EPOCH).unwrap()
    }

    fn month() -> Window {
        let at = |text: &str| text.parse().unwrap();
        Window { start: at("2025-01-31T00:00:00Z"), end: at("2025-02-28T00:00:00Z") }
    }

    fn asked(fee: &str, unused: &str, windows: u32, gives_back: bool) -> AskedFee {
        let item = |kind, amount: &str| FeeItem {
            kind,
            amount: Decimal::from_str_exact(amount).unwrap(),
            steps: Vec::new(),
        };
        let window = month();
        let question = FeeQuestion {
            reason: Reason::Renewal,
            plan: plan(),
            window,
            effective_at: window.start,
        };
        let pricer = Pricer {
            name: "standard".to_owned(),
            digest: Digest::from_bytes([7; 32]),
            settings: "{}".to_owned(),
        };
        let answer = vec![item(ItemKind::Fee, fee), item(ItemKind::Unused, unused)];
        let asked = Asked { pricer, at: window.start, question, answer };
        AskedFee { asked, windows, gives_back }
    }

    fn charge(asked: Vec<AskedFee>, paid: i64) -> Option<FeeCharge> {
        let sale = Sale {
            user_id: "bob",
            reason: ChargeReason::Renewal,
            plan: &plan(),
            subscription_id: "sub",
            window: month(),
            asked,
            money: Money { amount: paid.into(), transaction_id: None },
            at: month().start,
        };
        FeeCharge::of(sale, ChargeIds { charge: "fee".to_owned(), credit_entry: "crd".to_owned() })
    }

    #[test]
    fn a_charge_is_what_its_answers_come_to() {
        for (asked, paid, expected) in [
            (vec![asked("490", "0", 1, true)], 490, Some("490 0 moves 0 in nothing")),
            (vec![asked("490", "0", 1, true)], 0, Some("490 0 moves -490 in crd")),
            (vec![asked("490", "0", 3, true)], 1500, Some("1470 0 moves 30 in crd")),
            // Each payment that is not used up is asked about; the fee counts once.
            (
                vec![asked("1490", "-245.5", 1, true), asked("1490", "-490", 0, true)],
                755,
                Some("1490 735.5 moves 0.5 in crd"),
            ),
            (vec![asked("490", "-100", 0, true)], 0, Some("0 100 moves 100 in crd")),
            (vec![asked("490", "-100", 1, false)], 490, Some("490 0 moves 0 in nothing")),
            // Free time.
            (vec![asked("0", "0", 1, true)], 0, None),
            (vec![asked("490", "-100", 0, false)], 0, None),
            (vec![], 100, None),
        ] {
            let case = format!("{asked:?} {paid}");
            let said = charge(asked, paid).map(|charge| {
                let entry = charge.credit_entry_id.as_deref().unwrap_or("nothing");
                let (amount, unused) = (charge.amount.normalize(), charge.unused.normalize());
                format!("{amount} {unused} moves {} in {entry}", charge.moves().normalize())
            });
            assert_eq!(said.as_deref(), expected, "{case}");
        }
    }

    #[test]
    fn a_charge_is_read_as_it_was_written() {
        let charge = charge(vec![asked("490.55", "-0.05", 2, true)], 3).unwrap();
        assert_eq!(charge.windows(), 2);
        let text = serde_json::to_string(&charge).unwrap();
        assert_eq!(serde_json::from_str::<FeeCharge>(&text).unwrap(), charge);
        assert!(text.contains(r#""amount":490.55"#), "{text}");
    }
}
