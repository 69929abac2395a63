//! Subscriptions against the lists and pointers that lead to them, and the plans they are to.

use planwright_domain::subscription::Status;

use crate::documents::{LiveSubscription, PlanRecord, PlanSubscription, SubscriptionRecord};

/// What leads to a subscription, and what it leads to.
pub(super) struct Around {
    /// In the lists of its plan, the tenant and its user, where it must be.
    pub(super) places: [Option<PlanSubscription>; 3],
    /// Of its user.
    pub(super) live: Option<LiveSubscription>,
    /// Whether the index of what is due has its next instant.
    pub(super) is_due: bool,
    /// How many usage epochs its user has begun.
    pub(super) epochs: Option<u64>,
    /// Of the plan's id, whatever its generation.
    pub(super) plan: Option<PlanRecord>,
    /// How many plans of the id were deleted.
    pub(super) deletions: i64,
}

/// What is wrong with a subscription's record.
pub(super) fn disagreements(record: &SubscriptionRecord, around: &Around) -> Vec<String> {
    let subscription = &record.held.subscription;
    let (id, plan_id) = (&subscription.id, &subscription.plan_id);
    let is_live = subscription.status.is_live();
    let mut found = Vec::new();
    for (place, list) in around.places.iter().zip(LISTS) {
        match place {
            None => found.push(match list {
                OF_PLAN => format!("It is missing in the list of plan '{plan_id}'."),
                list => format!("It is missing in {list} list."),
            }),
            Some(place) => found.extend(listed_otherwise(place, list, id, subscription.status)),
        }
    }
    if record.held.next_due().is_some() && !around.is_due {
        found.push("It is missing among what is due.".to_owned());
    }
    if around.epochs.is_none_or(|epochs| epochs < record.held.usage_epoch) {
        let epoch = record.held.usage_epoch;
        found.push(format!("It counts usage by {epoch}, and its user's history does not say so."));
    }
    let window = record.held.window();
    if window.end <= window.start {
        found.push("Its period ends before it starts.".to_owned());
    }
    let pointed_to = around.live.as_ref().is_some_and(|live| live.subscription_id == *id);
    if is_live != pointed_to {
        let user = &subscription.user_id;
        let status = subscription.status.as_str();
        let says = if pointed_to { "says" } else { "does not say" };
        found
            .push(format!("It is {status}, and its user '{user}' {says} that it is the live one."));
    }
    let plan = around.plan.as_ref().filter(|plan| plan.generation == record.held.plan_generation);
    match plan {
        None if is_live => {
            found.push(format!("It is live, and its plan '{plan_id}' is not there."));
        }
        Some(plan) if plan.plan.version < subscription.plan_version => {
            let (has, says) = (plan.plan.version, subscription.plan_version);
            found.push(format!("It is to version {says} of its plan, which has version {has}."));
        }
        None | Some(_) => {}
    }
    if i64::try_from(record.held.plan_generation)
        .is_ok_and(|generation| generation > around.deletions)
    {
        let (generation, deletions) = (record.held.plan_generation, around.deletions);
        found.push(format!(
            "It is to generation {generation} of its plan, and {deletions} were deleted."
        ));
    }
    found
}

const OF_PLAN: &str = "its plan's";
/// Whose they are.
const LISTS: [&str; 3] = [OF_PLAN, "the tenant's", "its user's"];

fn listed_otherwise(
    place: &PlanSubscription,
    list: &str,
    id: &str,
    status: Status,
) -> Option<String> {
    if place.subscription_id != *id {
        let other = &place.subscription_id;
        return Some(format!("In {list} list '{other}' has its place."));
    }
    (place.status != status).then(|| {
        let (listed, status) = (place.status.as_str(), status.as_str());
        format!("By {list} list it is {listed}, and it is {status}.")
    })
}

/// What is wrong with a place in a list. `its_place` says whether the subscription's own is here.
pub(super) fn place_disagreement(
    place: &PlanSubscription,
    subscription: Option<&SubscriptionRecord>,
    its_place: bool,
) -> Option<String> {
    let id = &place.subscription_id;
    match subscription {
        None => Some(format!("It lists the subscription '{id}', which is not there.")),
        Some(_) if !its_place => {
            Some(format!("It lists the subscription '{id}', whose place is elsewhere."))
        }
        Some(record) => listed_otherwise(place, "this", id, record.held.subscription.status),
    }
}

