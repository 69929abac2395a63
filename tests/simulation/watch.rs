//! What holds whatever the model says: nobody tries a plan twice, and nobody waits for a payment for ever.

use std::collections::HashMap;

use super::command::{Command, PlanNo, User};
use super::model::{LONGEST_GRACE, Seen};
use super::worth::given;

#[derive(Default)]
pub(super) struct Watch {
    /// When the free days of a user on a plan ended, or will.
    trials: HashMap<(User, PlanNo), i64>,
    /// Until when was paid, and since when it is seen to be too little.
    late: HashMap<User, (i64, i64)>,
}

impl Watch {
    pub(super) fn see(
        &mut self,
        user: User,
        seen: Option<&Seen>,
        command: &Command,
        now: i64,
    ) -> Result<(), String> {
        let Some(seen) = seen.filter(|seen| seen.status != "active") else {
            self.late.remove(&user);
            return Ok(());
        };
        if seen.status == "trialing" {
            return self.see_trial(user, seen, command);
        }
        let (paid_until, since) = *self.late.entry(user).or_insert((seen.paid_until, now));
        if paid_until != seen.paid_until {
            self.late.insert(user, (seen.paid_until, now));
        } else if now - since > LONGEST_GRACE {
            return Err(format!("u{user} is past due since {since}"));
        }
        Ok(())
    }

    fn see_trial(&mut self, user: User, seen: &Seen, command: &Command) -> Result<(), String> {
        let end = seen.trial_end.unwrap_or(0);
        let known = self.trials.insert((user, seen.plan), end);
        // What an admin gives is given.
        if known.is_some_and(|known| known != end) && given(command).is_none() {
            return Err(format!("u{user} tries p{} once more", seen.plan));
        }
        Ok(())
    }
}
