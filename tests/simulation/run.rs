//! One simulation: each command is done twice, by the real thing and by the model, and what is to be seen must be the
//! same.

use std::collections::BTreeMap;

use super::buckets::Buckets;
use super::calendar::DAY;
use super::command::{Cast, Command, Money, News, TillEvent, User};
use super::house::{Answer, House};
use super::ledger::Ledger;
use super::model::{Begun, Governing, Model, OrderNo, Outcome, Seen};
use super::watch::Watch;
use super::worth::Worth;
use crate::provider::till::Fault;

/// 2025-01-31T12:00:00Z: months are not all as long as the first.
const BEGIN: i64 = 1_738_324_800;
/// What the book asks for at first, in hundredths.
const PRICE: i64 = 50;
/// Steps between looks at everybody and at the plans' counts, and at all that is stored.
const ALL_EVERY: usize = 20;
const CHECK_EVERY: usize = 250;
/// Of so many payments that come at once any order is tried.
const MOST_AT_ONCE: usize = 4;

/// How often what came of commands.
pub(super) type Tally = BTreeMap<String, u64>;

/// Goes through all commands, and says what came of them. Gives the step that went wrong, and how.
pub(super) async fn run(cast: Cast, commands: &[Command]) -> Result<Tally, (usize, String)> {
    let users = commands.iter().map(given_to).fold(cast.users, User::max);
    let mut run = Run {
        cast,
        house: House::open(BEGIN, PRICE).await,
        model: Model::new(users, cast.plans, BEGIN),
        buckets: Buckets::default(),
        watch: Watch::default(),
        worth: Worth::default(),
        ledger: Ledger::new(PRICE),
        told: None,
        tally: Tally::new(),
    };
    for (at, command) in commands.iter().enumerate() {
        let mut looked = run.step(command).await;
        if looked.is_ok() {
            looked = run.look_after(command, at).await;
        }
        if looked.is_ok() && at % ALL_EVERY == 0 {
            looked = run.look_at_all(cast.users).await;
        }
        if looked.is_ok() && at % CHECK_EVERY == CHECK_EVERY - 1 {
            looked = run.check().await;
        }
        looked.map_err(|difference| (at, difference))?;
    }
    let last = commands.len().saturating_sub(1);
    run.end(users).await.map_err(|difference| (last, difference))?;
    Ok(run.tally)
}

struct Run {
    cast: Cast,
    house: House,
    model: Model,
    buckets: Buckets,
    watch: Watch,
    worth: Worth,
    ledger: Ledger,
    /// Which payment the provider has answered about, and the answer is on its way.
    told: Option<OrderNo>,
    tally: Tally,
}

type Looked = Result<(), String>;

impl Run {
    async fn step(&mut self, command: &Command) -> Looked {
        match command {
            Command::Wait { seconds } => self.go_to(self.model.now + seconds),
            Command::WaitFor { user, offset } => {
                let next = self.model.next(*user).unwrap_or(self.model.now);
                self.go_to(next + offset);
            }
            Command::Restart => self.house.restart().await,
            Command::PowerCut { at_sync, seed, during } => {
                self.cut_short(during, *at_sync, *seed).await?;
            }
            Command::AtTill { order, event } => self.at_till(*order, *event),
            Command::Reconcile { fault } => self.reconcile(*fault).await?,
            Command::Slowly { first, meanwhile } => {
                Box::pin(self.slowly(first, meanwhile)).await?;
            }
            _ => {
                let is_over = self.is_over(command);
                let outcome = self.house.act(command).await;
                let expected = self.model.act(command);
                if expected == Outcome::Done {
                    self.worth.offer(command);
                    self.ledger.offer(command);
                }
                self.count(expected.kind());
                agree(is_over, outcome, expected)?;
                if let Command::Work = command {
                    self.hear_statements().await?;
                }
            }
        }
        self.model.assert_adds_up();
        Ok(())
    }

    fn count(&mut self, what: String) {
        *self.tally.entry(what).or_default() += 1;
    }

