//! Subscriptions against the lists and pointers that lead to them, and the plans they are to.

use planwright_domain::subscription::Status;

use crate::documents::{LiveSubscription, PlanRecord, PlanSubscription, SubscriptionRecord};

/// What leads to a subscription, and what it leads to.
pub(super) struct Around {
    /// In its plan's list, where it must be.
    pub(super) place: Option<PlanSubscription>,
    /// Of its user.
    pub(super) live: Option<LiveSubscription>,
    /// Of the plan's id, whatever its generation.
    pub(super) plan: Option<PlanRecord>,
    /// How many plans of the id were deleted.
    pub(super) deletions: i64,
}

/// What is wrong with a subscription's record.
pub(super) fn disagreements(record: &SubscriptionRecord, around: &Around) -> Vec<String> {
    let subscription = &record.subscription;
    let (id, plan_id) = (&subscription.id, &subscription.plan_id);
    let is_live = subscription.status.is_live();
    let mut found = Vec::new();
    match &around.place {
        None => found.push(format!("It is missing in the list of plan '{plan_id}'.")),
        Some(place) => found.extend(listed_otherwise(place, id, subscription.status)),
    }
    let pointed_to = around.live.as_ref().is_some_and(|live| live.subscription_id == *id);
    if is_live != pointed_to {
        let user = &subscription.user_id;
        let status = subscription.status.as_str();
        let says = if pointed_to { "says" } else { "does not say" };
        found
            .push(format!("It is {status}, and its user '{user}' {says} that it is the live one."));
    }
    let plan = around.plan.as_ref().filter(|plan| plan.generation == record.plan_generation);
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
    if i64::try_from(record.plan_generation).is_ok_and(|generation| generation > around.deletions) {
        let (generation, deletions) = (record.plan_generation, around.deletions);
        found.push(format!(
            "It is to generation {generation} of its plan, and {deletions} were deleted."
        ));
    }
    found
}

fn listed_otherwise(place: &PlanSubscription, id: &str, status: Status) -> Option<String> {
    if place.subscription_id != *id {
        let other = &place.subscription_id;
        return Some(format!("Its plan's list has '{other}' in its place."));
    }
    (place.status != status).then(|| {
        let (listed, status) = (place.status.as_str(), status.as_str());
        format!("Its plan's list says that it is {listed}, and it is {status}.")
    })
}

/// What is wrong with a place in a plan's list. `its_place` says whether the subscription's own is here.
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
        Some(record) => listed_otherwise(place, id, record.subscription.status),
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
        Some(record) if !record.subscription.status.is_live() => {
            Some(format!("It points to the subscription '{id}', which is over."))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use planwright_domain::plan::{Plan, PlanId};
    use planwright_domain::subscription::Grant;
    use planwright_domain::time::Timestamp;

    use super::*;

    fn plan() -> Plan {
        let draft = serde_json::from_str(r#"{"name":"Pro","price":1,"interval":"month"}"#).unwrap();
        Plan::from_draft(PlanId::new("pro").unwrap(), draft, Timestamp::UNIX_EPOCH).unwrap()
    }

    fn record() -> SubscriptionRecord {
        let grant = Grant { plan_id: PlanId::new("pro").unwrap(), trial_days: 0 };
        let now = Timestamp::UNIX_EPOCH;
        let subscription = grant.subscribe("bob", &plan(), None, "sub_1", now).unwrap();
        SubscriptionRecord { plan_generation: 0, subscription }
    }

    fn around() -> Around {
        let subscription_id = "sub_1".to_owned();
        let status = Status::Active;
        Around {
            place: Some(PlanSubscription { subscription_id: subscription_id.clone(), status }),
            live: Some(LiveSubscription { subscription_id }),
            plan: Some(PlanRecord { generation: 0, plan: plan() }),
            deletions: 0,
        }
    }

    #[test]
    fn a_subscription_is_where_it_must_be_and_nowhere_else() {
        type Edit = fn(&mut SubscriptionRecord, &mut Around);
        let cases: [(Edit, &[&str]); 8] = [
            (|_, _| {}, &[]),
            (|_, around| around.place = None, &["It is missing in the list of plan 'pro'."]),
            (
                |_, around| around.live = None,
                &["It is active, and its user 'bob' does not say that it is the live one."],
            ),
            (|_, around| around.plan = None, &["It is live, and its plan 'pro' is not there."]),
            (
                |record, _| record.subscription.status = Status::Trialing,
                &["Its plan's list says that it is active, and it is trialing."],
            ),
            (
                |record, around| {
                    record.subscription.status = Status::Canceled;
                    around.place.as_mut().unwrap().status = Status::Canceled;
                },
                &["It is canceled, and its user 'bob' says that it is the live one."],
            ),
            (
                |record, _| record.subscription.plan_version = 2,
                &["It is to version 2 of its plan, which has version 1."],
            ),
            (
                |record, _| record.plan_generation = 1,
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
        let (place, live) = (around().place.unwrap(), around().live.unwrap());
        let mut over = record();
        over.subscription.status = Status::Canceled;
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
