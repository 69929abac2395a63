//! What an admin gives a user.

use rust_decimal::Decimal;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::plan::Plan;
use crate::plan::plan_id::PlanId;
use crate::refusal::{FieldError, Refusal};
use crate::subscription::course::Course;
use crate::time::Timestamp;

/// A plan for a user, paid for one period.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"plan_id": "premium_abc12345", "trial_days": 14})))]
pub struct Grant {
    /// The plan, active or not.
    pub plan_id: PlanId,
    /// Free days first; none where absent.
    #[serde(default)]
    #[schema(maximum = 3650)]
    pub trial_days: u32,
    /// Whether usage begins at 0 again.
    #[serde(default)]
    pub reset_usage: bool,
}

impl Grant {
    /// Ten years.
    const LONGEST_TRIAL_DAYS: u32 = 3650;

    /// The course that the grant gives. `going` is the user's on that plan, if one is open: it goes on, and is
    /// paid to its window's end, unless free days or usage from 0 are to begin. `usage_epoch` is a new one.
    ///
    /// # Errors
    /// Names `trial_days` if there are too many.
    pub fn course(
        &self,
        plan: &Plan,
        going: Option<Course>,
        usage_epoch: u64,
        now: Timestamp,
    ) -> Result<Course, Refusal> {
        if self.trial_days > Self::LONGEST_TRIAL_DAYS {
            let message = format!("trial_days must be at most {}.", Self::LONGEST_TRIAL_DAYS);
            let error = FieldError::new("trial_days", "out_of_range", &message);
            return Err(Refusal::Invalid(vec![error]));
        }
        if self.trial_days > 0 {
            return Course::trial(now, self.trial_days, plan.interval, usage_epoch);
        }
        let goes_on = |course: &Course| {
            !self.reset_usage && !course.is_trial(now) && course.interval == plan.interval
        };
        match going.filter(goes_on) {
            Some(course) => {
                let mut course = course.resumed(now)?;
                course.paid_until = course.paid_until.max(course.window.end);
                Ok(course)
            }
            None => Course::unpaid(now, now, plan.interval, usage_epoch)?
                .renewed(Decimal::ZERO, plan.currency),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let draft = serde_json::from_str(r#"{"name":"Pro","price":1,"interval":"month"}"#).unwrap();
        Plan::from_draft(PlanId::new("pro").unwrap(), draft, Timestamp::UNIX_EPOCH).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn grant(trial_days: u32, reset_usage: bool) -> Grant {
        Grant { plan_id: PlanId::new("pro").unwrap(), trial_days, reset_usage }
    }

    #[test]
    fn a_grant_is_paid_for_one_period() {
        let now = at("2025-01-31T00:00:00Z");
        let course = grant(0, false).course(&plan(), None, 1, now).unwrap();
        assert_eq!((course.anchor, course.window.start), (now, now));
        assert_eq!(course.window.end, at("2025-02-28T00:00:00Z"));
        assert_eq!(course.paid_until, course.window.end);
        assert!(course.paid.is_empty(), "a present is not credit later");
    }

    #[test]
    fn free_days_come_before_the_first_period() {
        let now = at("2025-01-01T00:00:00Z");
        let course = grant(7, false).course(&plan(), None, 1, now).unwrap();
        let end = at("2025-01-08T00:00:00Z");
        assert_eq!(course.trial, Some(course.window));
        assert_eq!((course.anchor, course.window.end), (end, end));
        assert!(grant(3651, false).course(&plan(), None, 1, now).is_err());
    }

    #[test]
    fn what_goes_on_keeps_its_window_and_usage_unless_they_are_to_begin_again() {
        let (first, now) = (at("2025-01-01T00:00:00Z"), at("2025-01-20T00:00:00Z"));
        let going = grant(0, false).course(&plan(), None, 1, first).unwrap();
        for (asked, start, epoch) in
            [(grant(0, false), first, 1), (grant(0, true), now, 2), (grant(7, false), now, 2)]
        {
            let course = asked.course(&plan(), Some(going.clone()), 2, now).unwrap();
            assert_eq!((course.window.start, course.usage_epoch), (start, epoch), "{asked:?}");
        }
        // Twice is not twice as long.
        let again = grant(0, false).course(&plan(), Some(going.clone()), 2, now).unwrap();
        assert_eq!(again.paid_until, going.paid_until);
        // What ran out is paid again, on the same anchor.
        let later = at("2025-02-02T00:00:00Z");
        let again = grant(0, false).course(&plan(), Some(going), 2, later).unwrap();
        assert_eq!((again.anchor, again.paid_until), (first, at("2025-03-01T00:00:00Z")));
    }
}
