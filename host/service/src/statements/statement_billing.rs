//! What a window comes to: its metered usage, what came late into earlier windows, and the fees that were charged,
//! priced from one snapshot; and all that this rests on.

use std::collections::{BTreeMap, BTreeSet};

use planwright_domain::Refusal;
use planwright_domain::billing_plan::quote::QuoteStep;
use planwright_domain::money::Currency;
use planwright_domain::period::Window;
use planwright_domain::refusal::FieldError;
use planwright_domain::statement::UpcomingStatement;
use planwright_domain::statement::billing_window::BillingWindow;
use planwright_domain::statement::closed_window::{AskedIn, Closed, Cost, Metered};
use planwright_domain::statement::segment::{Quantities, Segment};
use planwright_domain::statement::statement_line::{LineKind, StatementLine};
use planwright_domain::subscription::fee_charge::FeeCharge;
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::usage::Limit;
use planwright_domain::usage::metric::Metric;
use planwright_domain::usage::quantity::Quantity;
use planwright_store::{ChangeSet, Key, Scan, Snapshot, Store, StoreError};
use rust_decimal::Decimal;

use crate::app::App;
use crate::billing_plans::price_books::Standing;
use crate::documents::CreditRecord;
use crate::edge::Entropy;
use crate::error::Error;
use crate::keys::{Keys, WindowPlace};
use crate::plugins::priced_by::{PricedBy, pricer};
use crate::statements::statement_pricers::Run;
use crate::statements::statement_pricing::{AskedUsage, Priced, Pricing};
use crate::subscriptions::fee_charges;
use crate::subscriptions::governing::RestsOn;
use crate::tenants::kept_settings::Kept;
use crate::{ids, users};

/// An earlier window, and what came late into it.
pub(crate) struct Adjusted {
    pub(crate) place: WindowPlace,
    pub(crate) mark: (Key, u64),
    pub(crate) version: u64,
    pub(crate) before: BillingWindow,
    pub(crate) after: BillingWindow,
}

/// What is to be written.
#[derive(Default)]
pub(crate) struct Billed {
    pub(crate) closed: Closed,
    pub(crate) drafts: Vec<Draft>,
}

/// A statement that is to be written.
pub(crate) struct Draft {
    pub(crate) id: String,
    pub(crate) upcoming: UpcomingStatement,
    pub(crate) questions: Vec<AskedUsage>,
    pub(crate) charges: Vec<FeeCharge>,
    pub(crate) currency: Currency,
    pub(crate) credit: (Option<u64>, Decimal),
}

/// What other windows have taken already, where several are looked at and none is closed.
#[derive(Default)]
pub(crate) struct Taken {
    /// The earlier windows whose late usage is on one of theirs.
    pub(crate) adjusted: BTreeSet<WindowPlace>,
    /// How much credit they use, by currency.
    pub(crate) credit: BTreeMap<&'static str, Decimal>,
}

/// What a bill rests on.
#[derive(Default)]
pub(crate) struct Grounds {
    /// Counters that were read.
    counters: Vec<(Key, i64)>,
    /// Records that were read.
    rests_on: RestsOn,
    /// Who was asked, if anybody was.
    pub(crate) priced_by: Option<PricedBy>,
    /// Earlier windows that usage came into.
    pub(crate) adjusted: Vec<Adjusted>,
    /// The places of fees that are on no statement yet and come on this one.
    pub(crate) unbilled: Vec<(Key, u64)>,
}

impl Grounds {
    /// What was read is still as it was when the change is committed.
    pub(crate) fn expect(&self, change: &mut ChangeSet) {
        for (counter, holds) in &self.counters {
            change.expect_counter(counter, *holds);
        }
        self.rests_on.expect(change);
    }
}

/// What a bill is worked out with.
pub(crate) struct Billing<'a, S: Store> {
    pub(crate) app: &'a App<S>,
    pub(crate) snapshot: &'a S::Snapshot,
    pub(crate) run: &'a Run,
    pub(crate) tenant: &'a TenantId,
    pub(crate) place: &'a WindowPlace,
    pub(crate) window: &'a BillingWindow,
    pub(crate) taken: &'a Taken,
    pub(crate) keys: Keys,
    /// What it rests on, as far as it was looked at.
    pub(crate) grounds: Grounds,
    /// What metered usage is paid in, once that is known.
    pub(crate) currency: Option<Currency>,
}

/// What a statement of one currency has.
pub(crate) struct Sheet {
    /// The statement's.
    id: String,
    pub(crate) lines: Vec<StatementLine>,
    pub(crate) questions: Vec<AskedUsage>,
    charges: Vec<FeeCharge>,
}