    fn go_to(&mut self, t: i64) {
        self.model.go_to(t);
        self.house.go_to(self.model.now);
    }

    /// Whether a cancel can only say which subscription was the last one.
    fn is_over(&self, command: &Command) -> bool {
        let Command::Cancel { user, .. } = command else { return false };
        self.model.seen(*user).is_none()
    }

    fn at_till(&mut self, nth_last: usize, event: TillEvent) {
        let Some(no) = self.model.order_no(nth_last) else { return };
        self.model.at_till(no, event, self.told == Some(no));
        if let Some(at_till) = self.model.order(no).at_till {
            self.house.set_at_till(no, &at_till);
        }
    }

    /// The worker asks about payments. Which of a user's is heard first nobody knows: some order must explain what is
    /// seen.
    async fn reconcile(&mut self, fault: Fault) -> Looked {
        let command = Command::Reconcile { fault };
        same("it answers", &self.house.act(&command).await, &Some(Outcome::Done))?;
        let (others, paid) = self.model.due();
        for no in &others {
            self.model.reconcile(*no, fault);
        }
        for user in 0..self.cast.users {
            let of = |all: &[OrderNo]| {
                all.iter().copied().filter(|no| self.model.user_of(*no) == user).collect()
            };
            let (others, paid): (Vec<OrderNo>, Vec<OrderNo>) = (of(&others), of(&paid));
            if others.is_empty() && paid.is_empty() {
                continue;
            }
            let candidates = orders_of(&paid).into_iter().map(|order| {
                let mut candidate = self.model.clone();
                order.into_iter().for_each(|no| candidate.reconcile(no, fault));
                candidate
            });
            self.find(candidates.collect(), &[user]).await?;
        }
        Ok(())
    }

    /// While the provider thinks about the first, others do something.
    async fn slowly(&mut self, first: &Command, meanwhile: &[Command]) -> Looked {
        let (house, command) = (self.house.clone(), first.clone());
        self.house.slow();
        let mut answer = Box::pin(async move { house.act(&command).await });
        let early: Option<Answer> = tokio::select! {
            biased;
            answer = &mut answer => Some(answer),
            () = self.house.is_asked() => None,
        };
        if early.is_some() {
            self.house.answer();
        } else if let Command::Ask { user, .. } = first {
            self.house.learn(*user).await;
        }
        let begun = self.model.begin(first);
        if let Begun::Asked(no, _) = &begun {
            self.told = Some(*no);
        }
        for (at, command) in meanwhile.iter().enumerate() {
            self.step(command).await?;
            self.look_after(command, at).await?;
        }
        self.told = None;
        let outcome = match early {
            Some(outcome) => outcome,
            None => {
                self.house.answer();
                answer.await
            }
        };
        let expected = match begun {
            Begun::Done(outcome) => outcome,
            Begun::Asked(no, question) => {
                self.count("answered slowly".to_owned());
                self.model.finish(no, question)
            }
        };
        agree(false, outcome, expected)
    }

    /// The power goes in the middle. What was answered holds; what was not is done or is not, and nothing between.
    async fn cut_short(&mut self, command: &Command, at_sync: u64, seed: u64) -> Looked {
        self.house.doom(at_sync, seed);
        let outcome = self.house.act(command).await;
        self.house.come_back().await;
        match command {
            // The worker is at it again as soon as it can.
            Command::Work => {
                self.house.act(command).await;
                self.model.act(command);
                return self.hear_statements().await;
            }
            Command::Reconcile { fault } => return self.reconcile(*fault).await,
            _ => {}
        }
        if outcome.is_some() {
            let is_over = self.is_over(command);
            return agree(is_over, outcome, self.model.act(command));
        }
        self.count("cut short".to_owned());
        let users = self.users_of(command);
        self.find(self.model.cut_short(command), &users).await
    }

