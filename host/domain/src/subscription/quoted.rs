//! Money that comes late: whether it still buys the plan that it was asked for. A user who took another plan since keeps
//! that, as an older payment moves nobody back.

use crate::subscription::life::PlanKey;

/// The plan that a user has as money comes.
#[derive(Clone, Copy, Debug)]
pub struct Has<'a> {
    /// Which.
    pub plan: &'a PlanKey,
    /// Whether it costs nothing.
    pub is_free: bool,
}

/// Whether money buys the plan that was quoted: for whoever has no plan, that very one, the one that it was quoted
/// `beside`, or one that costs nothing. Nobody pays to keep a free plan, and whoever has another one that costs something
/// has chosen it since.
#[must_use]
pub fn still_buys(quoted: &PlanKey, beside: Option<&PlanKey>, has: Option<Has<'_>>) -> bool {
    let Some(Has { plan, is_free }) = has else { return true };
    is_free || plan == quoted || Some(plan) == beside
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::plan_id::PlanId;

    #[test]
    fn an_older_payment_moves_nobody_back() {
        let plan = |name: &str| {
            let (id, generation) = name.split_once('/').unwrap_or((name, "0"));
            PlanKey { id: PlanId::new(id).unwrap(), generation: generation.parse().unwrap() }
        };
        // What was quoted, what the user had then and has now, and whether that costs nothing.
        for (quoted, beside, has, is_free, expected) in [
            // A start.
            ("pro", None, None, false, true),
            ("pro", None, Some("pro"), false, true),
            ("pro", None, Some("free"), true, true),
            ("pro", None, Some("business"), false, false),
            // A renewal.
            ("pro", Some("pro"), Some("pro"), false, true),
            ("pro", Some("pro"), None, false, true),
            ("pro", Some("pro"), Some("free"), true, true),
            ("pro", Some("pro"), Some("business"), false, false),
            ("pro", Some("pro"), Some("pro/1"), false, false),
            // A change.
            ("pro", Some("starter"), Some("starter"), false, true),
            ("pro", Some("starter"), Some("pro"), false, true),
            ("pro", Some("starter"), None, false, true),
            ("pro", Some("starter"), Some("business"), false, false),
            ("pro", Some("starter"), Some("starter/1"), false, false),
        ] {
            let (beside, has) = (beside.map(plan), has.map(plan));
            let has = has.as_ref().map(|plan| Has { plan, is_free });
            let found = still_buys(&plan(quoted), beside.as_ref(), has);
            assert_eq!(found, expected, "{quoted} beside {beside:?}, and the user has {has:?}");
        }
    }
}