/// The sheets of a window.
pub(crate) struct Sheets<'a> {
    by_currency: BTreeMap<&'static str, (Currency, Sheet)>,
    /// The statement of the attempt that failed before: the first sheet takes its place.
    failed: Option<String>,
    entropy: &'a dyn Entropy,
}

impl Sheets<'_> {
    /// That of a currency.
    pub(crate) fn of(&mut self, currency: Currency) -> &mut Sheet {
        let Self { by_currency, failed, entropy } = self;
        let fresh = || {
            let id = failed.take().unwrap_or_else(|| ids::fresh(*entropy, "sta_"));
            let (lines, questions, charges) = (Vec::new(), Vec::new(), Vec::new());
            (currency, Sheet { id, lines, questions, charges })
        };
        &mut by_currency.entry(currency.code()).or_insert_with(fresh).1
    }
}

/// Something that is to be priced: of which window, in what, and how much.
pub(crate) struct Wanted {
    pub(crate) window: Window,
    pub(crate) currency: Option<Currency>,
    pub(crate) quantities: Quantities,
}

impl<'a, S: Store> Billing<'a, S> {
    /// Works it out.
    ///
    /// # Errors
    /// What keeps it from being written; what was looked at until then is in the grounds.
    pub(crate) async fn bill(&mut self) -> Result<Billed, Error> {
        let metered = self.metered(self.place, &self.window.limits).await?;
        let mut quantities = self.window.to_bill(&metered);
        quantities.retain(|_, quantity| *quantity > Quantity::ZERO);
        let own = Wanted { window: self.window.window, currency: None, quantities };
        let late = self.late().await?;
        let failed = self.window.failed_attempt().map(|failed| failed.statement_id.clone());
        let entropy = self.app.entropy.as_ref();
        let mut sheets = Sheets { by_currency: BTreeMap::new(), failed, entropy };
        self.charges(&mut sheets).await?;
        let mut pricing = None;
        let priced = if own.quantities.is_empty() {
            BTreeMap::new()
        } else {
            let by = self.pricing(&mut pricing).await?;
            let line = |segment: &Segment, priced: &Priced| {
                line(LineKind::Usage, segment, priced, own.window, "")
            };
            self.price(by, &own, &mut sheets, line).await?
        };
        let mut closed = Closed::default().adjusted(&metered, &priced);
        closed.currency = self.currency.filter(|_| !own.quantities.is_empty());
        for one in late {
            let adjusted = self.adjust(&one, &mut pricing, &mut sheets).await?;
            self.grounds.adjusted.push(adjusted);
        }
        let mut drafts = Vec::new();
        for (currency, sheet) in sheets.by_currency.into_values() {
            drafts.push(self.draft(currency, sheet).await?);
        }
        Ok(Billed { closed, drafts })
    }

    /// Puts the fees that were charged in the window on the sheets of their currencies.
    async fn charges(&mut self, sheets: &mut Sheets<'_>) -> Result<(), StoreError> {
        for unbilled in fee_charges::unbilled(self.snapshot, &self.keys, self.place).await? {
            let charge = unbilled.charge;
            let sheet = sheets.of(charge.currency);
            sheet.lines.extend(StatementLine::of_charge(sheet.charges.len(), &charge));
            sheet.charges.push(charge);
            self.grounds.unbilled.push(unbilled.place);
        }
        Ok(())
    }