    /// The worker has closed what is due: what it wrote is held against what was used.
    async fn hear_statements(&mut self) -> Looked {
        for user in 0..self.cast.users {
            let statements = self.house.new_statements(user).await;
            for one in &statements {
                self.count(format!("statement {}", one.status));
                if one.late > 0 {
                    self.count("adjusted".to_owned());
                }
            }
            self.ledger.hear(user, &statements, &mut self.model)?;
            let windows = self.house.windows(user).await;
            self.ledger.look(user, &windows, &mut self.model, &self.buckets)?;
        }
        Ok(())
    }

    /// Goes on with the first model that what is seen of users agrees with.
    async fn find(&mut self, candidates: Vec<Model>, users: &[User]) -> Looked {
        let mut difference = None;
        for candidate in candidates {
            let before = (std::mem::replace(&mut self.model, candidate), self.buckets.clone());
            match self.look_closely_at(users).await {
                Ok(()) => return Ok(()),
                Err(found) => {
                    (self.model, self.buckets) = before;
                    difference.get_or_insert(found);
                }
            }
        }
        difference.map_or(Ok(()), Err)
    }

    async fn look_after(&mut self, command: &Command, at: usize) -> Looked {
        let mut users = self.users_of(command);
        users.retain(|user| *user < self.cast.users);
        if users.is_empty() {
            users.push(at % self.cast.users);
        }
        for user in users {
            let (seen, governing) = self.look(user).await?;
            self.watch.see(user, seen.as_ref(), command, self.model.now)?;
            let has = |money| (self.house.paid(user, money), self.model.credit(user, money));
            let had = (seen.as_ref(), &governing);
            self.worth.see(user, had, command, self.model.now, has)?;
            if is_of_money_or_usage(command) {
                self.look_closely(user).await?;
            }
        }
        Ok(())
    }

    /// Holds what is seen of a user against the model.
    async fn look(&mut self, user: User) -> Result<(Option<Seen>, Governing), String> {
        let seen = self.house.seen(user).await;
        same(&format!("u{user} has"), &seen, &self.model.seen(user))?;
        let mut governing = self.house.governing(user).await;
        let expected = self.model.governing(user);
        governing.bucket = self.buckets.of(user, governing.bucket, expected.bucket)?;
        same(&format!("u{user} is governed by"), &governing, &expected)?;
        for money in Money::ALL {
            let credit = self.house.credit(user, money).await;
            same(&format!("u{user} has in {money:?}"), &credit, &self.model.credit(user, money))?;
        }
        Ok((seen, governing))
    }

    /// And what the user paid and used, now and ever.
    async fn look_closely(&mut self, user: User) -> Looked {
        let orders = self.house.orders_of(user).await;
        same(&format!("u{user} ordered"), &orders, &self.model.orders_of(user))?;
        let usage = self.house.usage(user).await;
        same(&format!("u{user} used"), &usage, &self.model.usage(user))?;
        let remembered = self.house.remembered(user).await;
        same(&format!("u{user} told of"), &remembered, &self.model.remembered(user))?;
        let (expected, past) = (self.model.totals(user), self.model.past(user));
        let ever = expected.iter().chain(past).map(|(key, total)| (*key, *total)).collect();
        let mut totals = self.buckets.named(user, &self.house.totals(user).await, &ever);
        totals.retain(|key, total| past.get(key) != Some(total));
        same(&format!("u{user} used in all"), &totals, &expected)
    }

    async fn look_closely_at(&mut self, users: &[User]) -> Looked {
        for user in users {
            self.look(*user).await?;
            self.look_closely(*user).await?;
        }
        Ok(())
    }

    async fn look_at_all(&mut self, users: User) -> Looked {
        let counts = self.house.counts().await;
        same("subscriptions are", &counts, &self.model.counts())?;
        self.look_closely_at(&(0..users).collect::<Vec<_>>()).await
    }

    async fn check(&mut self) -> Looked {
        same("check says", &self.house.disagreements().await, &String::new())
    }

