//! Segments: what was used of a metric in a billing window, apart where other prices hold. What is counted by segment
//! is billed by segment, so that a phase that ends inside a period splits the bill exactly.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::billing_plan::PhaseType;
use crate::usage::Limit;
use crate::usage::metric::Metric;
use crate::usage::quantity::Quantity;

/// Which part of a window's usage. Segments of a metric are in the order in which they use up its quota: by phases as
/// time has them, then by regions, then by billing plans.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Segment {
    /// What was used.
    pub metric: Metric,
    /// Whose prices held for the user then.
    pub phase: PhaseType,
    /// Where the user was; 0 where nobody had said.
    pub region_id: u64,
    /// The billing plan that priced the user then.
    pub billing_plan_id: u64,
}

/// Quantities by segment.
pub type Quantities = BTreeMap<Segment, Quantity>;

/// How much of each segment is billed: everything where there is no quota, what is past it where overage is billed, and
/// nothing where it is blocked. `totals` is all that was used of a metric: what no segment has was used while nothing
/// priced it, and uses up the quota first.
#[must_use]
pub fn billable(
    counted: &Quantities,
    limits: &BTreeMap<Metric, Limit>,
    totals: &BTreeMap<Metric, Quantity>,
) -> Quantities {
    let mut left: BTreeMap<&Metric, Quantity> = BTreeMap::new();
    let mut billed = Quantities::new();
    for (segment, quantity) in counted {
        let limit = limits.get(&segment.metric).copied().unwrap_or(Limit::NONE);
        let is_free = left
            .entry(&segment.metric)
            .or_insert_with(|| free(&segment.metric, limit, counted, totals));
        let past = quantity.saturating_sub(*is_free);
        *is_free = is_free.saturating_sub(*quantity);
        billed.insert(segment.clone(), past);
    }
    billed
}

/// How much of what segments have costs nothing.
fn free(
    metric: &Metric,
    limit: Limit,
    counted: &Quantities,
    totals: &BTreeMap<Metric, Quantity>,
) -> Quantity {
    let Some(quota) = limit.quota else { return Quantity::ZERO };
    if !limit.is_billed {
        return Quantity::MOST;
    }
    let own = counted.iter().filter(|(segment, _)| segment.metric == *metric);
    let in_segments = own.fold(Quantity::ZERO, |sum, (_, quantity)| {
        sum.checked_add(*quantity).unwrap_or(Quantity::MOST)
    });
    let total = totals.get(metric).copied().unwrap_or_default();
    let quota = Quantity::of_quota(quota).unwrap_or(Quantity::MOST);
    quota.saturating_sub(total.saturating_sub(in_segments))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn segment(metric: &str, phase: PhaseType, region_id: u64) -> Segment {
        Segment { metric: Metric::named(metric), phase, region_id, billing_plan_id: 1 }
    }

    pub(crate) fn quantity(text: &str) -> Quantity {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_quota_is_used_up_in_the_order_of_phases_and_then_of_regions() {
        use PhaseType::{Discount, Final, Trial};
        let (none, bill) = (None, |quota| Some((quota, true)));
        let block = |quota| Some((quota, false));
        type Used<'a> = &'a [(PhaseType, u64, &'a str)];
        let three: Used<'_> = &[(Trial, 1, "60"), (Discount, 1, "30"), (Final, 1, "20")];
        for (limit, total, used, expected) in [
            (none, "110", three, vec!["60", "30", "20"]),
            (bill(100), "110", three, vec!["0", "0", "10"]),
            (bill(110), "110", three, vec!["0", "0", "0"]),
            (bill(70), "110", three, vec!["0", "20", "20"]),
            (bill(0), "110", three, vec!["60", "30", "20"]),
            (block(10), "110", three, vec!["0", "0", "0"]),
            // What was used while nothing priced it uses the quota up first.
            (bill(100), "160", three, vec!["10", "30", "20"]),
            (bill(100), "300", three, vec!["60", "30", "20"]),
            (bill(100), "110.5", &[(Final, 1, "50.25"), (Final, 2, "60.25")], vec!["0", "10.5"]),
            // A quota that nobody reaches.
            (bill(u64::MAX), "110", three, vec!["0", "0", "0"]),
        ] {
            let counted: Quantities = used
                .iter()
                .map(|(phase, region, text)| (segment("cpu", *phase, *region), quantity(text)))
                .collect();
            let limit = limit.map(|(quota, is_billed)| Limit { quota: Some(quota), is_billed });
            let cpu = Metric::named("cpu");
            let limits = limit.map(|limit| (cpu.clone(), limit)).into_iter().collect();
            let totals = [(cpu, quantity(total))].into();
            let billed = billable(&counted, &limits, &totals);
            let billed: Vec<String> = billed.values().map(ToString::to_string).collect();
            assert_eq!(billed, expected, "{limits:?} {total} {used:?}");
        }
    }

    #[test]
    fn metrics_do_not_use_up_each_others_quota() {
        let counted =
            ["cpu", "disk"].map(|metric| (segment(metric, PhaseType::Final, 1), quantity("10")));
        let limit = Limit { quota: Some(4), is_billed: true };
        let limits = [(Metric::named("disk"), limit)].into();
        let totals = ["cpu", "disk"].map(|metric| (Metric::named(metric), quantity("10"))).into();
        let billed = billable(&counted.into(), &limits, &totals);
        let billed: Vec<String> = billed.values().map(ToString::to_string).collect();
        assert_eq!(billed, ["10", "6"]);
    }
}
