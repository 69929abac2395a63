//! `planwright replay`

use clap::{ArgGroup, Args};
use jiff::Timestamp;
use reqwest::Method;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::Failure;
use super::out::print_line;
use super::remote::{OfTenant, cell, print_json, print_table};

pub(super) const EXAMPLES: &str = "\
Asks again what statements rest on: of the component that had answered, which has to say the very same, or with
--digest of another one that was uploaded, to see what that would have charged. Nothing is changed. Exit code 0:
asked; 1: the same component says something else, or it cannot be asked.

Examples:
  export PLANWRIGHT_TOKEN=$(planwright token --user me --role admin)
  planwright replay sta_abcdefghijklmnop
  planwright replay --from 2025-02-01T00:00:00Z --to 2025-03-01T00:00:00Z
  planwright replay --from 2025-02-01T00:00:00Z --digest 3f786850e387… --settings '{\"discount\": 10}' --json";

#[derive(Args)]
#[command(group = ArgGroup::new("which").args(["statement", "from"]).required(true))]
pub(super) struct Arguments {
    /// The statement's id; without it all that were made in a time.
    #[arg(conflicts_with = "to")]
    statement: Option<String>,
    /// The first instant that they were made in.
    #[arg(long, value_name = "INSTANT")]
    from: Option<Timestamp>,
    /// The instant behind the last [default: none].
    #[arg(long, value_name = "INSTANT", requires = "from")]
    to: Option<Timestamp>,
    /// Another component, by its digest.
    #[arg(long)]
    digest: Option<String>,
    /// Its settings, as JSON.
    #[arg(long, value_name = "JSON", requires = "digest", value_parser = parse_settings)]
    settings: Option<Value>,
    #[command(flatten)]
    of: OfTenant,
}

