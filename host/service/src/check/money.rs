//! Fees that were charged, against the credit that moved with them, the payments that they took and the plugins that
//! priced them; and that no money comes from nowhere or is lost.

use std::collections::BTreeMap;

use planwright_domain::money::Currency;
use planwright_domain::payment::transaction::{Booked, Transaction};
use planwright_domain::plugin::{Digest, Owner};
use planwright_domain::subscription::fee_charge::{FeeCharge, reckoned};
use planwright_store::{Key, Record, Snapshot, StoreError};
use rust_decimal::Decimal;

use super::Walk;
use super::records::{Problems, misplaced, unreadable};
use crate::documents::{CreditEntryRecord, FeeChargeRecord, SubscriptionRecord, UnbilledCharge};
use crate::keys::{Keys, OwnerKeys};
use crate::plugins::plugin_documents::{PluginRecord, PricedByRecord};

/// What a user paid and got in a currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Flow {
    /// The money that came.
    paid: Decimal,
    /// What of paid time was given back.
    given_back: Decimal,
    /// What was charged.
    charged: Decimal,
    /// What was used on statements.
    billed: Decimal,
    /// What is left.
    credit: Decimal,
}

impl Flow {
    /// What is wrong with it, if anything is.
    fn disagreement(&self) -> Option<String> {
        let Self { paid, given_back, charged, billed, credit } = self;
        (paid + given_back != charged + billed + credit).then(|| {
            format!(
                "{paid} was paid and {given_back} given back, {charged} was charged and {billed} used on statements, and \
                 {credit} is credit."
            )
        })
    }
}

