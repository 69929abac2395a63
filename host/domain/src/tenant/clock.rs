//! What time it is for a tenant.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::refusal::{FieldError, Refusal};
use crate::schema::UnixSeconds;
use crate::time::{self, Timestamp};

/// A tenant's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Clock {
    /// Unix seconds.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub now: Timestamp,
    /// Whether it stands still, since it was set by hand.
    pub stands_still: bool,
}

/// A sandbox's time as an admin sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"now": 1_741_161_600})))]
pub struct ClockSetting {
    /// Not before the time it is, nor after the year 9000.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub now: Timestamp,
}

impl Clock {
    /// The end of the year 9000, in Unix seconds. Periods that begin by then end within the calendar.
    pub const LATEST: i64 = 221_876_927_999;

    /// Where a sandbox's time stands. Before there was a latest time it may have been set past it: then it stands there.
    #[must_use]
    pub fn standing(set: Timestamp) -> Timestamp {
        Timestamp::from_second(Self::LATEST).map_or(set, |latest| set.min(latest))
    }

    /// The time as it is set, where it may be.
    ///
    /// # Errors
    /// Names `now` where it has been, or is too near to the end of the calendar.
    pub fn set(self, setting: ClockSetting) -> Result<Self, Refusal> {
        let refuse = |code, message: &str| {
            Err(Refusal::Invalid(vec![FieldError::new("now", code, message)]))
        };
        let (is, now) = (self.now.as_second(), setting.now.as_second());
        if now < is {
            let message = format!("now must not be before {is}: time never goes back.");
            return refuse("time_goes_back", &message);
        }
        if now > Self::LATEST {
            let message = format!(
                "now must be at most {}, the end of the year 9000: what begins then must end within the calendar.",
                Self::LATEST
            );
            return refuse("too_late", &message);
        }
        Ok(Self { now: setting.now, stands_still: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sandboxs_time_goes_forward_and_not_to_the_end_of_the_calendar() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let clock = Clock { now: at(1_000), stands_still: false };
        for (now, expected) in [
            (999, Err("time_goes_back")),
            (1_000, Ok(())),
            (1_001, Ok(())),
            (Clock::LATEST, Ok(())),
            (Clock::LATEST + 1, Err("too_late")),
            (253_402_207_200, Err("too_late")),
        ] {
            let set = clock.set(ClockSetting { now: at(now) });
            let code = set.map_err(|refusal| refusal.fields()[0].code.clone());
            let code = code.as_ref().map(|set| assert_eq!(set.now, at(now)));
            assert_eq!(code.map_err(String::as_str), expected, "{now}");
        }
        for (set, stands) in [(1_000, 1_000), (253_402_207_200, Clock::LATEST)] {
            assert_eq!(Clock::standing(at(set)), at(stands));
        }
        let latest = at(Clock::LATEST).to_string();
        assert_eq!(latest, "9000-12-31T23:59:59Z");
    }
}