fn parse_settings(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(settings @ Value::Object(_)) => Ok(settings),
        Ok(_) => Err("settings are a JSON object".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let is_of_another = arguments.digest.is_some();
    let replay = match &arguments.statement {
        Some(id) => {
            let path = ["statements", id, "replay"];
            let body = Some(arguments.component().into());
            arguments.of.remote.ask(arguments.of.ask(Method::POST, &path, body))?
        }
        None => arguments.of_period()?,
    };
    if arguments.of.remote.json {
        print_json(&replay)?;
    } else {
        show(&replay)?;
    }
    if is_of_another || replay["identical"] == true {
        return Ok(());
    }
    Err("the component that had answered says something else now".into())
}

impl Arguments {
    /// Which component is asked, as the request says it.
    fn component(&self) -> Map<String, Value> {
        let named =
            [("digest", self.digest.clone().map(Value::from)), ("settings", self.settings.clone())];
        named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    /// All statements of a time, piece by piece.
    fn of_period(&self) -> Result<Value, Failure> {
        let from = self.from.map_or(0, Timestamp::as_second);
        let to = self.to.unwrap_or(Timestamp::MAX).as_second();
        let mut body = self.component();
        body.extend([("from".to_owned(), from.into()), ("to".to_owned(), to.into())]);
        let mut all: Option<Value> = None;
        loop {
            let path = ["statements", "replay"];
            let ask = self.of.ask(Method::POST, &path, Some(body.clone().into()));
            let piece = self.of.remote.ask(ask)?;
            let next = piece["next"].clone();
            let sum = match all.take() {
                Some(sum) => added(sum, &piece)?,
                None => piece,
            };
            eprintln!("asked {} statements again …", sum["statements"]);
            if next.is_null() {
                return Ok(sum);
            }
            body.insert("after".to_owned(), next);
            all = Some(sum);
        }
    }
}

/// Two answers as one.
fn added(mut sum: Value, piece: &Value) -> Result<Value, Failure> {
    for field in ["statements", "lines", "unanswered"] {
        let counted = |of: &Value| of[field].as_u64().unwrap_or(0);
        sum[field] = (counted(&sum) + counted(piece)).into();
    }
    sum["identical"] = (sum["identical"] == true && piece["identical"] == true).into();
    sum["next"] = piece["next"].clone();
    for total in piece["totals"].as_array().into_iter().flatten() {
        add_total(&mut sum["totals"], total)?;
    }
    if let (Some(all), Some(more)) =
        (sum["differing"].as_array_mut(), piece["differing"].as_array())
    {
        all.extend(more.iter().cloned());
    }
    Ok(sum)
}

fn add_total(totals: &mut Value, more: &Value) -> Result<(), Failure> {
    let Some(totals) = totals.as_array_mut() else { return Ok(()) };
    let Some(of_all) = totals.iter_mut().find(|one| one["currency"] == more["currency"]) else {
        totals.push(more.clone());
        return Ok(());
    };
    for field in ["before", "after", "difference"] {
        let sum = decimal(&of_all[field])? + decimal(&more[field])?;
        of_all[field] = serde_json::from_str(&sum.normalize().to_string())?;
    }
    Ok(())
}

fn decimal(value: &Value) -> Result<Decimal, Failure> {
    Ok(planwright_domain::decimal::parse(&value.to_string())?)
}

fn show(replay: &Value) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for statement in replay["differing"].as_array().into_iter().flatten() {
        for line in statement["lines"].as_array().into_iter().flatten() {
            let after =
                if line["after"].is_null() { cell(line, "reason") } else { cell(line, "after") };
            rows.push(vec![
                cell(statement, "user_id"),
                cell(statement, "statement_id"),
                cell(line, "line"),
                cell(line, "description"),
                cell(line, "before"),
                after,
                cell(line, "difference"),
                cell(&statement["total"], "currency"),
            ]);
        }
    }
    if !rows.is_empty() {
        let titles = [
            "USER",
            "STATEMENT",
            "LINE",
            "DESCRIPTION",
            "BEFORE",
            "AFTER",
            "DIFFERENCE",
            "CURRENCY",
        ];
        print_table(&titles, rows)?;
        print_line("")?;
    }
    let [statements, lines, unanswered] =
        ["statements", "lines", "unanswered"].map(|field| cell(replay, field));
    let verdict =
        if replay["identical"] == true { "nothing differs" } else { "not all is the same" };
    print_line(&format!(
        "{verdict}: {lines} lines of {statements} statements, {unanswered} without an answer"
    ))?;
    for total in replay["totals"].as_array().into_iter().flatten() {
        let [currency, before, after, difference] =
            ["currency", "before", "after", "difference"].map(|field| cell(total, field));
        print_line(&format!(
            "{currency}: {before} as charged, {after} now, difference {difference}"
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pieces_are_added_exactly() {
        let piece = |statements: u64, before: &str, identical: bool, currency: &str| -> Value {
            let text = format!(
                r#"{{"statements":{statements},"lines":3,"unanswered":1,"identical":{identical},"next":null,
                "totals":[{{"currency":"{currency}","before":{before},"after":0.2,"difference":0.1}}],
                "differing":[{{"statement_id":"sta_{statements}"}}]}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        let sum = added(piece(100, "0.1", true, "USD"), &piece(7, "0.2", false, "USD")).unwrap();
        let sum = added(sum, &piece(1, "5", true, "RUB")).unwrap();
        assert_eq!(sum["statements"], 108);
        assert_eq!((&sum["lines"], &sum["unanswered"]), (&json!(9), &json!(3)));
        assert_eq!(sum["identical"], false);
        let usd = &sum["totals"][0];
        assert_eq!(usd["before"].to_string(), "0.3");
        assert_eq!(
            (usd["after"].to_string(), usd["difference"].to_string()),
            ("0.4".into(), "0.2".into())
        );
        assert_eq!(sum["totals"][1]["currency"], "RUB");
        assert_eq!(sum["differing"].as_array().unwrap().len(), 3);
    }
}
