//! Replay: what statements rest on is asked again, and what differs is told. Nothing is changed by it.

use planwright_domain::Refusal;
use planwright_domain::refusal::FieldError;
use planwright_domain::statement::replay::{Line, Replay};
use planwright_domain::statement::replay_request::{
    MOST_STATEMENTS, PeriodReplayRequest, ReplayRequest,
};
use planwright_domain::statement::{Documented, StatementStatus};
use planwright_store::{Key, Scan, Snapshot, Store};

use crate::app::App;
use crate::error::Error;
use crate::ids;
use crate::keys::Keys;
use crate::plugins::asking_again::Askers;
use crate::request::Request;
use crate::statements::statement_documents::StatementEntry;
use crate::statements::{self, statement_records};

/// Entries read at once; behind each piece others get their turn.
const PIECE: usize = 500;

/// Asks all that one statement rests on again.
///
/// # Errors
/// No such statement; another component that cannot be asked; one that is not here any more, or is being compiled.
pub async fn of_statement<S: Store>(
    app: &App<S>,
    by: &Request,
    id: &str,
    asked: ReplayRequest,
) -> Result<Replay, Error> {
    let another = asked.checked()?;
    let documented = statements::get(app, by, id).await?;
    let snapshot = app.store.snapshot().await?;
    let tenant = &by.caller.tenant;
    let mut askers = Askers::new(app, &snapshot, tenant, another.as_ref(), by.now).await?;
    let mut replay = Replay::of(another.map(|another| another.digest));
    ask(&mut askers, &documented, &mut replay).await?;
    Ok(replay)
}

/// The same of the statements that were made in a time, the newest first: of so many at once, and where to go on.
///
/// # Errors
/// As for one; and a place to go on at that is none.
pub async fn of_period<S: Store>(
    app: &App<S>,
    by: &Request,
    asked: PeriodReplayRequest,
) -> Result<Replay, Error> {
    let another = asked.checked()?;
    let (snapshot, tenant) = (app.store.snapshot().await?, &by.caller.tenant);
    let keys = Keys::of(tenant);
    let after = match &asked.after {
        Some(id) => behind(&snapshot, &keys, id).await?,
        None => keys.statements_before(asked.to),
    };
    let (ids, next) = listed(&snapshot, &keys, after, asked.from).await?;
    let mut askers = Askers::new(app, &snapshot, tenant, another.as_ref(), by.now).await?;
    let mut replay = Replay::of(another.map(|another| another.digest));
    for id in ids {
        let (_, documented) = statement_records::load(&snapshot, &keys, &id).await?;
        ask(&mut askers, &documented, &mut replay).await?;
    }
    Ok(Replay { next, ..replay })
}

/// The place of a statement that an answer ended with.
async fn behind<N: Snapshot>(snapshot: &N, keys: &Keys, id: &str) -> Result<Key, Error> {
    let found = match id.len() {
        ..=ids::LONGEST => statement_records::find(snapshot, keys, id).await?,
        _ => None,
    };
    let Some((_, documented)) = found else {
        let message = "after must be the next of the answer before, or be left out.";
        return Err(Refusal::Invalid(vec![FieldError::new("after", "unknown", message)]).into());
    };
    let [of_all, _] = keys.statement_places(&documented.statement);
    Ok(of_all)
}

/// The ids of statements behind a place that were made since an instant and could be written, and the last of them where
/// more may follow.
async fn listed<N: Snapshot>(
    snapshot: &N,
    keys: &Keys,
    after: Key,
    from: i64,
) -> Result<(Vec<String>, Option<String>), Error> {
    let mut ids = Vec::new();
    let mut scan = Scan::first(PIECE).after(after);
    loop {
        let piece = snapshot.scan(&keys.every_statement(), scan).await?;
        for (_, record) in &piece {
            let entry = record.decode::<StatementEntry>()?;
            if entry.created_at < from {
                return Ok((ids, None));
            }
            if entry.status != StatementStatus::Failed {
                ids.push(entry.statement_id);
            }
            if ids.len() == MOST_STATEMENTS {
                let last = ids.last().cloned();
                return Ok((ids, last));
            }
        }
        tokio::task::yield_now().await;
        let Some((last, _)) = piece.into_iter().last() else { return Ok((ids, None)) };
        scan = Scan::first(PIECE).after(last);
    }
}

/// Asks what a statement rests on, and takes account of it.
async fn ask<S: Store>(
    askers: &mut Askers<'_, S>,
    documented: &Documented,
    replay: &mut Replay,
) -> Result<(), Error> {
    let Documented { statement, questions, charges } = documented;
    // What could not be written rests on nothing.
    let Some(currency) = statement.currency else { return Ok(()) };
    let user_id = &statement.user_id;
    let mut said = Vec::with_capacity(questions.len());
    for asked in questions {
        said.push(askers.usage(user_id, asked).await?);
    }
    let mut lines = Vec::new();
    for (place, line) in statement.lines.iter().enumerate() {
        let Some(question) = line.question else { continue };
        if let (Some(asked), Some(said)) = (questions.get(question), said.get(question)) {
            lines.push(Line::of_usage(place, line, &asked.answer, said));
        }
    }
    for (number, charge) in charges.iter().enumerate() {
        let its = statement.lines.iter().enumerate().find(|(_, line)| line.charge == Some(number));
        let Some((place, line)) = its else { continue };
        let mut said = Vec::with_capacity(charge.asked.len());
        for one in &charge.asked {
            said.push(askers.fee(user_id, &one.asked).await?);
        }
        lines.push(Line::of_charge(place, &line.description, charge, said));
    }
    lines.sort_by_key(|line| line.place);
    replay.take((&statement.id, user_id), currency, lines);
    Ok(())
}
