//! One event on its way to one endpoint: how often it is tried, when, and what came of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::schema::UnixSeconds;
use crate::time::{self, Timestamp};
use crate::webhook::event::EventType;

/// Seconds from one attempt to the next: three days in all, as Standard Webhooks has it.
const PAUSES: [i64; 9] =
    [5, 5 * 60, 30 * 60, 2 * 3_600, 5 * 3_600, 10 * 3_600, 14 * 3_600, 20 * 3_600, 24 * 3_600];
/// The longest that a receiver can put off an attempt.
const LONGEST_PAUSE: i64 = 24 * 3_600;
/// An endpoint that has not taken anything for so long is switched off with the next failure.
const PATIENCE: i64 = 5 * 24 * 3_600;
/// How many characters are kept of what a receiver says.
const EXCERPT: usize = 200;

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WebhookDeliveryState)]
pub enum DeliveryState {
    /// It is to be sent, or to be sent again.
    Pending,
    /// The endpoint has taken it.
    Delivered,
    /// It is given up.
    Failed,
}

impl DeliveryState {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Failed];

    /// As on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// Reads a state as it is on the wire.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// One try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookAttempt)]
pub struct Attempt {
    /// By the real clock, also in a sandbox.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub at: Timestamp,
    /// What the endpoint answered, if it did.
    #[schema(required = true)]
    pub status: Option<u16>,
    /// How the answer begins, or why there was none.
    pub detail: String,
    /// How long it took.
    pub milliseconds: u64,
}

/// An event for an endpoint, as the log of deliveries shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub struct Delivery {
    /// Unique.
    pub id: String,
    /// Where it goes.
    pub endpoint_id: String,
    /// The header `webhook-id`: the same for every attempt, every endpoint and every redelivery of an event.
    pub event_id: String,
    /// What happened.
    pub event_type: EventType,
    /// When it happened, by the tenant's clock.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub occurred_at: Timestamp,
    /// Where it stands.
    pub state: DeliveryState,
    /// Every try, the first one first.
    #[schema(max_items = 10)]
    pub attempts: Vec<Attempt>,
    /// When it is tried next, by the real clock; null while it waits to be sent at once, and when it is done.
    #[serde(with = "time::optional_seconds")]
    #[schema(value_type = Option<UnixSeconds>, required = true)]
    pub next_attempt_at: Option<Timestamp>,
    /// When it was delivered or given up, by the real clock.
    #[serde(with = "time::optional_seconds")]
    #[schema(value_type = Option<UnixSeconds>, required = true)]
    pub done_at: Option<Timestamp>,
}

/// What came of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The endpoint answered.
    Answered {
        /// With this status.
        status: u16,
        /// The beginning of its body.
        body: String,
        /// Seconds, from its `Retry-After`.
        retry_after: Option<i64>,
    },
    /// It did not, and why.
    Unreached(String),
}

impl Reply {
    /// Whether the endpoint has taken it: any 2xx, and nothing else. A redirect is followed by nobody.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Answered { status: 200..=299, .. })
    }

    /// Whether the endpoint wants nothing any more (410).
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Answered { status: 410, .. })
    }

    fn attempt(&self, at: Timestamp, milliseconds: u64) -> Attempt {
        let (status, detail) = match self {
            Self::Answered { status, body, .. } => (Some(*status), body),
            Self::Unreached(reason) => (None, reason),
        };
        let printable = |letter: char| if letter.is_control() { ' ' } else { letter };
        let detail = detail.chars().take(EXCERPT).map(printable).collect();
        Attempt { at, status, detail, milliseconds }
    }
}

impl Delivery {
    /// One that is to be sent at once.
    #[must_use]
    pub fn new(
        id: String,
        endpoint_id: &str,
        event_id: &str,
        event_type: EventType,
        occurred_at: Timestamp,
    ) -> Self {
        Self {
            id,
            endpoint_id: endpoint_id.to_owned(),
            event_id: event_id.to_owned(),
            event_type,
            occurred_at,
            state: DeliveryState::Pending,
            attempts: Vec::new(),
            next_attempt_at: None,
            done_at: None,
        }
    }

    /// After a try that ended now. `chance` spreads those that failed together.
    #[must_use]
    pub fn tried(mut self, reply: &Reply, now: Timestamp, milliseconds: u64, chance: u8) -> Self {
        self.attempts.push(reply.attempt(now, milliseconds));
        if reply.is_taken() {
            return self.done(DeliveryState::Delivered, now);
        }
        let asked = match reply {
            Reply::Answered { retry_after, .. } => *retry_after,
            Reply::Unreached(_) => None,
        };
        match pause(self.attempts.len(), asked, chance) {
            Some(seconds) if !reply.is_gone() => {
                let next = now.as_second().saturating_add(seconds);
                self.next_attempt_at = Timestamp::from_second(next).ok();
                self
            }
            _ => self.done(DeliveryState::Failed, now),
        }
    }