/// What is wrong with a user's pointer to the live subscription. `its_user` says whether the subscription is
/// that user's.
pub(super) fn live_disagreement(
    live: &LiveSubscription,
    subscription: Option<&SubscriptionRecord>,
    its_user: bool,
) -> Option<String> {
    let id = &live.subscription_id;
    match subscription {
        None => Some(format!("It points to the subscription '{id}', which is not there.")),
        Some(_) if !its_user => {
            Some(format!("It points to the subscription '{id}', which is another user's."))
        }
        Some(record) if !record.held.subscription.status.is_live() => {
            Some(format!("It points to the subscription '{id}', which is over."))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use planwright_domain::plan::Plan;
    use planwright_domain::plan::plan_id::PlanId;
    use planwright_domain::subscription::course::Course;
    use planwright_domain::subscription::life::{Held, Offer};
    use planwright_domain::time::Timestamp;

    use super::*;

    fn plan() -> Plan {
        let draft = serde_json::from_str(r#"{"name":"Pro","price":1,"interval":"month"}"#).unwrap();
        Plan::from_draft(PlanId::new("pro").unwrap(), draft, Timestamp::UNIX_EPOCH).unwrap()
    }

    fn record() -> SubscriptionRecord {
        let (plan, now) = (plan(), Timestamp::UNIX_EPOCH);
        let course = Course::trial(now, 7, plan.interval, 1).unwrap();
        let offer = Offer { plan: &plan, generation: 0 };
        let mut held = Held::begin("sub_1".to_owned(), "bob", offer, course, now);
        held.subscription.status = Status::Active;
        SubscriptionRecord { held }
    }

    fn around() -> Around {
        let subscription_id = "sub_1".to_owned();
        let status = Status::Active;
        Around {
            places: [(); 3].map(|()| {
                Some(PlanSubscription { subscription_id: subscription_id.clone(), status })
            }),
            live: Some(LiveSubscription { subscription_id }),
            is_due: true,
            epochs: Some(1),
            plan: Some(PlanRecord { generation: 0, plan: plan() }),
            deletions: 0,
        }
    }

    #[test]
    fn a_subscription_is_where_it_must_be_and_nowhere_else() {
        type Edit = fn(&mut SubscriptionRecord, &mut Around);
        let cases: [(Edit, &[&str]); 12] = [
            (|_, _| {}, &[]),
            (|_, around| around.places[0] = None, &["It is missing in the list of plan 'pro'."]),
            (|_, around| around.places[1] = None, &["It is missing in the tenant's list."]),
            (|_, around| around.is_due = false, &["It is missing among what is due."]),
            (
                |_, around| around.epochs = Some(0),
                &["It counts usage by 1, and its user's history does not say so."],
            ),
            (
                |record, _| {
                    let subscription = &mut record.held.subscription;
                    subscription.current_period_end = subscription.current_period_start;
                },
                &["Its period ends before it starts."],
            ),
            (
                |_, around| around.live = None,
                &["It is active, and its user 'bob' does not say that it is the live one."],
            ),
            (|_, around| around.plan = None, &["It is live, and its plan 'pro' is not there."]),
            (
                |record, _| record.held.subscription.status = Status::Trialing,
                &[
                    "By its plan's list it is active, and it is trialing.",
                    "By the tenant's list it is active, and it is trialing.",
                    "By its user's list it is active, and it is trialing.",
                ],
            ),
            (
                |record, around| {
                    record.held.subscription.status = Status::Canceled;
                    for place in around.places.iter_mut().flatten() {
                        place.status = Status::Canceled;
                    }
                },
                &["It is canceled, and its user 'bob' says that it is the live one."],
            ),
            (
                |record, _| record.held.subscription.plan_version = 2,
                &["It is to version 2 of its plan, which has version 1."],
            ),
            (
                |record, _| record.held.plan_generation = 1,
                &[
                    "It is live, and its plan 'pro' is not there.",
                    "It is to generation 1 of its plan, and 0 were deleted.",
                ],
            ),
        ];
        for (index, (edit, expected)) in cases.into_iter().enumerate() {
            let (mut record, mut around) = (record(), around());
            edit(&mut record, &mut around);
            assert_eq!(disagreements(&record, &around), expected, "case {index}");
        }
    }

    #[test]
    fn places_and_pointers_lead_to_a_subscription_that_is_theirs() {
        let [Some(place), ..] = around().places else { panic!("no place") };
        let live = around().live.unwrap();
        let mut over = record();
        over.held.subscription.status = Status::Canceled;
        for (record, ours, of_place, of_live) in [
            (Some(record()), true, None, None),
            (None, false, Some("not there"), Some("not there")),
            (Some(record()), false, Some("elsewhere"), Some("another user's")),
            (Some(over), true, Some("active, and it is canceled"), Some("over")),
        ] {
            let told = [
                (place_disagreement(&place, record.as_ref(), ours), of_place),
                (live_disagreement(&live, record.as_ref(), ours), of_live),
            ];
            for (told, part) in told {
                assert_eq!(told.is_some(), part.is_some(), "{told:?}");
                assert!(told.unwrap_or_default().contains(part.unwrap_or_default()), "{part:?}");
            }
        }
    }
}
