//! One simulation: each command is done twice, by the real thing and by the model, and what is to be seen must be the
//! same.

use std::collections::HashMap;

use super::command::{Cast, Command, Money, User};
use super::house::House;
use super::model::{Governing, Model, Outcome, Quote, Seen};
use super::watch::Watch;

/// 2025-01-31T12:00:00Z: months are not all as long as the first.
const BEGIN: i64 = 1_738_324_800;
/// Steps between looks at everybody and at the plans' counts, and at all that is stored.
const ALL_EVERY: usize = 20;
const CHECK_EVERY: usize = 250;
/// Quotes that wait to be paid.
const MOST_QUOTES: usize = 10;

/// Goes through all commands. Gives the step that went wrong, and how.
pub(super) async fn run(cast: Cast, commands: &[Command]) -> Result<(), (usize, String)> {
    let users = commands.iter().map(users_of).fold(cast.users, User::max);
    let mut run = Run {
        house: House::open(BEGIN).await,
        model: Model::new(users, cast.plans, BEGIN),
        quotes: Vec::new(),
        buckets: Buckets::default(),
        watch: Watch::default(),
    };
    for (at, command) in commands.iter().enumerate() {
        let mut looked = run.step(command).await;
        if looked.is_ok() {
            looked = run.look_at(user_of(command).unwrap_or(at % users), command).await;
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
    run.look_at_all(users).await.map_err(|difference| (last, difference))?;
    run.check().await.map_err(|difference| (last, difference))
}

struct Run {
    house: House,
    model: Model,
    /// The newest last.
    quotes: Vec<Quote>,
    buckets: Buckets,
    watch: Watch,
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
                return self.cut_short(during, *at_sync, *seed).await;
            }
            _ => {
                let quote = self.quote_of(command);
                let is_over = self.is_over(command);
                let outcome = self.house.act(command, quote).await;
                let expected = self.model.act(command, quote);
                self.note(&expected);
                return agree(is_over, outcome, expected);
            }
        }
        Ok(())
    }

    fn go_to(&mut self, t: i64) {
        self.model.go_to(t);
        self.house.now = self.model.now;
    }

    /// Takes the quote that is paid: none is paid twice.
    fn quote_of(&mut self, command: &Command) -> Option<Quote> {
        let Command::Pay { quote } = command else { return None };
        let at = self.quotes.len().checked_sub(1 + quote)?;
        Some(self.quotes.remove(at))
    }

    /// Whether a cancel can only say which subscription was the last one.
    fn is_over(&self, command: &Command) -> bool {
        let is_cancel = matches!(command, Command::Cancel { .. });
        is_cancel && user_of(command).is_some_and(|user| self.model.seen(user).is_none())
    }

    fn note(&mut self, outcome: &Outcome) {
        if let Outcome::Quoted(quote) = outcome {
            self.quotes.push(*quote);
            if self.quotes.len() > MOST_QUOTES {
                self.quotes.remove(0);
            }
        }
    }

    /// The power goes in the middle. What was answered holds; what was not is done or is not, and nothing between.
    async fn cut_short(&mut self, command: &Command, at_sync: u64, seed: u64) -> Looked {
        let quote = self.quote_of(command);
        self.house.doom(at_sync, seed);
        let outcome = self.house.act(command, quote).await;
        let (before, is_over) = (self.model.clone(), self.is_over(command));
        let expected = self.model.act(command, quote);
        self.house.come_back().await;
        if outcome.is_some() {
            self.note(&expected);
            return agree(is_over, outcome, expected);
        }
        let user = quote.map(|quote| quote.user).or(user_of(command));
        let Some(user) = user else { return Ok(()) };
        if self.look(user).await.is_err() {
            self.model = before;
            self.quotes.extend(quote);
        }
        Ok(())
    }

    async fn look_at(&mut self, user: User, command: &Command) -> Looked {
        let (seen, _) = self.look(user).await?;
        self.watch.see(user, seen.as_ref(), command, self.model.now)
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

    async fn look_at_all(&mut self, users: User) -> Looked {
        let counts = self.house.counts().await;
        same("subscriptions are", &counts, &self.model.counts())?;
        for user in 0..users {
            self.look(user).await?;
        }
        Ok(())
    }

    async fn check(&mut self) -> Looked {
        same("check says", &self.house.disagreements().await, &String::new())
    }
}

/// By which numbers usage is counted, and by which ones of the model: each stands for one of the other.
#[derive(Default)]
struct Buckets {
    there: HashMap<(User, u64), u64>,
    here: HashMap<(User, u64), u64>,
}

impl Buckets {
    /// The number of the model that a real one stands for.
    fn of(&mut self, user: User, real: u64, expected: u64) -> Result<u64, String> {
        let back = *self.here.entry((user, expected)).or_insert(real);
        if back != real {
            return Err(format!(
                "u{user} counts usage by {real}, and by {back} before: it begins at 0 again"
            ));
        }
        Ok(*self.there.entry((user, real)).or_insert(expected))
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

/// Whom a command is about.
fn user_of(command: &Command) -> Option<User> {
    match command {
        Command::Subscribe { user, .. }
        | Command::Cancel { user, .. }
        | Command::Resume { user }
        | Command::Change { user, .. }
        | Command::Quote { user, .. }
        | Command::Grant { user, .. }
        | Command::WaitFor { user, .. } => Some(*user),
        Command::PowerCut { during, .. } => user_of(during),
        _ => None,
    }
}

fn users_of(command: &Command) -> User {
    match command {
        Command::GrantAll { users, .. } => *users,
        _ => 0,
    }
}
