//! The keys of what is metered and billed: windows and statements lie with their tenant; what is to be closed lies with
//! the host, so that whoever does it finds the tenant.

use planwright_domain::billing_plan::PhaseType;
use planwright_domain::statement::Statement;
use planwright_domain::statement::segment::Segment;
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_domain::usage::metric::Metric;
use planwright_store::{Key, KeyBuilder, Part, Prefix};

use super::{Family, HostKeys, Keys, Timeline, seconds};

/// Which window of a user: usage counts by it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct WindowPlace {
    pub(crate) user_id: String,
    pub(crate) usage_epoch: u64,
    pub(crate) start: Timestamp,
}

impl WindowPlace {
    pub(super) fn in_key(&self, builder: KeyBuilder) -> KeyBuilder {
        builder.text(&self.user_id).number(self.usage_epoch).number(seconds(self.start))
    }

    /// The window that three parts of a key say.
    pub(super) fn read(parts: &[Part]) -> Option<Self> {
        let [Part::Text(user_id), Part::Number(usage_epoch), Part::Number(start)] = parts else {
            return None;
        };
        let start = Timestamp::from_second(i64::try_from(*start).ok()?).ok()?;
        Some(Self { user_id: user_id.clone(), usage_epoch: *usage_epoch, start })
    }
}

impl Keys {
    /// Record: a window in which something was metered or charged.
    pub(crate) fn billing_window(&self, place: &WindowPlace) -> Key {
        place.in_key(self.kind(Family::BillingWindow)).key()
    }

    /// Those of a user.
    pub(crate) fn billing_windows(&self, user_id: &str) -> Prefix {
        self.kind(Family::BillingWindow).text(user_id).prefix()
    }

    /// Which window a key is of that names one.
    pub(crate) fn read_window(key: &Key) -> Option<WindowPlace> {
        WindowPlace::read(&key.parts())
    }

    /// Counter: how many priced events a window has.
    pub(crate) fn metered_events(&self, place: &WindowPlace) -> Key {
        place.in_key(self.kind(Family::MeteredEvents)).key()
    }

    /// Counter: what was used in a segment of a window, in millionths.
    pub(crate) fn segment(&self, place: &WindowPlace, segment: &Segment) -> Key {
        place
            .in_key(self.kind(Family::Segment))
            .text(segment.metric.as_str())
            .text(segment.phase.as_str())
            .number(segment.region_id)
            .number(segment.billing_plan_id)
            .key()
    }

    /// Counters: all segments of a window.
    pub(crate) fn segments(&self, place: &WindowPlace) -> Prefix {
        place.in_key(self.kind(Family::Segment)).prefix()
    }

    /// Which segment of which window a counter is of.
    pub(crate) fn read_segment(key: &Key) -> Option<(WindowPlace, Segment)> {
        let parts = key.parts();
        let (place, segment) = parts.split_at_checked(3)?;
        let [Part::Text(metric), Part::Text(phase), Part::Number(region), Part::Number(plan)] =
            segment
        else {
            return None;
        };
        let segment = Segment {
            metric: Metric::named(metric),
            phase: PhaseType::from_name(phase)?,
            region_id: *region,
            billing_plan_id: *plan,
        };
        Some((WindowPlace::read(place)?, segment))
    }

    /// Record: that usage came into a window after it was billed. The user's next statement has it.
    pub(crate) fn adjustment_due(&self, place: &WindowPlace) -> Key {
        place.in_key(self.kind(Family::AdjustmentDue)).key()
    }

    /// All such windows of a user.
    pub(crate) fn adjustments_due(&self, user_id: &str) -> Prefix {
        self.kind(Family::AdjustmentDue).text(user_id).prefix()
    }

    /// Record: a statement.
    pub(crate) fn statement(&self, id: &str) -> Key {
        self.kind(Family::Statement).text(id).key()
    }

    /// Records: a statement's places in the lists of the tenant and its user, newest first.
    pub(crate) fn statement_places(&self, statement: &Statement) -> [Key; 2] {
        let (at, id) = (seconds(statement.created_at), &statement.id);
        let of_user = self.kind(Family::UserStatement).text(&statement.user_id);
        [
            self.kind(Family::EveryStatement).newest_first(at).text(id).key(),
            of_user.newest_first(at).text(id).key(),
        ]
    }

    /// The tenant's statements, newest first.
    pub(crate) fn every_statement(&self) -> Prefix {
        self.kind(Family::EveryStatement).prefix()
    }

    /// Where those begin in the tenant's list that were made before an instant.
    pub(crate) fn statements_before(&self, at: i64) -> Key {
        let last = u64::try_from(at.saturating_sub(1)).unwrap_or(0);
        self.kind(Family::EveryStatement).newest_first(last).key()
    }

    /// A user's statements, newest first.
    pub(crate) fn user_statements(&self, user_id: &str) -> Prefix {
        self.kind(Family::UserStatement).text(user_id).prefix()
    }
}

impl HostKeys {
    /// Record: that a window is to be closed by a statement, what is due first first. It has a list of its own, so that
    /// a slow plugin keeps no period from turning.
    pub(crate) fn statement_due(
        timeline: &Timeline,
        at: Timestamp,
        tenant: &TenantId,
        place: &WindowPlace,
    ) -> Key {
        let due = Self::kind(Family::StatementDue).text(timeline.as_str()).number(seconds(at));
        place.in_key(due.text(tenant.as_str())).key()
    }

    /// All windows that are to be closed by a clock, sooner or later.
    pub(crate) fn statement_dues(timeline: &Timeline) -> Prefix {
        Self::kind(Family::StatementDue).text(timeline.as_str()).prefix()
    }

    /// When, whose and which window a key of these says.
    pub(crate) fn read_statement_due(key: &Key) -> Option<(u64, TenantId, WindowPlace)> {
        let parts = key.parts();
        let (head, place) = parts.split_at_checked(3)?;
        let [Part::Text(_), Part::Number(at), Part::Text(tenant)] = head else { return None };
        Some((*at, TenantId::new(tenant)?, WindowPlace::read(place)?))
    }
}
