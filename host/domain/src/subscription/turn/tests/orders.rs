//! No order of what users, admins and time do breaks what always holds.

use proptest::prelude::*;

use super::*;

/// What a user, an admin or time does.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Wait(u32),
    Cancel,
    End,
    Resume,
    ComeBack,
    Later(usize),
    Now(usize),
    Pay,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        4 => (1u32..2_000_000).prop_map(Deed::Wait),
        1 => Just(Deed::Cancel),
        1 => Just(Deed::End),
        1 => Just(Deed::Resume),
        2 => Just(Deed::ComeBack),
        1 => (0usize..4).prop_map(Deed::Later),
        2 => (0usize..4).prop_map(Deed::Now),
        2 => Just(Deed::Pay),
    ];
    proptest::collection::vec(deed, 1..60)
}

/// A user as the service keeps one: a subscription, a past and credit.
struct World {
    plans: [crate::plan::Plan; 4],
    now: Timestamp,
    held: Held,
    history: History,
    credit: Decimal,
    /// All that was paid, and all that was charged for.
    paid: Decimal,
    charged: Decimal,
}

impl World {
    fn new() -> Self {
        let plans = [
            plan("free", 0, "month"),
            plan("pro", 490, "month"),
            plan("day", 10, "day"),
            plan("year", 4_704, "year"),
        ];
        let mut history = History::default();
        let epoch = history.new_epoch();
        let now = at("2024-01-31T10:00:00Z");
        let course = Course::trial(now, 7, Interval::Month, epoch).unwrap();
        let held = Held::begin("s1".to_owned(), "bob", offer(&plans[1]), course, now);
        let [credit, paid, charged] = [Decimal::ZERO; 3];
        Self { plans, now, held, history, credit, paid, charged }
    }

    fn plan(&self, id: &PlanId) -> crate::plan::Plan {
        self.plans.iter().find(|plan| plan.id == *id).unwrap().clone()
    }

    /// The course of a plan that is taken now, as the service finds it.
    fn course(&mut self, plan: &crate::plan::Plan, at: Timestamp) -> Course {
        match self.history.open_course(&plan.id, 0, at) {
            Some(course) => course.clone().resumed(at).unwrap(),
            None => Course::unpaid(at, at, plan.interval, self.history.new_epoch()).unwrap(),
        }
    }

    fn work(&mut self) {
        let mut rounds = 0;
        while self.held.is_behind(self.now) {
            rounds += 1;
            assert!(rounds < 9, "it does not end: {:?}", self.held);
            let pending = self.held.subscription.pending_plan_id.clone();
            let worked = match self.held.needs(self.now).unwrap() {
                None => self.held.clone().worked(self.now, None),
                Some(Need::Renewal(window)) => {
                    assert!(window.start >= self.held.subscription.paid_until);
                    let plan = self.plan(&self.held.subscription.plan_id);
                    let onward = Onward { credit: self.credit, ..onward(&plan, 0) };
                    self.held.clone().worked(self.now, Some(&onward))
                }
                Some(Need::Change(due)) => {
                    let plan = self.plan(&pending.unwrap());
                    let course = Some(self.course(&plan, due));
                    let onward = Onward { credit: self.credit, course, ..onward(&plan, 0) };
                    self.held.clone().worked(self.now, Some(&onward))
                }
            };
            let worked = worked.unwrap();
            self.charged += worked.spent();
            self.credit -= worked.spent();
            for stay in worked.stays {
                self.history.note_stay(stay);
            }
            assert_ne!(worked.held, self.held, "every round goes on");
            self.held = worked.held;
        }
    }

