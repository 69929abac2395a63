//! Windows in which something was metered or charged: they are opened by the first that comes, and are due to be closed
//! by a statement when they end.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use planwright_domain::billing_plan::entry::Kind;
use planwright_domain::period::Window;
use planwright_domain::statement::billing_window::{BillingWindow, Priced};
use planwright_domain::statement::segment::Segment;
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::usage::Limit;
use planwright_store::{ChangeSet, Snapshot, Store, StoreError};

use crate::app::App;
use crate::error::Error;
use crate::keys::{HostKeys, Keys, Timeline, WindowPlace};
use crate::statements::statement_documents::{BillingWindowRecord, WindowMark};
use crate::subscriptions::governing::Governing;
use crate::tenants;

/// A billing window and the version of its record, if there is one.
pub(crate) async fn find<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    place: &WindowPlace,
) -> Result<Option<(u64, BillingWindow)>, StoreError> {
    let Some(record) = snapshot.get(&keys.billing_window(place)).await? else { return Ok(None) };
    Ok(Some((record.version, record.decode::<BillingWindowRecord>()?.window)))
}

/// Where usage counts for whoever is governed so.
pub(crate) fn place(user_id: &str, governing: &Governing) -> WindowPlace {
    WindowPlace {
        user_id: user_id.to_owned(),
        usage_epoch: governing.usage_epoch,
        start: governing.window.start,
    }
}

/// Writes what became of a window: its record, its place among what is due, and that it names what prices it.
pub(crate) fn replace(
    change: &mut ChangeSet,
    (timeline, tenant): (&Timeline, &TenantId),
    place: &WindowPlace,
    (version, before): (Option<u64>, Option<&BillingWindow>),
    after: &BillingWindow,
) {
    let key = Keys::of(tenant).billing_window(place);
    change.expect_as_read(&key, version);
    if before == Some(after) {
        return;
    }
    change.put(&key, &BillingWindowRecord { window: after.clone() });
    count_uses(change, &Keys::of(tenant), before.map(|before| &before.rests_on), &after.rests_on);
    let due_at = |window: &BillingWindow| window.due_at();
    let (was_due, is_due) = (before.and_then(due_at), due_at(after));
    if was_due == is_due {
        return;
    }
    if let Some(at) = was_due {
        change.delete(&HostKeys::statement_due(timeline, at, tenant, place));
    }
    if let Some(at) = is_due {
        change.put(&HostKeys::statement_due(timeline, at, tenant, place), &WindowMark {});
    }
}

/// Counts what prices a window no longer out, and what prices it now in: neither is deleted while usage is to be billed
/// by it.
fn count_uses(change: &mut ChangeSet, keys: &Keys, before: Option<&Priced>, after: &Priced) {
    let nothing = Priced::default();
    let before = before.unwrap_or(&nothing);
    for (kind, was, is) in [
        (Kind::BillingPlan, &before.billing_plans, &after.billing_plans),
        (Kind::Region, &before.regions, &after.regions),
    ] {
        for id in was.difference(is) {
            change.add(&keys.entry_uses(kind, *id), -1);
        }
        for id in is.difference(was) {
            change.add(&keys.entry_uses(kind, *id), 1);
        }
    }
}

/// The windows that one change set meters or charges something in.
pub(crate) struct OpenWindows {
    timeline: Timeline,
    tenant: TenantId,
    touched: BTreeMap<WindowPlace, Touched>,
}

struct Touched {
    version: Option<u64>,
    before: Option<BillingWindow>,
    after: BillingWindow,
    /// How many priced events are counted in it.
    events: i64,
}

impl OpenWindows {
    pub(crate) async fn begin<S: Store>(app: &App<S>, tenant: &TenantId) -> Result<Self, Error> {
        let timeline = tenants::timeline(app, tenant).await?;
        Ok(Self { timeline, tenant: tenant.clone(), touched: BTreeMap::new() })
    }

    /// Sees to it that a window is closed by a statement, if it is not closed already. Gives whether it is open.
    pub(crate) async fn open<N: Snapshot>(
        &mut self,
        snapshot: &N,
        place: &WindowPlace,
        window: Window,
    ) -> Result<bool, StoreError> {
        Ok(self.touch(snapshot, place, window).await?.after.is_open())
    }

    /// The same for a window in which a priced event is counted: by which segments, and what a plan allows of their metrics.
    pub(crate) async fn count<N: Snapshot>(
        &mut self,
        snapshot: &N,
        place: &WindowPlace,
        window: Window,
        counted: impl IntoIterator<Item = (&Segment, Limit)>,
    ) -> Result<bool, StoreError> {
        let touched = self.touch(snapshot, place, window).await?;
        touched.events += 1;
        for (segment, limit) in counted {
            touched.after.note_limit(&segment.metric, limit);
            touched.after.note_segment(segment);
        }
        Ok(touched.after.is_open())
    }

    async fn touch<N: Snapshot>(
        &mut self,
        snapshot: &N,
        place: &WindowPlace,
        window: Window,
    ) -> Result<&mut Touched, StoreError> {
        Ok(match self.touched.entry(place.clone()) {
            Entry::Occupied(touched) => touched.into_mut(),
            Entry::Vacant(vacant) => {
                let found = find(snapshot, &Keys::of(&self.tenant), place).await?;
                let (version, before) = found.unzip();
                let after = before.clone().unwrap_or_else(|| BillingWindow::open(window));
                vacant.insert(Touched { version, before, after, events: 0 })
            }
        })
    }

    /// Writes them, expecting each as it was read.
    pub(crate) fn write(&self, change: &mut ChangeSet) {
        let keys = Keys::of(&self.tenant);
        let whose = (&self.timeline, &self.tenant);
        for (place, touched) in &self.touched {
            let Touched { version, before, after, events } = touched;
            replace(change, whose, place, (*version, before.as_ref()), after);
            if *events > 0 {
                change.add(&keys.metered_events(place), *events);
                if !after.is_open() {
                    change.put(&keys.adjustment_due(place), &WindowMark {});
                }
            }
        }
    }
}
