//! What a window comes to: its metered usage, what came late into earlier windows, and the fees that were charged,
//! priced from one snapshot; and all that this rests on.

use std::collections::BTreeMap;

use planwright_domain::Refusal;
use planwright_domain::billing_window::{BillingWindow, Closed, Metered, WindowState, due_more};
use planwright_domain::caller::TenantId;
use planwright_domain::fee_charge::FeeCharge;
use planwright_domain::metric::Metric;
use planwright_domain::money::Currency;
use planwright_domain::period::Window;
use planwright_domain::quantity::Quantity;
use planwright_domain::quote::QuoteStep;
use planwright_domain::refusal::FieldError;
use planwright_domain::segment::{Quantities, Segment};
use planwright_domain::statement::UpcomingStatement;
use planwright_domain::statement_line::{LineKind, StatementLine};
use planwright_domain::usage::Limit;
use planwright_store::{ChangeSet, Key, Scan, Snapshot, Store, StoreError};
use rust_decimal::Decimal;

use crate::app::App;
use crate::billing_plans::price_books::Standing;
use crate::documents::CreditRecord;
use crate::error::Error;
use crate::keys::{Keys, WindowPlace};
use crate::plugins::priced_by::{PricedBy, pricer};
use crate::statements::billing_windows;
use crate::statements::statement_pricers::Run;
use crate::statements::statement_pricing::{AskedUsage, Priced, Pricing};
use crate::subscriptions::fee_charges;
use crate::subscriptions::governing::RestsOn;
use crate::tenants::kept_settings::Kept;
use crate::users;

/// How many windows that usage came late into one statement carries; what is more comes on the next one.
const MOST_ADJUSTED: usize = 100;

/// What is to be written.
#[derive(Default)]
pub(crate) struct Billed {
    pub(crate) closed: Closed,
    pub(crate) drafts: Vec<Draft>,
}

/// A statement that is to be written.
pub(crate) struct Draft {
    pub(crate) upcoming: UpcomingStatement,
    pub(crate) questions: Vec<AskedUsage>,
    pub(crate) charges: Vec<FeeCharge>,
    pub(crate) currency: Currency,
    pub(crate) credit: (Option<u64>, Decimal),
}

/// An earlier window, and what came late into it.
pub(crate) struct Adjusted {
    pub(crate) place: WindowPlace,
    pub(crate) mark: (Key, u64),
    pub(crate) version: u64,
    pub(crate) before: BillingWindow,
    pub(crate) after: BillingWindow,
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
    pub(crate) keys: Keys,
    /// What it rests on, as far as it was looked at.
    pub(crate) grounds: Grounds,
    /// What metered usage is paid in, once that is known.
    pub(crate) currency: Option<Currency>,
}

/// What a statement of one currency has.
#[derive(Default)]
struct Sheet {
    lines: Vec<StatementLine>,
    questions: Vec<AskedUsage>,
    charges: Vec<FeeCharge>,
}

/// By currency.
type Sheets = BTreeMap<&'static str, (Currency, Sheet)>;

fn sheet_of(sheets: &mut Sheets, currency: Currency) -> &mut Sheet {
    &mut sheets.entry(currency.code()).or_insert_with(|| (currency, Sheet::default())).1
}

/// Something that is to be priced: of which window, in what, and how much.
struct Wanted {
    window: Window,
    currency: Option<Currency>,
    quantities: Quantities,
}

