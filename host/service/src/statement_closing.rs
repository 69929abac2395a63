//! Closing a window: what was metered in it, what came late into earlier ones, and what of it is paid from credit make a
//! statement for each currency. It is prepared from one snapshot, and written expecting all that it rests on. An attempt
//! that fails is written, too: the window stays open, and is tried again.

use std::collections::{BTreeMap, BTreeSet};

use planwright_domain::Refusal;
use planwright_domain::billing_window::{BillingWindow, Closed, Metered, WindowState, due_more};
use planwright_domain::caller::TenantId;
use planwright_domain::event;
use planwright_domain::fee_charge::FeeCharge;
use planwright_domain::metric::Metric;
use planwright_domain::money::Currency;
use planwright_domain::period::Window;
use planwright_domain::quantity::Quantity;
use planwright_domain::quote::QuoteStep;
use planwright_domain::refusal::FieldError;
use planwright_domain::segment::{Quantities, Segment};
use planwright_domain::statement::{
    Documented, LineKind, Statement, StatementLine, UpcomingStatement,
};
use planwright_domain::time::Timestamp;
use planwright_store::{ChangeSet, Key, Scan, Snapshot, Store, StoreError};
use rust_decimal::Decimal;

use crate::app::App;
use crate::documents::{CreditEntryRecord, CreditRecord};
use crate::error::Error;
use crate::governing::RestsOn;
use crate::keys::{Keys, Timeline, WindowPlace};
use crate::outbox::Listeners;
use crate::price_books::Standing;
use crate::priced_by::{PricedBy, pricer};
use crate::settings::Kept;
use crate::statement_pricing::{AskedUsage, Priced, Pricing};
use crate::statement_run::Run;
use crate::{billing_windows, fee_charges, ids, statement_records, tenants, users};

/// How many windows that usage came late into one statement carries; what is more comes on the next one.
const MOST_ADJUSTED: usize = 100;

/// A window on its way into statements.
pub(crate) struct Closing {
    tenant: TenantId,
    timeline: Timeline,
    place: WindowPlace,
    version: u64,
    before: BillingWindow,
    /// The statement of the attempt that failed before.
    failed: Option<(u64, Documented)>,
    /// Counters that were read.
    counters: Vec<(Key, i64)>,
    rests_on: RestsOn,
    /// Who is told what becomes of it.
    listeners: Listeners,
    /// Who was asked, if anybody was.
    priced_by: Option<PricedBy>,
    adjusted: Vec<Adjusted>,
    /// The places of fees that are on no statement yet and come on this one.
    unbilled: Vec<(Key, u64)>,
    outcome: Result<Billed, Failed>,
}

/// What is to be written.
#[derive(Default)]
struct Billed {
    closed: Closed,
    drafts: Vec<Draft>,
}

/// Why nothing is.
struct Failed {
    currency: Option<Currency>,
    reason: String,
}

/// A statement that is to be written.
struct Draft {
    upcoming: UpcomingStatement,
    questions: Vec<AskedUsage>,
    charges: Vec<FeeCharge>,
    currency: Currency,
    credit: (Option<u64>, Decimal),
}

/// An earlier window, and what came late into it.
struct Adjusted {
    place: WindowPlace,
    mark: (Key, u64),
    version: u64,
    before: BillingWindow,
    after: BillingWindow,
}