    /// Given up without another try.
    #[must_use]
    pub fn given_up(self, now: Timestamp) -> Self {
        self.done(DeliveryState::Failed, now)
    }

    /// To be sent at once, if it waits for another try.
    #[must_use]
    pub fn hurried(self) -> Self {
        Self { next_attempt_at: None, ..self }
    }

    fn done(self, state: DeliveryState, now: Timestamp) -> Self {
        Self { state, next_attempt_at: None, done_at: Some(now), ..self }
    }
}

/// How long what came of a delivery is kept.
const KEPT: i64 = 30 * 86_400;

/// Whether what was done then is cleared away.
#[must_use]
pub fn is_past_keeping(done_at: Timestamp, now: Timestamp) -> bool {
    now.as_second().saturating_sub(done_at.as_second()) >= KEPT
}

/// How long to wait after so many attempts; nothing after the last one. A tenth more at most, by chance, and longer if
/// the receiver asks for it.
fn pause(attempts: usize, asked: Option<i64>, chance: u8) -> Option<i64> {
    let planned = *PAUSES.get(attempts.checked_sub(1)?)?;
    let spread = planned * i64::from(chance) / (10 * i64::from(u8::MAX));
    Some((planned + spread).max(asked.unwrap_or(0).min(LONGEST_PAUSE)))
}

/// Whether an endpoint that fails since then has failed for too long.
#[must_use]
pub fn is_past_patience(failing_since: Timestamp, now: Timestamp) -> bool {
    now.as_second().saturating_sub(failing_since.as_second()) >= PATIENCE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn delivery() -> Delivery {
        Delivery::new("whd_1".to_owned(), "whe_1", "msg_1", EventType::PlanCreated, at(0))
    }

    fn answered(status: u16, retry_after: Option<i64>) -> Reply {
        Reply::Answered { status, body: "said\u{7}".to_owned(), retry_after }
    }

    #[test]
    fn it_is_tried_ten_times_in_three_days_and_then_given_up() {
        let (mut now, mut one) = (1_000, delivery());
        let mut pauses = Vec::new();
        while one.state == DeliveryState::Pending {
            one = one.tried(&answered(500, None), at(now), 3, 0);
            let next = one.next_attempt_at.map_or(now, Timestamp::as_second);
            pauses.push(next - now);
            now = next;
        }
        assert_eq!(pauses, [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400, 0]);
        assert_eq!((one.state, one.attempts.len()), (DeliveryState::Failed, 10));
        assert_eq!((one.done_at, one.next_attempt_at), (Some(at(now)), None));
        assert_eq!(one.attempts[0].detail, "said ");
    }

    #[test]
    fn only_2xx_is_a_delivery_and_gone_is_the_end() {
        for (reply, expected) in [
            (answered(200, None), DeliveryState::Delivered),
            (answered(204, None), DeliveryState::Delivered),
            (answered(299, None), DeliveryState::Delivered),
            (answered(199, None), DeliveryState::Pending),
            (answered(301, None), DeliveryState::Pending),
            (answered(404, None), DeliveryState::Pending),
            (answered(410, None), DeliveryState::Failed),
            (answered(503, None), DeliveryState::Pending),
            (Reply::Unreached("no route".to_owned()), DeliveryState::Pending),
        ] {
            let tried = delivery().tried(&reply, at(10), 1, 0);
            assert_eq!(tried.state, expected, "{reply:?}");
            assert_eq!(tried.done_at.is_some(), expected != DeliveryState::Pending, "{reply:?}");
        }
    }

    #[test]
    fn chance_adds_a_tenth_at_most_and_a_receiver_may_ask_for_more_time_but_not_for_less() {
        for (attempts, asked, chance, expected) in [
            (1, None, 0, Some(5)),
            (2, None, 0, Some(300)),
            (2, None, 255, Some(330)),
            (2, None, 128, Some(315)),
            (2, Some(60), 0, Some(300)),
            (2, Some(900), 0, Some(900)),
            (2, Some(i64::MAX), 0, Some(86_400)),
            (2, Some(-5), 0, Some(300)),
            (9, None, 255, Some(95_040)),
            (10, None, 0, None),
            (10, Some(5), 0, None),
            (0, None, 0, None),
        ] {
            assert_eq!(pause(attempts, asked, chance), expected, "{attempts} {asked:?} {chance}");
        }
    }

    #[test]
    fn patience_is_five_days_from_the_first_failure() {
        for (seconds, expected) in [(0, false), (431_999, false), (432_000, true), (-5, false)] {
            assert_eq!(is_past_patience(at(1_000), at(1_000 + seconds)), expected, "{seconds}");
        }
    }
}