    /// Who prices by the price books of now, once somebody is needed.
    pub(crate) async fn pricing<'p>(
        &mut self,
        known: &'p mut Option<Pricing<'a, S>>,
    ) -> Result<&'p Pricing<'a, S>, Error> {
        if let Some(known) = known {
            return Ok(known);
        }
        let standing = self.standing().await?;
        self.currency = standing.currency;
        let (app, snapshot, tenant) = (self.app, self.snapshot, self.tenant);
        let changes = self.counter(self.keys.entry_changes()).await?;
        let by = self.run.pricer(app, snapshot, tenant, self.window.window.end).await?;
        let pricer = pricer(&by.plugin)?;
        self.grounds.priced_by = Some(by.priced_by);
        Ok(known.insert(Pricing {
            app,
            snapshot,
            tenant,
            user_id: &self.place.user_id,
            book_of_now: standing.book_beside(None),
            standing,
            changes,
            plugin: by.plugin,
            pricer,
        }))
    }

    /// Prices something by the price books of now, and puts it on the sheet of its currency.
    pub(crate) async fn price(
        &self,
        pricing: &Pricing<'_, S>,
        wanted: &Wanted,
        sheets: &mut Sheets<'_>,
        line: impl Fn(&Segment, &Priced) -> StatementLine,
    ) -> Result<BTreeMap<Segment, Cost>, Error> {
        let currency = wanted.currency.or(self.currency).ok_or_else(missing_currency)?;
        let sheet = sheets.of(currency);
        let Wanted { window, quantities, .. } = wanted;
        let priced = pricing.price(*window, currency, quantities, &mut sheet.questions).await?;
        sheet.lines.extend(priced.iter().map(|(segment, priced)| line(segment, priced)));
        let cost = |(segment, priced): (Segment, Priced)| {
            let (statement_id, (question, line)) = (sheet.id.clone(), priced.at);
            let asked = AskedIn { statement_id, question, line, label: priced.label };
            (segment, Cost { quantity: priced.quantity, amount: priced.charge.amount, asked })
        };
        Ok(priced.into_iter().map(cost).collect())
    }

    /// What counters say of a window. They are expected to hold it still: the number of priced events moves with every
    /// segment.
    pub(crate) async fn metered(
        &mut self,
        place: &WindowPlace,
        limits: &BTreeMap<Metric, Limit>,
    ) -> Result<Metered, StoreError> {
        self.counter(self.keys.metered_events(place)).await?;
        let prefix = self.keys.segments(place);
        let mut metered = Metered::default();
        for (key, holds) in self.snapshot.counters(&prefix, Scan::first(usize::MAX)).await? {
            let (_, segment) = Keys::read_segment(&key).ok_or_else(|| StoreError::Corrupt {
                reason: format!("{key} does not say which segment it counts"),
            })?;
            metered.counted.insert(segment, Quantity::from_millionths(holds));
        }
        // Where there is no quota, what was used in all makes no difference.
        for metric in limits.keys() {
            let WindowPlace { user_id, usage_epoch, start } = place;
            let key = self.keys.usage(user_id, *usage_epoch, *start, metric);
            let total = Quantity::from_millionths(self.counter(key).await?);
            metered.totals.insert(metric.clone(), total);
        }
        Ok(metered)
    }

    /// What a counter holds, which is expected still when it is written.
    async fn counter(&mut self, key: Key) -> Result<i64, StoreError> {
        let holds = self.snapshot.counter(&key).await?;
        self.grounds.counters.push((key, holds));
        Ok(holds)
    }

    /// Where the user stands now.
    async fn standing(&mut self) -> Result<Standing, Error> {
        let (keys, user_id) = (&self.keys, &self.place.user_id);
        let (version, user) = users::known(self.snapshot, keys, user_id).await?;
        let settings = Kept::read(self.snapshot, self.tenant).await?;
        self.grounds.rests_on.add(keys.user(user_id), version);
        self.grounds.rests_on.add(keys.settings(), settings.version());
        let settings = &settings.record.settings;
        Ok(Standing::of_user(self.snapshot, keys, settings, user_id, &user).await?)
    }

    async fn draft(&self, currency: Currency, sheet: Sheet) -> Result<Draft, Error> {
        let Sheet { id, lines, questions, charges } = sheet;
        let user_id = &self.place.user_id;
        let key = self.keys.credit(user_id, currency);
        let credit = match self.snapshot.get(&key).await? {
            Some(record) => (Some(record.version), record.decode::<CreditRecord>()?.balance),
            None => (None, Decimal::ZERO),
        };
        let taken = self.taken.credit.get(currency.code()).copied().unwrap_or_default();
        let (window, has) = (self.window.window, credit.1 - taken);
        let upcoming = UpcomingStatement::of(user_id, window, currency, lines, has)?;
        Ok(Draft { id, upcoming, questions, charges, currency, credit })
    }
}

/// A line about usage of a window; `what` is what is special about it.
pub(crate) fn line(
    kind: LineKind,
    segment: &Segment,
    priced: &Priced,
    window: Window,
    what: &str,
) -> StatementLine {
    let Priced { charge, label, region, quantity, at: (question, question_line), .. } = priced;
    let place = region.as_deref().map(|region| format!(", {region}")).unwrap_or_default();
    let phase = charge.phase_type;
    let description = format!("{label} ({}{place}){what}", phase.as_str());
    let steps = charge.steps.iter().map(|step| QuoteStep {
        quantity: step.quantity,
        unit_price: step.unit_price,
        amount: step.amount,
        note: step.note.clone(),
    });
    let line = StatementLine {
        external_id: Some(segment.metric.to_string()),
        phase: Some(phase),
        region: region.clone(),
        quantity: Some(*quantity),
        steps: steps.collect(),
        question: Some(*question),
        question_line: Some(*question_line),
        plugin: Some(priced.plugin.clone()),
        ..StatementLine::of_money(kind, description, charge.amount)
    };
    line.during(window)
}

fn missing_currency() -> Refusal {
    let message =
        "Neither the user nor the settings say in what currency usage is paid. Set one of them.";
    Refusal::unfit(FieldError::new("currency", "missing_currency", message))
}