/// Prepares the closing of a window; nothing if it is closed already.
pub(crate) async fn prepare<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    run: &Run,
    tenant: &TenantId,
    place: &WindowPlace,
) -> Result<Option<Closing>, Error> {
    let keys = Keys::of(tenant);
    let found = billing_windows::find(snapshot, &keys, place).await?;
    let Some((version, before)) = found.filter(|(_, window)| window.is_open()) else {
        return Ok(None);
    };
    let failed = match before.failed_attempt() {
        Some(attempt) => {
            Some(statement_records::load(snapshot, &keys, &attempt.statement_id).await?)
        }
        None => None,
    };
    let mut closing = Closing {
        tenant: tenant.clone(),
        timeline: tenants::timeline(app, tenant).await?,
        place: place.clone(),
        version,
        before,
        failed,
        counters: Vec::new(),
        rests_on: RestsOn::default(),
        listeners: Listeners::read(snapshot, tenant).await?,
        priced_by: None,
        unbilled: Vec::new(),
        adjusted: Vec::new(),
        outcome: Ok(Billed::default()),
    };
    let mut billing = Billing { app, snapshot, run, keys, closing: &mut closing, currency: None };
    let outcome = match Box::pin(billing.bill()).await {
        Ok(billed) => Ok(billed),
        Err(error @ (Error::Refused(_) | Error::Plugin(_))) => {
            Err(Failed { currency: billing.currency, reason: error.to_string() })
        }
        Err(error) => return Err(error),
    };
    closing.outcome = outcome;
    Ok(Some(closing))
}

