//! What counting an event adds to segments. Where a tenant has no price catalog, it costs one look at a counter.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use planwright_domain::statement::segment::Segment;
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::{self, Timestamp};
use planwright_domain::usage::Limit;
use planwright_domain::usage::metric::Metric;
use planwright_domain::usage::quantity::Quantity;
use planwright_domain::usage::usage_event::UsageEvent;
use planwright_store::{ChangeSet, Key, Snapshot, Store};

use crate::app::App;
use crate::billing_plans::price_books::Standing;
use crate::error::Error;
use crate::keys::Keys;
use crate::statements::billing_windows::{self, OpenWindows};
use crate::statements::metering::{Metering, phases};
use crate::subscriptions::entitlements;
use crate::subscriptions::governing::{Governing, RestsOn};
use crate::tenants::kept_settings::Kept;
use crate::users;

/// What one change set adds to segments.
#[derive(Default)]
pub(crate) struct Meter {
    /// How often the price catalog had changed, once somebody looked.
    changes: Option<i64>,
    /// By user and by the billing plan of the plan.
    known: HashMap<(String, Option<u64>), Arc<Metering>>,
    /// Whose clocks begin to run, and when.
    begun: BTreeMap<String, (Timestamp, Arc<Metering>)>,
    segments: BTreeMap<Key, Quantity>,
    windows: Option<OpenWindows>,
}

impl Meter {
    /// Adds an event that counts, and gives the segments of what of it is priced.
    pub(crate) async fn add<S: Store>(
        &mut self,
        app: &App<S>,
        snapshot: &S::Snapshot,
        (tenant, user_id): (&TenantId, &str),
        event: &UsageEvent,
        governing: &Governing,
        now: Timestamp,
    ) -> Result<BTreeMap<Metric, Segment>, Error> {
        let keys = Keys::of(tenant);
        let changes = match self.changes {
            Some(changes) => changes,
            None => *self.changes.insert(snapshot.counter(&keys.entry_changes()).await?),
        };
        if changes == 0 {
            return Ok(BTreeMap::new());
        }
        let metering = self.metering(app, snapshot, (tenant, user_id), governing, changes).await?;
        let amounts = event.asked.amounts.iter().filter(|(_, amount)| **amount > Quantity::ZERO);
        let priced: Vec<_> =
            amounts.filter(|(metric, _)| metering.priced.contains_key(*metric)).collect();
        if priced.is_empty() {
            return Ok(BTreeMap::new());
        }
        let at = event.timestamp.unwrap_or(now);
        let started = self.started(user_id, &metering, at);
        let place = billing_windows::place(user_id, governing);
        let mut segments = BTreeMap::new();
        for (metric, amount) in &priced {
            let Some(segment) = metering.segment(metric, started, at) else { continue };
            let sum = self.segments.entry(keys.segment(&place, &segment)).or_default();
            // No larger than the total of the metric, which can be counted.
            *sum = sum.checked_add(**amount).unwrap_or(Quantity::MOST);
            segments.insert((*metric).clone(), segment);
        }
        let windows = match &mut self.windows {
            Some(windows) => windows,
            none => none.insert(OpenWindows::begin(app, tenant).await?),
        };
        let plan = governing.plan.as_ref();
        let counted = segments.values().map(|it| (it, Limit::of(plan, &it.metric)));
        if !windows.count(snapshot, &place, governing.window, counted).await? {
            open_current(app, windows, (tenant, user_id), now).await?;
        }
        Ok(segments)
    }

    async fn metering<S: Store>(
        &mut self,
        app: &App<S>,
        snapshot: &S::Snapshot,
        (tenant, user_id): (&TenantId, &str),
        governing: &Governing,
        changes: i64,
    ) -> Result<Arc<Metering>, Error> {
        let of_plan = governing.plan.as_ref().and_then(|plan| plan.billing_plan_id);
        let name = (user_id.to_owned(), of_plan);
        if let Some(known) = self.known.get(&name) {
            return Ok(Arc::clone(known));
        }
        let found = read(app, snapshot, (tenant, user_id), governing, changes).await?;
        self.known.insert(name, Arc::clone(&found));
        Ok(found)
    }