    /// Whatever was wrong at the provider is mended and told, and all that is due is done: what was paid has come then,
    /// and nothing else.
    async fn end(&mut self, users: User) -> Looked {
        self.go_to(self.model.now + 8 * DAY);
        let mut order = 0;
        while self.model.order_no(order).is_some() {
            self.at_till(order, TillEvent::Mends);
            let news = News::Payment("payment.succeeded");
            self.step(&Command::Tell { order, news, times: 1, fault: Fault::None }).await?;
            order += 1;
        }
        self.step(&Command::Reconcile { fault: Fault::None }).await?;
        self.look_at_all(users).await?;
        for user in 0..self.cast.users {
            let [by_till, here] = self.house.paid_orders(user).await;
            same(&format!("u{user} paid here"), &here, &by_till)?;
            for (_, order) in self.model.orders_of(user) {
                self.count(order.kind());
                if order.reason == "statement" && order.status == "succeeded" && !order.is_credit {
                    self.count("settled".to_owned());
                }
            }
        }
        // And all that was used is billed.
        self.go_to(self.model.now + 400 * DAY);
        self.step(&Command::Work).await?;
        for user in 0..self.cast.users {
            let windows = self.house.windows(user).await;
            Ledger::end(user, &windows)?;
        }
        self.check().await
    }

    /// Whom a command is about.
    fn users_of(&self, command: &Command) -> Vec<User> {
        match command {
            Command::Subscribe { user, .. }
            | Command::Cancel { user, .. }
            | Command::Resume { user }
            | Command::Change { user, .. }
            | Command::Ask { user, .. }
            | Command::AskForStatement { user, .. }
            | Command::Use { user, .. }
            | Command::MayUse { user, .. }
            | Command::Grant { user, .. }
            | Command::WaitFor { user, .. } => vec![*user],
            Command::UseMany { events } => events.iter().map(|(user, _)| *user).collect(),
            Command::GrantAll { users, .. } => (0..*users).collect(),
            Command::Reconcile { .. } | Command::Slowly { .. } => (0..self.cast.users).collect(),
            Command::Tell { order, .. } | Command::AtTill { order, .. } => {
                let no = self.model.order_no(*order);
                no.map(|no| self.model.user_of(no)).into_iter().collect()
            }
            Command::PowerCut { during, .. } => self.users_of(during),
            _ => Vec::new(),
        }
    }
}

/// Of two subscriptions that began in the same second either is the last one.
fn agree(is_over: bool, outcome: Option<Outcome>, expected: Outcome) -> Looked {
    if is_over {
        return same(
            "it answers",
            &outcome.map(Outcome::of_the_last),
            &Some(expected.of_the_last()),
        );
    }
    same("it answers", &outcome, &Some(expected))
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, real: &T, expected: &T) -> Looked {
    if real == expected {
        return Ok(());
    }
    Err(format!("{what} {real:#?}, and by the model {expected:#?}"))
}

/// All orders of a few; of more only some.
fn orders_of(all: &[OrderNo]) -> Vec<Vec<OrderNo>> {
    let Some((last, others)) = all.split_last() else { return vec![Vec::new()] };
    let mut orders = Vec::new();
    for order in orders_of(others) {
        let first = if order.len() < MOST_AT_ONCE { 0 } else { order.len() };
        for at in first..=order.len() {
            let mut order = order.clone();
            order.insert(at, *last);
            orders.push(order);
        }
    }
    orders
}

fn is_of_money_or_usage(command: &Command) -> bool {
    match command {
        Command::Ask { .. }
        | Command::AskForStatement { .. }
        | Command::Tell { .. }
        | Command::AtTill { .. }
        | Command::Slowly { .. }
        | Command::Use { .. }
        | Command::UseMany { .. } => true,
        Command::PowerCut { during, .. } => is_of_money_or_usage(during),
        _ => false,
    }
}

/// To how many users something is given at once.
fn given_to(command: &Command) -> User {
    match command {
        Command::GrantAll { users, .. } => *users,
        _ => 0,
    }
}