    fn act(&mut self, deed: Deed) {
        let is_live = self.held.subscription.status.is_live();
        match deed {
            Deed::Wait(seconds) => {
                self.now =
                    Timestamp::from_second(self.now.as_second() + i64::from(seconds)).unwrap();
            }
            Deed::Cancel if is_live => self.held = self.held.clone().ending(true, self.now),
            Deed::Resume if is_live => self.held = self.held.clone().ending(false, self.now),
            Deed::End if is_live => {
                let (held, stay) = self.held.clone().canceled(self.now);
                self.history.note_stay(stay);
                self.held = held;
            }
            Deed::Later(to) if is_live => {
                let plan = self.plans[to].clone();
                self.held = self.held.clone().changing_later(offer(&plan), self.now);
            }
            Deed::Now(to) if is_live && !self.held.is_to(offer(&self.plans[to])) => {
                let plan = self.plans[to].clone();
                let course = self.course(&plan, self.now);
                let course = self.bought(course, &plan);
                let switched = self.held.clone().switched(offer(&plan), course, self.now, None);
                let (held, stay) = switched.unwrap();
                self.history.note_stay(stay);
                self.held = held;
            }
            Deed::Pay if is_live => {
                let plan = self.plan(&self.held.subscription.plan_id);
                let (windows, _) = self.held.course().owed(self.now).unwrap();
                let amount = plan.price * Decimal::from(windows);
                (self.paid, self.charged) = (self.paid + amount, self.charged + amount);
                let held = self.held.clone();
                let paid_until = held.subscription.paid_until;
                self.held = held.renewed(windows, amount, Currency::RUB, 3, self.now).unwrap();
                assert!(self.held.subscription.paid_until > paid_until);
            }
            Deed::ComeBack if !is_live => {
                let plan = self.plan(&self.held.subscription.plan_id);
                let course = self.course(&plan, self.now);
                let course = self.bought(course, &plan);
                self.held = Held::begin("s2".to_owned(), "bob", offer(&plan), course, self.now);
            }
            _ => {}
        }
    }

    fn bought(&mut self, course: Course, plan: &crate::plan::Plan) -> Course {
        if course.covers(self.now) {
            return course;
        }
        self.paid += plan.price;
        self.charged += plan.price;
        course.bought(self.now, plan.price, Currency::RUB).unwrap()
    }

    fn check(&self) {
        let (subscription, window) = (&self.held.subscription, self.held.window());
        assert!(window.start < window.end);
        assert!(self.credit >= Decimal::ZERO);
        assert_eq!(self.paid, self.charged, "nothing is free that has a price, nothing is lost");
        let is_on_grid = |t| period::window_at(subscription.anchor, self.held.interval, t);
        let grid = is_on_grid(subscription.paid_until).unwrap();
        assert_eq!(grid.start, subscription.paid_until, "paid until a boundary");
        assert_eq!(subscription.pending_plan_id.is_some(), self.held.pending_generation.is_some());
        if subscription.status == Status::Canceled {
            assert!(subscription.canceled_at.is_some() && self.held.next_due().is_none());
            return;
        }
        assert!(window.holds(self.now), "{window:?} at {}", self.now);
        assert!(self.held.next_due() > Some(self.now));
        assert_eq!(subscription.canceled_at, None);
        let is_covered = subscription.paid_until > self.now;
        match subscription.status {
            Status::Trialing => assert!(is_covered && subscription.trial_end > Some(self.now)),
            Status::Active => assert!(is_covered && subscription.paid_until >= window.end),
            Status::PastDue => assert!(!is_covered && self.held.grace_until > Some(self.now)),
            Status::Canceled => {}
        }
        assert_eq!(self.held.grace_until.is_some(), subscription.status == Status::PastDue);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_order_of_deeds_breaks_what_always_holds(deeds in deeds()) {
        let mut world = World::new();
        for deed in deeds {
            let before = world.held.clone();
            world.act(deed);
            world.work();
            world.check();
            // Over is over, but for whoever begins another one.
            let was_over = before.subscription.status == Status::Canceled;
            if was_over && !matches!(deed, Deed::ComeBack) {
                prop_assert_eq!(&world.held, &before);
            }
            // What is worked has nothing left to work.
            let again = world.held.clone();
            world.work();
            prop_assert_eq!(&world.held, &again);
        }
    }
}