    /// Since when the user's clock runs: since this event, if it did not.
    fn started(&mut self, user_id: &str, metering: &Arc<Metering>, at: Timestamp) -> Timestamp {
        if let Some(started) = metering.started {
            return started;
        }
        let begun = || (time::whole(at), Arc::clone(metering));
        self.begun.entry(user_id.to_owned()).or_insert_with(begun).0
    }

    /// Writes what was added, expecting all that it rests on.
    pub(crate) fn write(&self, tenant: &TenantId, change: &mut ChangeSet) {
        let keys = Keys::of(tenant);
        if self.changes == Some(0) {
            change.expect_counter(&keys.entry_changes(), 0);
        }
        for metering in self.known.values() {
            metering.expect(&keys, change);
        }
        for (user_id, (started, metering)) in &self.begun {
            let (version, mut user) = metering.user.clone();
            user.facts.phase_started = Some(*started);
            users::put(change, &keys, user_id, version, &user);
        }
        for (counter, amount) in &self.segments {
            change.add(counter, amount.millionths());
        }
        if let Some(windows) = &self.windows {
            windows.write(change);
        }
    }
}

/// What came into a window that is closed is carried by the next statement, for which the user's window of now is opened.
async fn open_current<S: Store>(
    app: &App<S>,
    windows: &mut OpenWindows,
    (tenant, user_id): (&TenantId, &str),
    now: Timestamp,
) -> Result<(), Error> {
    let (snapshot, governing) = Box::pin(entitlements::now(app, tenant, user_id, now)).await?;
    let current = billing_windows::place(user_id, &governing);
    if !windows.open(&snapshot, &current, governing.window).await? {
        // It ended while this was on its way.
        let end = governing.window.end;
        let next = entitlements::then(&snapshot, tenant, user_id, end).await?;
        windows.open(&snapshot, &billing_windows::place(user_id, &next), next.window).await?;
    }
    Ok(())
}

/// What prices a user who is governed so.
async fn read<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    (tenant, user_id): (&TenantId, &str),
    governing: &Governing,
    changes: i64,
) -> Result<Arc<Metering>, Error> {
    let of_plan = governing.plan.as_ref().and_then(|plan| plan.billing_plan_id);
    if let Some(kept) = app.metering.kept(tenant, user_id)
        && kept.holds(snapshot, of_plan, changes).await?
    {
        return Ok(kept);
    }
    let found = Box::pin(find(app, snapshot, (tenant, user_id), of_plan, changes));
    let found = Arc::new(found.await?);
    if found.may_be_kept() {
        app.metering.keep(tenant, user_id, &found);
    }
    Ok(found)
}

async fn find<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    (tenant, user_id): (&TenantId, &str),
    of_plan: Option<u64>,
    changes: i64,
) -> Result<Metering, Error> {
    let keys = Keys::of(tenant);
    let (version, user) = users::known(snapshot, &keys, user_id).await?;
    let settings = Kept::read(snapshot, tenant).await?;
    let mut rests_on = RestsOn::default();
    rests_on.add(keys.user(user_id), version);
    rests_on.add(keys.settings(), settings.version());
    let standing =
        Standing::of_user(snapshot, &keys, &settings.record.settings, user_id, &user).await?;
    let book = match standing.book_beside(of_plan) {
        Some(id) => app.books.read(snapshot, tenant, id, changes).await?,
        None => None,
    };
    let started = standing.phase_started;
    Ok(Metering {
        of_plan,
        billing_plan_id: book.as_ref().map_or(0, |book| book.plan.id),
        region_id: standing.region.map_or(0, |region| region.id),
        started,
        priced: book.map(|book| phases(&book, started)).unwrap_or_default(),
        user: (version, user),
        changes,
        rests_on,
    })
}