/// What users paid and got, by currency.
#[derive(Default)]
pub(super) struct Flows(BTreeMap<(String, &'static str), Flow>);

impl Flows {
    fn of(&mut self, user: &str, currency: Currency) -> &mut Flow {
        self.0.entry((user.to_owned(), currency.code())).or_default()
    }

    /// A transaction's money counts as it came; what became of it later is between the user and the shop.
    pub(super) fn transaction(&mut self, transaction: &Transaction) {
        if transaction.status.is_paid() {
            self.of(&transaction.user_id, transaction.currency).paid += transaction.amount;
        }
    }

    fn charge(&mut self, charge: &FeeCharge) {
        let flow = self.of(&charge.user_id, charge.currency);
        flow.given_back += charge.unused;
        flow.charged += charge.amount;
    }

    /// What was paid of a statement, with credit or with money.
    pub(super) fn billed(&mut self, user: &str, currency: Currency, amount: Decimal) {
        self.of(user, currency).billed += amount;
    }

    pub(super) fn credit(&mut self, user: &str, currency: Currency, balance: Decimal) {
        self.of(user, currency).credit += balance;
    }
}

/// What a charge names.
struct Around {
    /// The movement of credit.
    entry: Option<CreditEntryRecord>,
    transaction: Option<Booked>,
    has_subscription: bool,
    /// The plugins that are not marked.
    unmarked: Vec<Digest>,
}

/// What is wrong with a charge's record.
fn disagreements(charge: &FeeCharge, around: &Around) -> Vec<String> {
    let mut found = Vec::new();
    let (amount, unused) = (charge.amount, charge.unused);
    let (fees, rests) = reckoned(&charge.asked);
    if (amount, unused) != (fees, rests) {
        found.push(format!(
            "It charges {amount} and gives {unused} back, and its answers come to {fees} and {rests}."
        ));
    }
    if amount.is_zero() && unused.is_zero() {
        found.push("It charges nothing.".to_owned());
    }
    found.extend(moved(charge, around.entry.as_ref()));
    found.extend(paid(charge, around.transaction.as_ref()));
    if !around.has_subscription {
        let id = &charge.subscription_id;
        found.push(format!("It names the subscription '{id}', which is not there."));
    }
    for digest in &around.unmarked {
        found.push(format!("The plugin {digest} priced it, and is not marked."));
    }
    found
}

fn moved(charge: &FeeCharge, entry: Option<&CreditEntryRecord>) -> Option<String> {
    let moves = charge.moves();
    match (&charge.credit_entry_id, entry) {
        (None, _) if moves.is_zero() => None,
        (None, _) => Some(format!("Credit moves by {moves} with it, and it names no movement.")),
        (Some(_), Some(entry))
            if entry.amount == moves && entry.charge_id.as_ref() == Some(&charge.id) =>
        {
            None
        }
        (Some(id), _) => {
            Some(format!("It names the movement '{id}' by {moves}, which is not there for it."))
        }
    }
}

fn paid(charge: &FeeCharge, transaction: Option<&Booked>) -> Option<String> {
    let paid = charge.paid;
    let Some(id) = &charge.transaction_id else {
        let problem = || format!("It took {paid}, and names no transaction.");
        return (!paid.is_zero()).then(problem);
    };
    let is_its = transaction.map(|booked| &booked.transaction).is_some_and(|one| {
        one.status.is_paid()
            && (&one.user_id, one.amount, one.currency) == (&charge.user_id, paid, charge.currency)
    });
    let problem = || format!("It took {paid} of the transaction '{id}', which did not bring that.");
    (!is_its).then(problem)
}

impl<N: Snapshot> Walk<'_, N> {
    pub(super) async fn fee_charge(&mut self, keys: &Keys, key: &Key, record: &Record) -> Problems {
        let (place, charge) = match record.decode::<FeeChargeRecord>() {
            Ok(record) => (record.window(), record.charge),
            Err(error) => return Ok(unreadable(&error)),
        };
        let FeeCharge { user_id, currency, at, id, subscription_id, .. } = &charge;
        if *key != keys.fee_charge(user_id, *at, id) {
            return Ok(misplaced());
        }
        self.flows.charge(&charge);
        let entry = match &charge.credit_entry_id {
            Some(entry) => self.find(&keys.credit_entry(user_id, *currency, *at, entry)).await?,
            None => None,
        };
        let transaction = match &charge.transaction_id {
            Some(id) => self.transaction_of(id).await?,
            None => None,
        };
        let subscription: Option<SubscriptionRecord> =
            self.find(&keys.subscription(subscription_id)).await?;
        let unbilled: Option<UnbilledCharge> =
            self.find(&keys.unbilled_charge(&place, &charge)).await?;
        self.statements.charge(key, id, unbilled.is_some());
        let around = Around {
            entry,
            transaction,
            has_subscription: subscription.is_some(),
            unmarked: self.unmarked(&charge).await?,
        };
        Ok(disagreements(&charge, &around))
    }

    /// The plugins that priced a charge and are marked neither as the tenant's nor as the host's.
    async fn unmarked(&self, charge: &FeeCharge) -> Result<Vec<Digest>, StoreError> {
        let mut unmarked = Vec::new();
        for one in &charge.asked {
            let digest = one.asked.pricer.digest;
            let mut marked = false;
            for owner in self.owner().into_iter().chain([Owner::Host]) {
                let mark = OwnerKeys::of(&owner).priced_by(&digest);
                marked |= self.find::<PricedByRecord>(&mark).await?.is_some();
            }
            if !marked && !unmarked.contains(&digest) {
                unmarked.push(digest);
            }
        }
        Ok(unmarked)
    }

    pub(super) async fn unbilled_charge(
        &self,
        keys: &Keys,
        key: &Key,
        record: &Record,
    ) -> Problems {
        let of = match record.decode::<UnbilledCharge>() {
            Ok(of) => of,
            Err(error) => return Ok(unreadable(&error)),
        };
        let Some(user) = super::credit::user_of(key) else { return Ok(misplaced()) };
        let charge: Option<FeeChargeRecord> =
            self.find(&keys.fee_charge(&user, of.at, &of.charge_id)).await?;
        let is_its = charge
            .is_some_and(|found| keys.unbilled_charge(&found.window(), &found.charge) == *key);
        let problem = || format!("It lists the fee charge '{}', which is not there.", of.charge_id);
        Ok(if is_its { Vec::new() } else { vec![problem()] })
    }

    /// A mark lies with the owner of the plugin. The host's may be one that the configuration has.
    pub(super) async fn priced_by(&self, owner: &Owner, key: &Key, record: &Record) -> Problems {
        let digest = match record.decode::<PricedByRecord>() {
            Ok(mark) => mark.digest,
            Err(error) => return Ok(unreadable(&error)),
        };
        let keys = OwnerKeys::of(owner);
        if *key != keys.priced_by(&digest) {
            return Ok(misplaced());
        }
        let plugin: Option<PluginRecord> = self.find(&keys.plugin(&digest)).await?;
        let is_missing = plugin.is_none() && *owner != Owner::Host;
        let problem = "It marks a plugin that is not there.".to_owned();
        Ok(if is_missing { vec![problem] } else { Vec::new() })
    }

    /// No money comes from nowhere, and none is lost.
    pub(super) fn money_adds_up(&mut self, keys: &Keys) {
        for ((user, code), flow) in std::mem::take(&mut self.flows).0 {
            let Some(currency) = Currency::from_code(code) else { continue };
            self.report.add(&keys.credit(&user, currency), flow.disagreement());
        }
    }
}

#[cfg(test)]
mod tests {
    use planwright_domain::period::Window;
    use planwright_domain::plan::Plan;
    use planwright_domain::plan::plan_id::PlanId;
    use planwright_domain::statement::asked::{Asked, Pricer};
    use planwright_domain::subscription::fee::{FeeItem, FeeQuestion, ItemKind, Reason};
    use planwright_domain::subscription::fee_charge::{
        AskedFee, ChargeIds, ChargeReason, Money, Sale,
    };
    use planwright_domain::time::Timestamp;

    use super::*;
    use crate::check::transactions::tests::paid;

    /// 490 for a month, of which credit paid 90.
    fn charge() -> FeeCharge {
        let draft = serde_json::from_str(r#"{"name":"Pro","price":490,"interval":"month"}"#);
        let at = Timestamp::UNIX_EPOCH;
        let plan = Plan::from_draft(PlanId::new("pro").unwrap(), draft.unwrap(), at).unwrap();
        let window = Window { start: at, end: at };
        let question =
            FeeQuestion { reason: Reason::Start, plan: plan.clone(), window, effective_at: at };
        let digest = Digest::from_bytes([7; 32]);
        let pricer = Pricer { name: "own".to_owned(), digest, settings: "{}".to_owned() };
        let item = FeeItem { kind: ItemKind::Fee, amount: 490.into(), steps: Vec::new() };
        let asked = Asked { pricer, at, question, answer: vec![item] };
        let sale = Sale {
            user_id: "bob",
            reason: ChargeReason::Start,
            plan: &plan,
            subscription_id: "sub_1",
            window,
            asked: vec![AskedFee { asked, windows: 1, gives_back: true }],
            money: Money { amount: 400.into(), transaction_id: Some("txn_1".to_owned()) },
            at,
        };
        let ids = ChargeIds { charge: "fee_1".to_owned(), credit_entry: "crd_1".to_owned() };
        FeeCharge::of(sale, ids).unwrap()
    }

    /// Of the 400.
    fn transaction() -> Booked {
        let mut booked = paid();
        booked.transaction.amount = 400.into();
        booked
    }

    fn entry() -> CreditEntryRecord {
        CreditEntryRecord {
            amount: Decimal::from(-90),
            reason: "start".to_owned(),
            subscription_id: Some("sub_1".to_owned()),
            transaction_id: Some("txn_1".to_owned()),
            charge_id: Some("fee_1".to_owned()),
            statement_id: None,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn what_does_not_agree_with_a_charge_is_named() {
        type Edit = fn(&mut FeeCharge, &mut Around);
        let cases: [(Edit, &[&str]); 8] = [
            (|_, _| {}, &[]),
            (
                |charge, _| charge.amount = 480.into(),
                &[
                    "It charges 480 and gives 0 back, and its answers come to 490 and 0.",
                    "It names the movement 'crd_1' by -80, which is not there for it.",
                ],
            ),
            (
                |_, around| around.entry = None,
                &["It names the movement 'crd_1' by -90, which is not there for it."],
            ),
            (
                |charge, _| charge.credit_entry_id = None,
                &["Credit moves by -90 with it, and it names no movement."],
            ),
            (
                |_, around| around.transaction = Some(paid()),
                &["It took 400 of the transaction 'txn_1', which did not bring that."],
            ),
            (|charge, _| charge.transaction_id = None, &["It took 400, and names no transaction."]),
            (
                |_, around| around.has_subscription = false,
                &["It names the subscription 'sub_1', which is not there."],
            ),
            (
                |charge, around| around.unmarked = vec![charge.asked[0].asked.pricer.digest],
                &["The plugin 0707070707070707070707070707070707070707070707070707070707070707 \
                   priced it, and is not marked."],
            ),
        ];
        for (index, (edit, expected)) in cases.into_iter().enumerate() {
            let mut charge = charge();
            let mut around = Around {
                entry: Some(entry()),
                transaction: Some(transaction()),
                has_subscription: true,
                unmarked: Vec::new(),
            };
            edit(&mut charge, &mut around);
            assert_eq!(disagreements(&charge, &around), expected, "case {index}");
        }
    }

    #[test]
    fn money_that_comes_from_nowhere_or_is_lost_is_told() {
        let mut flows = Flows::default();
        flows.charge(&charge());
        flows.transaction(&transaction().transaction);
        let flow = |flows: &mut Flows| *flows.of("bob", Currency::RUB);
        let lost = "400 was paid and 0 given back, 490 was charged and 0 used on statements, and 0 is credit.";
        assert_eq!(flow(&mut flows).disagreement().as_deref(), Some(lost));
        let more = Transaction { amount: 105.into(), ..transaction().transaction };
        flows.transaction(&more);
        flows.billed("bob", Currency::RUB, 5.into());
        flows.credit("bob", Currency::RUB, 10.into());
        assert_eq!(flow(&mut flows).disagreement(), None);
        flows.credit("bob", Currency::USD, 1.into());
        assert_eq!(flow(&mut flows).disagreement(), None, "another currency");
    }
}
