//! Whatever is used is billed, once, by the prices that held when it was first billed; and what is billed is paid from
//! credit, is due, or was paid. It is reckoned from what users used by the model, and from the statements that are seen.

use std::collections::{BTreeMap, HashMap};

use super::buckets::Buckets;
use super::command::{Command, Metric, Money, User};
use super::model::{Model, Phase, Place, Segment};

/// A quantity up to and with this, in millionths, has the price of the first tier.
const FIRST_TIER: i64 = 100_000_000;

/// A statement as it is seen; all in hundredths.
#[derive(Debug)]
pub(super) struct SeenStatement {
    pub(super) money: Option<Money>,
    pub(super) usage: i64,
    pub(super) late: i64,
    /// With what was paid in advance.
    pub(super) fees: i64,
    pub(super) lines: usize,
    pub(super) total: i64,
    pub(super) credit: i64,
    pub(super) due: i64,
    pub(super) status: &'static str,
}

/// What became of a window, as it is kept.
#[derive(Debug)]
pub(super) struct SeenWindow {
    /// By its real number.
    pub(super) bucket: u64,
    pub(super) start: i64,
    pub(super) due_at: Option<i64>,
    /// Whether something came late and is not billed yet.
    pub(super) is_late: bool,
    /// How much of what for how much, once it is closed.
    pub(super) billed: Option<BTreeMap<Segment, (i64, i64)>>,
}

/// What was billed of a segment.
#[derive(Clone, Copy, Debug, Default)]
struct Billed {
    quantity: i64,
    amount: i64,
    /// The book's when it was first billed.
    price: i64,
}

type Billing = BTreeMap<Segment, Billed>;

#[derive(Clone, Default)]
pub(super) struct Ledger {
    /// The book's.
    price: i64,
    windows: HashMap<(User, Place), Billing>,
    /// What statements have billed of usage in all.
    billed: HashMap<User, i64>,
}

impl Ledger {
    pub(super) fn new(price: i64) -> Self {
        Self { price, ..Self::default() }
    }

    /// An admin has done something.
    pub(super) fn offer(&mut self, command: &Command) {
        if let Command::SetBook { price } = command {
            self.price = *price;
        }
    }

    /// Statements were written. Each adds up, and uses as much credit as there is; the model hears of them.
    pub(super) fn hear(
        &mut self,
        user: User,
        statements: &[SeenStatement],
        model: &mut Model,
    ) -> Result<(), String> {
        for one in statements {
            let wrong = |what: &str| Err(format!("u{user}: {what}: {one:?}"));
            let Some(money) = one.money else { return wrong("it has no currency") };
            if one.lines == 0 || one.fees != 0 {
                return wrong("it has no lines, or fees that are not paid");
            }
            if one.usage + one.late != one.total || one.total - one.credit != one.due {
                return wrong("it does not add up");
            }
            if (one.status == "paid") != (one.due == 0) || one.status == "failed" {
                return wrong("it is neither paid nor open");
            }
            *self.billed.entry(user).or_default() += one.total;
            if money != Money::Usd && one.total != 0 {
                return wrong("usage is paid in USD");
            }
        }
        for money in Money::ALL {
            // In which order several were written nobody sees.
            let of = || statements.iter().filter(|one| one.money == Some(money));
            let total: i64 = of().map(|one| one.total).sum();
            let used: i64 = of().map(|one| one.credit).sum();
            let has = model.credit(user, money);
            if used != total.min(has) {
                return Err(format!("u{user} has {has} {money:?}, and {used} pay for {total}"));
            }
        }
        for one in statements {
            if let Some(money) = one.money {
                model.write(user, money, one.credit, one.due);
            }
        }
        Ok(())
    }

    /// Windows that have ended are closed, and each has billed what was used in it by now, but for what came late since.
    pub(super) fn look(
        &mut self,
        user: User,
        windows: &[SeenWindow],
        model: &mut Model,
        buckets: &Buckets,
    ) -> Result<(), String> {
        let now = model.now;
        if let Some(open) = windows.iter().find(|window| window.due_at.is_some_and(|at| at <= now))
        {
            return Err(format!("u{user}: it is due and not closed: {open:?}"));
        }
        let mut closed = Vec::new();
        for (place @ (bucket, start), metered) in model.metered(user) {
            let real = buckets.real(user, *bucket);
            let is_its = |it: &&SeenWindow| Some(it.bucket) == real && it.start == *start;
            let Some(window) = windows.iter().find(is_its) else {
                return Err(format!("u{user}: what was used in {place:?} has no window"));
            };
            let Some(billed) = &window.billed else { continue };
            if metered.end > now {
                return Err(format!("u{user}: it is closed before it ended: {window:?}"));
            }
            let before = self.windows.entry((user, *place)).or_default();
            if !window.is_late {
                *before = adjusted(before, &metered.billable(), self.price);
            }
            let expected: BTreeMap<_, _> =
                before.iter().map(|(of, it)| (*of, (it.quantity, it.amount))).collect();
            if expected != *billed {
                return Err(format!(
                    "u{user}: of {place:?} {billed:?} is billed, and by the ledger {expected:?}"
                ));
            }
            closed.push((*place, billed.keys().map(|(metric, _)| *metric).collect()));
        }
        for (place, billed) in closed {
            model.bill(user, place, billed);
        }
        let of_user = self.windows.iter().filter(|((of, _), _)| *of == user);
        let amounts: i64 =
            of_user.flat_map(|(_, billing)| billing.values()).map(|it| it.amount).sum();
        let billed = self.billed.get(&user).copied().unwrap_or(0);
        if amounts != billed {
            return Err(format!(
                "u{user} used something for {amounts}, and statements bill {billed}"
            ));
        }
        Ok(())
    }

    /// Nothing that was used is left to be billed.
    pub(super) fn end(user: User, windows: &[SeenWindow]) -> Result<(), String> {
        match windows.iter().find(|window| window.is_late) {
            Some(left) => Err(format!("u{user}: what came late is never billed: {left:?}")),
            None => Ok(()),
        }
    }
}

/// What is billed once all of it is that was used: by the price that the first of it had, and never less than before.
fn adjusted(before: &Billing, billable: &BTreeMap<Segment, i64>, price: i64) -> Billing {
    let now = billable.iter().map(|((metric, phase), quantity)| {
        let mut billed = before.get(&(*metric, *phase)).copied().unwrap_or_default();
        if *quantity > billed.quantity {
            if billed.quantity == 0 {
                billed.price = price;
            }
            billed.quantity = *quantity;
            billed.amount = billed.amount.max(cost(billed.price, *metric, *phase, *quantity));
        }
        ((*metric, *phase), billed)
    });
    now.collect()
}

/// What a quantity in millionths costs, rounded once.
fn cost(price: i64, metric: Metric, phase: Phase, quantity: i64) -> i64 {
    let each = unit_price(price, metric, phase, quantity > FIRST_TIER);
    let exact = i128::from(each) * i128::from(quantity);
    i64::try_from((2 * exact + 1_000_000) / 2_000_000).unwrap()
}

/// What one costs by a book of this price: next to nothing at first, and half of it where much is used.
pub(super) fn unit_price(price: i64, metric: Metric, phase: Phase, is_much: bool) -> i64 {
    match (phase, is_much) {
        (Phase::Trial, _) => 1,
        (Phase::Final, false) => price + metric.dearer(),
        (Phase::Final, true) => (price + metric.dearer()) / 2,
    }
}