impl<S: Store> Billing<'_, S> {
    /// Works it out.
    ///
    /// # Errors
    /// What keeps it from being written; what was looked at until then is in the grounds.
    pub(crate) async fn bill(&mut self) -> Result<Billed, Error> {
        let metered = self.metered(self.place, &self.window.limits).await?;
        let mut quantities = self.window.to_bill(&metered);
        quantities.retain(|_, quantity| *quantity > Quantity::ZERO);
        let window = self.window.window;
        let own = Wanted { window, currency: None, quantities };
        let late = self.late().await?;
        let mut sheets = Sheets::new();
        self.charges(&mut sheets).await?;
        let priced = self.price_all(&own, &late, &mut sheets).await?;
        let mut closed = Closed::default().adjusted(&metered, &priced);
        closed.currency = self.currency.filter(|_| !own.quantities.is_empty());
        let mut drafts = Vec::new();
        for (currency, sheet) in sheets.into_values() {
            drafts.push(self.draft(window, currency, sheet).await?);
        }
        Ok(Billed { closed, drafts })
    }

    /// Puts the fees that were charged in the window on the sheets of their currencies.
    async fn charges(&mut self, sheets: &mut Sheets) -> Result<(), StoreError> {
        for unbilled in fee_charges::unbilled(self.snapshot, &self.keys, self.place).await? {
            let charge = unbilled.charge;
            let sheet = sheet_of(sheets, charge.currency);
            sheet.lines.extend(StatementLine::of_charge(sheet.charges.len(), &charge));
            sheet.charges.push(charge);
            self.grounds.unbilled.push(unbilled.place);
        }
        Ok(())
    }

    /// Prices the window's own usage and what came late, and puts both on the sheets of their currencies.
    async fn price_all(
        &mut self,
        own: &Wanted,
        late: &[Late],
        sheets: &mut Sheets,
    ) -> Result<BTreeMap<Segment, (Quantity, Decimal)>, Error> {
        let is_quiet =
            own.quantities.is_empty() && late.iter().all(|one| one.wanted.quantities.is_empty());
        if is_quiet {
            self.grounds.adjusted =
                late.iter().map(|one| one.adjusted(&BTreeMap::new(), None)).collect();
            return Ok(BTreeMap::new());
        }
        let standing = self.standing().await?;
        self.currency = standing.currency;
        let (app, snapshot, tenant) = (self.app, self.snapshot, self.tenant);
        let changes = self.counter(self.keys.entry_changes()).await?;
        let by = self.run.pricer(app, snapshot, tenant, own.window.end).await?;
        let pricer = pricer(&by.plugin)?;
        self.grounds.priced_by = Some(by.priced_by);
        let pricing = Pricing {
            app,
            snapshot,
            tenant,
            user_id: &self.place.user_id,
            standing: &standing,
            book_of_now: standing.book_beside(None),
            changes,
            plugin: by.plugin,
            pricer,
        };
        let priced = self.price(&pricing, own, sheets, |segment, priced, window| {
            Some(line(LineKind::Usage, segment, priced, window))
        });
        let priced = priced.await?;
        let mut adjusted = Vec::new();
        for one in late {
            let costs = self.price(&pricing, &one.wanted, sheets, |segment, priced, window| {
                one.line(segment, priced, window)
            });
            adjusted.push(one.adjusted(&costs.await?, self.currency));
        }
        self.grounds.adjusted = adjusted;
        Ok(priced)
    }

    async fn price(
        &self,
        pricing: &Pricing<'_, S>,
        wanted: &Wanted,
        sheets: &mut Sheets,
        line: impl Fn(&Segment, &Priced, Window) -> Option<StatementLine>,
    ) -> Result<BTreeMap<Segment, (Quantity, Decimal)>, Error> {
        if wanted.quantities.is_empty() {
            return Ok(BTreeMap::new());
        }
        let currency = wanted.currency.or(self.currency).ok_or_else(missing_currency)?;
        let sheet = sheet_of(sheets, currency);
        let Wanted { window, quantities, .. } = wanted;
        let priced = pricing.price(*window, currency, quantities, &mut sheet.questions).await?;
        for (segment, priced) in &priced {
            sheet.lines.extend(line(segment, priced, *window));
        }
        let cost = |(segment, priced): (Segment, Priced)| {
            (segment, (priced.quantity, priced.charge.amount))
        };
        Ok(priced.into_iter().map(cost).collect())
    }

    /// What counters say of a window. They are expected to hold it still: the number of priced events moves with every
    /// segment.
    async fn metered(
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

    /// Windows that usage came into after they were closed.
    async fn late(&mut self) -> Result<Vec<Late>, Error> {
        let marks = self.keys.adjustments_due(&self.place.user_id);
        let mut late = Vec::new();
        for (mark, record) in self.snapshot.scan(&marks, Scan::first(MOST_ADJUSTED)).await? {
            let place = Keys::read_window(&mark);
            let found = match &place {
                Some(place) => billing_windows::find(self.snapshot, &self.keys, place).await?,
                None => None,
            };
            let (Some(place), Some((version, before))) = (place, found) else {
                let reason = format!("{mark} leads to no window");
                return Err(StoreError::Corrupt { reason }.into());
            };
            let WindowState::Closed(closed) = &before.state else { continue };
            let metered = self.metered(&place, &before.limits).await?;
            let quantities = closed.to_adjust(&before.limits, &metered);
            let wanted = Wanted { window: before.window, currency: closed.currency, quantities };
            let closed = closed.clone();
            let mark = (mark, record.version);
            late.push(Late { place, mark, version, before, closed, metered, wanted });
        }
        Ok(late)
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

    async fn draft(
        &self,
        window: Window,
        currency: Currency,
        sheet: Sheet,
    ) -> Result<Draft, Error> {
        let Sheet { lines, questions, charges } = sheet;
        let user_id = &self.place.user_id;
        let key = self.keys.credit(user_id, currency);
        let credit = match self.snapshot.get(&key).await? {
            Some(record) => (Some(record.version), record.decode::<CreditRecord>()?.balance),
            None => (None, Decimal::ZERO),
        };
        let upcoming = UpcomingStatement::of(user_id, window, currency, lines, credit.1)?;
        Ok(Draft { upcoming, questions, charges, currency, credit })
    }
}

/// A window that was closed, and what is counted in it since.
struct Late {
    place: WindowPlace,
    mark: (Key, u64),
    version: u64,
    before: BillingWindow,
    closed: Closed,
    metered: Metered,
    wanted: Wanted,
}

impl Late {
    /// What is due more; no line where that is nothing.
    fn line(&self, segment: &Segment, priced: &Priced, window: Window) -> Option<StatementLine> {
        let before = self.closed.of(segment);
        let (quantity, billed) =
            before.map_or((Quantity::ZERO, Decimal::ZERO), |it| (it.quantity, it.amount));
        let amount = due_more(billed, priced.charge.amount);
        let line = StatementLine {
            amount,
            quantity: Some(priced.quantity.saturating_sub(quantity)),
            billed_before: Some(billed),
            ..line(LineKind::Adjustment, segment, priced, window)
        };
        (!amount.is_zero()).then_some(line)
    }

    /// What is billed of it then; `currency` is what usage is paid in where none of it was billed before.
    fn adjusted(
        &self,
        priced: &BTreeMap<Segment, (Quantity, Decimal)>,
        currency: Option<Currency>,
    ) -> Adjusted {
        let mut closed = self.closed.clone().adjusted(&self.metered, priced);
        closed.currency = closed.currency.or(currency.filter(|_| !priced.is_empty()));
        let after = BillingWindow { state: WindowState::Closed(closed), ..self.before.clone() };
        Adjusted {
            place: self.place.clone(),
            mark: self.mark.clone(),
            version: self.version,
            before: self.before.clone(),
            after,
        }
    }
}

fn line(kind: LineKind, segment: &Segment, priced: &Priced, window: Window) -> StatementLine {
    let Priced { charge, label, region, quantity, at: (question, question_line), .. } = priced;
    let place = region.as_deref().map(|region| format!(", {region}")).unwrap_or_default();
    let phase = charge.phase_type;
    let what = if kind == LineKind::Adjustment { " that came late" } else { "" };
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