/// What a closing is worked out with.
struct Billing<'a, S: Store> {
    app: &'a App<S>,
    snapshot: &'a S::Snapshot,
    run: &'a Run,
    keys: Keys,
    closing: &'a mut Closing,
    /// What metered usage is paid in, once that is known.
    currency: Option<Currency>,
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
    async fn bill(&mut self) -> Result<Billed, Error> {
        let place = self.closing.place.clone();
        let metered = self.metered(&place).await?;
        let mut quantities = self.closing.before.to_bill(&metered);
        quantities.retain(|_, quantity| *quantity > Quantity::ZERO);
        let window = self.closing.before.window;
        let own = Wanted { window, currency: None, quantities };
        let late = self.late().await?;
        let mut sheets = Sheets::new();
        self.charges(window, &mut sheets).await?;
        let priced = self.price_all(&own, &late, &mut sheets).await?;
        let mut closed = Closed::default().adjusted(&metered, &priced);
        closed.currency = self.currency.filter(|_| !own.quantities.is_empty());
        let mut drafts = Vec::new();
        for (currency, sheet) in sheets.into_values() {
            drafts.push(self.draft(window, currency, sheet).await?);
        }
        Ok(Billed { closed, drafts })
    }

    /// Puts fees on the sheets of their currencies that were charged before the window's end and are on no statement yet.
    async fn charges(&mut self, window: Window, sheets: &mut Sheets) -> Result<(), StoreError> {
        let user_id = &self.closing.place.user_id;
        for unbilled in fee_charges::unbilled(self.snapshot, &self.keys, user_id).await? {
            let charge = unbilled.charge;
            if charge.at >= window.end {
                continue;
            }
            let sheet = sheet_of(sheets, charge.currency);
            sheet.lines.extend(StatementLine::of_charge(sheet.charges.len(), &charge));
            sheet.charges.push(charge);
            self.closing.unbilled.push(unbilled.place);
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
            self.closing.adjusted =
                late.iter().map(|one| one.adjusted(&BTreeMap::new(), None)).collect();
            return Ok(BTreeMap::new());
        }
        let standing = self.standing().await?;
        self.currency = standing.currency;
        let (app, snapshot) = (self.app, self.snapshot);
        let (tenant, user_id) = (self.closing.tenant.clone(), self.closing.place.user_id.clone());
        let changes = self.counter(self.keys.entry_changes()).await?;
        let by = self.run.pricer(app, snapshot, &tenant, own.window.end).await?;
        let pricer = pricer(&by.plugin)?;
        self.closing.priced_by = Some(by.priced_by);
        let pricing = Pricing {
            app,
            snapshot,
            tenant: &tenant,
            user_id: &user_id,
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
        self.closing.adjusted = adjusted;
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
    async fn metered(&mut self, place: &WindowPlace) -> Result<Metered, StoreError> {
        self.counter(self.keys.metered_events(place)).await?;
        let prefix = self.keys.segments(place);
        let mut metered = Metered::default();
        for (key, holds) in self.snapshot.counters(&prefix, Scan::first(usize::MAX)).await? {
            let (_, segment) = Keys::read_segment(&key).ok_or_else(|| StoreError::Corrupt {
                reason: format!("{key} does not say which segment it counts"),
            })?;
            metered.counted.insert(segment, Quantity::from_millionths(holds));
        }
        let metrics: BTreeSet<Metric> =
            metered.counted.keys().map(|segment| segment.metric.clone()).collect();
        for metric in metrics {
            let WindowPlace { user_id, usage_epoch, start } = place;
            let key = self.keys.usage(user_id, *usage_epoch, *start, &metric);
            let total = Quantity::from_millionths(self.counter(key).await?);
            metered.totals.insert(metric, total);
        }
        Ok(metered)
    }

    /// What a counter holds, which is expected still when it is written.
    async fn counter(&mut self, key: Key) -> Result<i64, StoreError> {
        let holds = self.snapshot.counter(&key).await?;
        self.closing.counters.push((key, holds));
        Ok(holds)
    }

    /// Windows that usage came into after they were closed.
    async fn late(&mut self) -> Result<Vec<Late>, Error> {
        let marks = self.keys.adjustments_due(&self.closing.place.user_id);
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
            let metered = self.metered(&place).await?;
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
        let Closing { tenant, place, rests_on, .. } = &mut *self.closing;
        let (version, user) = users::known(self.snapshot, &self.keys, &place.user_id).await?;
        let settings = Kept::read(self.snapshot, tenant).await?;
        rests_on.add(self.keys.user(&place.user_id), version);
        rests_on.add(self.keys.settings(), settings.version());
        let settings = &settings.record.settings;
        let id = &place.user_id;
        Ok(Standing::of_user(self.snapshot, &self.keys, settings, id, &user).await?)
    }

    async fn draft(
        &self,
        window: Window,
        currency: Currency,
        sheet: Sheet,
    ) -> Result<Draft, Error> {
        let Sheet { lines, questions, charges } = sheet;
        let user_id = &self.closing.place.user_id;
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

impl Closing {
    /// The statements as they would be written.
    pub(crate) fn upcoming(self) -> Vec<UpcomingStatement> {
        let (user_id, window) = (&self.place.user_id, self.before.window);
        match self.outcome {
            Ok(billed) => billed.drafts.into_iter().map(|draft| draft.upcoming).collect(),
            Err(Failed { currency, reason }) => {
                vec![UpcomingStatement::failed(user_id, window, currency, reason)]
            }
        }
    }

    /// Writes the statements, or why there are none, expecting all that they rest on.
    pub(crate) fn write<S: Store>(&self, app: &App<S>, change: &mut ChangeSet, now: Timestamp) {
        for (counter, holds) in &self.counters {
            change.expect_counter(counter, *holds);
        }
        self.rests_on.expect(change);
        let after = match &self.outcome {
            Ok(billed) => self.write_billed(app, change, billed, now),
            Err(failed) => self.write_failed(app, change, failed, now),
        };
        let was = (Some(self.version), Some(&self.before));
        billing_windows::replace(change, (&self.timeline, &self.tenant), &self.place, was, &after);
    }

    fn write_billed<S: Store>(
        &self,
        app: &App<S>,
        change: &mut ChangeSet,
        billed: &Billed,
        now: Timestamp,
    ) -> BillingWindow {
        let mut statements = Vec::new();
        let mut failed = self.failed.as_ref();
        for draft in &billed.drafts {
            let mut documented = self.statement(app, failed.take(), &draft.upcoming, now);
            documented.1.questions.clone_from(&draft.questions);
            documented.1.charges.clone_from(&draft.charges);
            let id = self.put(app, change, documented, now);
            self.use_credit(app, change, draft, &id, now);
            statements.push(id);
        }
        if failed.is_some() {
            // It failed for something that is not to be paid any more.
            let nothing = UpcomingStatement::empty(&self.place.user_id, self.before.window);
            let documented = self.statement(app, failed, &nothing, now);
            statements.push(self.put(app, change, documented, now));
        }
        if let Some(priced_by) = &self.priced_by {
            priced_by.mark(change);
        }
        for (place, version) in &self.unbilled {
            change.expect_version(place, *version).delete(place);
        }
        for adjusted in &self.adjusted {
            let (mark, version) = &adjusted.mark;
            change.expect_version(mark, *version).delete(mark);
            let was = (Some(adjusted.version), Some(&adjusted.before));
            let whose = (&self.timeline, &self.tenant);
            billing_windows::replace(change, whose, &adjusted.place, was, &adjusted.after);
        }
        let closed = Closed { statements, ..billed.closed.clone() };
        BillingWindow { state: WindowState::Closed(closed), ..self.before.clone() }
    }

    fn write_failed<S: Store>(
        &self,
        app: &App<S>,
        change: &mut ChangeSet,
        failed: &Failed,
        now: Timestamp,
    ) -> BillingWindow {
        let Failed { currency, reason } = failed;
        let (user_id, window) = (&self.place.user_id, self.before.window);
        let upcoming = UpcomingStatement::failed(user_id, window, *currency, reason.clone());
        let documented = self.statement(app, self.failed.as_ref(), &upcoming, now);
        let id = self.put(app, change, documented, now);
        let tenant = &self.tenant;
        tracing::warn!(%tenant, user_id, id, reason, "a statement failed; it is tried again");
        self.before.clone().failed(id, now)
    }

    /// A statement, in the place of the one that failed before, if there is one, and the version of that.
    fn statement<S: Store>(
        &self,
        app: &App<S>,
        failed: Option<&(u64, Documented)>,
        upcoming: &UpcomingStatement,
        now: Timestamp,
    ) -> (Option<u64>, Documented) {
        let (version, id, created_at) = match failed {
            Some((version, was)) => {
                (Some(*version), was.statement.id.clone(), was.statement.created_at)
            }
            None => (None, ids::fresh(app.entropy.as_ref(), "sta_"), now),
        };
        let statement = Statement::written(id, upcoming.clone(), created_at);
        (version, Documented { statement, questions: Vec::new(), charges: Vec::new() })
    }

    /// Writes it, and tells of it.
    fn put<S: Store>(
        &self,
        app: &App<S>,
        change: &mut ChangeSet,
        (version, it): (Option<u64>, Documented),
        now: Timestamp,
    ) -> String {
        statement_records::put(change, &Keys::of(&self.tenant), version, &it);
        let failed = self.failed.as_ref().map(|(_, failed)| &failed.statement);
        let before = failed.filter(|failed| failed.id == it.statement.id);
        self.listeners.tell(app, change, &event::of_statement(before, &it.statement), now);
        it.statement.id
    }

    fn use_credit<S: Store>(
        &self,
        app: &App<S>,
        change: &mut ChangeSet,
        draft: &Draft,
        statement_id: &str,
        now: Timestamp,
    ) {
        let (keys, user_id) = (Keys::of(&self.tenant), &self.place.user_id);
        let (version, balance) = draft.credit;
        let used = draft.upcoming.credit_applied;
        let key = keys.credit(user_id, draft.currency);
        change.expect_as_read(&key, version);
        if used.is_zero() {
            return;
        }
        let entry = CreditEntryRecord {
            amount: -used,
            reason: "statement".to_owned(),
            subscription_id: None,
            transaction_id: None,
            charge_id: None,
            statement_id: Some(statement_id.to_owned()),
            at: now,
        };
        let id = ids::fresh(app.entropy.as_ref(), "crd_");
        change
            .put(&key, &CreditRecord { balance: balance - used })
            .put(&keys.credit_entry(user_id, draft.currency, now, &id), &entry);
    }
}
