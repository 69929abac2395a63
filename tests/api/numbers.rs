//! Numbers that do not fit, in every field of every body that the document has: the field is named, and what would fit.

use serde_json::{Number, Value};

use super::BATCH;
use crate::harness::App;
use crate::harness::contract::{Operation, contract};

/// A field of a body that holds a number: the way to it, and what the document says of it.
struct Field<'a> {
    way: Vec<Step<'a>>,
    schema: &'a Value,
}

#[derive(Clone, Copy, PartialEq)]
enum Step<'a> {
    Named(&'a str),
    First,
}

/// How the answer names it: `lines[0].quantity`.
fn name(way: &[Step<'_>]) -> String {
    let mut name = String::new();
    for step in way {
        match step {
            Step::Named(field) if name.is_empty() => name.push_str(field),
            Step::Named(field) => name.extend([".", field]),
            Step::First => name.push_str("[0]"),
        }
    }
    name
}

/// All of them in a schema.
fn collect<'a>(schema: &'a Value, way: &[Step<'a>], found: &mut Vec<Field<'a>>) {
    let schema = contract().resolve(schema);
    let is = |kind: &str| schema["type"] == kind || schema["type"][0] == kind;
    if is("integer") || is("number") {
        found.push(Field { way: way.to_vec(), schema });
    }
    let further = |step| [way, &[step]].concat();
    for either in ["oneOf", "anyOf", "allOf"] {
        for one in schema[either].as_array().into_iter().flatten() {
            collect(one, way, found);
        }
    }
    for (field, of) in schema["properties"].as_object().into_iter().flatten() {
        collect(of, &further(Step::Named(field)), found);
    }
    if schema["additionalProperties"].is_object() {
        collect(&schema["additionalProperties"], &further(Step::Named("requests")), found);
    }
    if schema["items"].is_object() {
        collect(&schema["items"], &further(Step::First), found);
    }
}

/// A body with a number in a field, and no more around it than there must be.
fn body(way: &[Step<'_>], number: &str) -> Value {
    match way.split_first() {
        None => Value::Number(number.parse::<Number>().unwrap()),
        Some((Step::Named(field), rest)) => {
            Value::Object([((*field).to_owned(), body(rest, number))].into_iter().collect())
        }
        Some((Step::First, rest)) => Value::Array(vec![body(rest, number)]),
    }
}

/// Numbers that no field of its kind takes, and what is said of them.
fn wrong(schema: &Value) -> (Vec<String>, &'static str) {
    let huge = ["1e400".to_owned(), "-1e400".to_owned(), "9".repeat(400)];
    let is_whole = schema["type"] == "integer" || schema["type"][0] == "integer";
    if !is_whole {
        return (huge.into_iter().chain(["1e-400".to_owned()]).collect(), "exact decimal number");
    }
    let whole = ["18446744073709551616", "1.5", "1e3", "-9223372036854775809"].map(str::to_owned);
    let mut all: Vec<String> = huge.into_iter().chain(whole).collect();
    if schema["format"] == "unix-seconds" {
        all.extend(["1000000000000000000", "-1000000000000"].map(str::to_owned));
    }
    (all, "a whole number from ")
}

/// The operation's path, with something in each of its places.
fn filled(operation: &Operation) -> String {
    let mut path = operation.path.clone();
    while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
        path.replace_range(from..=to, "1");
    }
    path
}

#[tokio::test]
async fn a_number_that_does_not_fit_is_named_by_its_field_in_every_body() {
    let app = App::start().await;
    let (mut asked, mut faults) = (0, Vec::new());
    for operation in &contract().operations {
        let path = filled(operation);
        let role = operation.roles.first().map_or("user", String::as_str);
        // A batch is accepted, and what is wrong in it is not.
        let actor = app.actor("root", role).under_other_rules();
        let mut fields = Vec::new();
        collect(operation.body(), &[], &mut fields);
        // What only an answer has is ignored, as far as it can be read.
        fields.retain(|field| name(&field.way) != "payments.yookassa.secret_key_set_at");
        for Field { way, schema } in fields {
            let (numbers, said) = wrong(schema);
            for number in numbers {
                asked += 1;
                let text = body(&way, &number).to_string();
                let answer = actor.send(operation.method.clone(), &path, &text).await;
                // The events of a batch are read each by itself.
                let (field, message) = if path == BATCH {
                    (name(&way), answer.json["rejected"][0]["message"].to_string())
                } else {
                    let errors = answer.field_errors();
                    let field = errors.first().map(|(field, _)| field.clone());
                    (field.unwrap_or_default(), answer.json["detail"].to_string())
                };
                let is_known = path == BATCH || answer.status.is_client_error();
                if !is_known || field != name(&way) || !message.contains(said) {
                    let number: String = number.chars().take(40).collect();
                    let id = &operation.id;
                    faults.push(format!("{id} {} {number}: {field}: {message}", name(&way)));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} of {asked}: {faults:#?}", faults.len());
    assert!(asked > 300, "only {asked} were asked");
}
