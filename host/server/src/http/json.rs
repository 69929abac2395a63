//! Reading JSON strictly, with every mistake named by its field.

use std::borrow::Cow;
use std::ops::Range;

use planwright_domain::Refusal;
use planwright_domain::refusal::FieldError;
use serde::de::DeserializeOwned;

use super::numbers;
use super::problem::Problem;

pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    Ok(read_json("The body", bytes)?)
}

/// Reads JSON strictly, wherever it comes from; `what` is what it is, as a sentence begins.
pub(crate) fn read_json<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, Refusal> {
    must_be_no_array(what, bytes)?;
    parse_json(what, &without_zero_fractions(bytes))
}

fn parse_json<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, Refusal> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    match serde_path_to_error::deserialize(&mut json) {
        Ok(value) => {
            json.end().map_err(|error| wrong(what, ".", &error, None))?;
            Ok(value)
        }
        Err(error) => {
            let (path, error) = (error.path().to_string(), error.inner());
            let number = numbers::before(bytes, error);
            if let Some(number) = number.clone().filter(|_| numbers::is_too_large(error)) {
                return Err(too_large::<T>(what, bytes, number));
            }
            let number = number.and_then(|number| bytes.get(number));
            Err(wrong(what, &path, error, number))
        }
    }
}

/// Of a number that is too large for any kind of number nobody says what it had to be. Of another one in its place that
/// is no whole number it is said by the same field.
fn too_large<T: DeserializeOwned>(what: &str, bytes: &[u8], number: Range<usize>) -> Refusal {
    let sent = bytes.get(number.clone()).unwrap_or_default();
    let mut other = bytes.to_vec();
    other.splice(number, *b"0.5");
    let mut json = serde_json::Deserializer::from_slice(&other);
    match serde_path_to_error::deserialize::<_, T>(&mut json) {
        Err(error) if error.inner().is_data() => {
            wrong(what, &error.path().to_string(), error.inner(), Some(sent))
        }
        _ => invalid("", "wrong_type", &format!("{what} has a number that is too large.")),
    }
}

/// A part of a body that was read before, by itself: a mistake in it is its own.
pub(crate) fn parse_part<T: DeserializeOwned>(json: &str) -> Result<T, Refusal> {
    must_be_no_array("It", json.as_bytes())?;
    parse_json("It", json.as_bytes())
}

/// Arrays would be taken for objects, field by field.
fn must_be_no_array(what: &str, json: &[u8]) -> Result<(), Refusal> {
    let first = json.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[') {
        return Err(invalid("", "wrong_type", &format!("{what} must be a JSON object.")));
    }
    Ok(())
}

fn invalid(field: &str, code: &str, message: &str) -> Refusal {
    Refusal::Invalid(vec![FieldError::new(field, code, message)])
}

/// Numbers without the `.0` that some languages write behind whole ones: `12.0` is a whole number, in JSON too.
fn without_zero_fractions(json: &[u8]) -> Cow<'_, [u8]> {
    if !json.windows(2).any(|two| two == b".0") {
        return json.into();
    }
    let mut kept = Vec::with_capacity(json.len());
    let (mut in_text, mut escaped) = (false, false);
    // No point and no exponent since the number began.
    let mut plain = true;
    let mut rest = json;
    while let [byte, behind @ ..] = rest {
        let zeros = behind.iter().take_while(|next| **next == b'0').count();
        let ends = !matches!(behind.get(zeros), Some(b'0'..=b'9' | b'.' | b'e' | b'E'));
        let after_digit = kept.last().is_some_and(u8::is_ascii_digit);
        if !in_text && plain && *byte == b'.' && after_digit && zeros > 0 && ends {
            rest = &behind[zeros..];
            continue;
        }
        plain = match byte {
            b'0'..=b'9' | b'-' => plain,
            b'.' | b'e' | b'E' | b'+' => false,
            _ => true,
        };
        in_text ^= *byte == b'"' && !escaped;
        escaped = in_text && *byte == b'\\' && !escaped;
        kept.push(*byte);
        rest = behind;
    }
    kept.into()
}

/// `number` is the one that the error is about, as it was sent, if it is about one.
fn wrong(what: &str, path: &str, error: &serde_json::Error, number: Option<&[u8]>) -> Refusal {
    let text = error.to_string();
    if !error.is_data() {
        return invalid("", "malformed_json", &format!("{what} is not JSON: {text}."));
    }
    // The place in the text is of no use to whoever built it with a library; the field is.
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    let reason = shortened(&in_plain_words(reason, number));
    let (path, reason) = (&shortened(path), reason.trim_end_matches('.'));
    let field = field_of(path, reason);
    let code = NAMED_IN_THE_REASON
        .iter()
        .find(|(start, _)| reason.starts_with(start))
        .map_or("wrong_type", |(_, code)| code);
    let message =
        if field.is_empty() { format!("{reason}.") } else { format!("{field}: {reason}.") };
    invalid(&field, code, &message)
}

/// What is said of Rust, said of JSON.
fn in_plain_words(reason: &str, number: Option<&[u8]>) -> String {
    let (found, expected) = reason.split_once(", expected ").unwrap_or((reason, ""));
    if let Some(range) = numbers::range(reason) {
        return match number {
            Some(number) => format!("{} is not {range}", numbers::shown(number)),
            None => format!("{found}, expected {range}"),
        };
    }
    match expected {
        "" => reason.to_owned(),
        "a boolean" => format!("{found}, expected true or false"),
        _ if expected.starts_with("struct ") => format!("{found}, expected an object"),
        _ => reason.to_owned(),
    }
}

/// What somebody sent is shown back, but not at any length.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 300;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// How serde begins where it names the field in the reason and not in the path, and what we call that.
const NAMED_IN_THE_REASON: [(&str, &str); 3] = [
    ("unknown field `", "unknown_field"),
    ("missing field `", "missing_field"),
    ("duplicate field `", "duplicate_field"),
];

/// The path of the field at fault. A field that is unknown or missing is named in the reason alone.
fn field_of(path: &str, reason: &str) -> String {
    let path = if path == "." { "" } else { path };
    let named = NAMED_IN_THE_REASON
        .iter()
        .find_map(|(start, _)| reason.strip_prefix(start))
        .and_then(|rest| rest.split_once('`'))
        .map(|(name, _)| name);
    match named {
        Some(name) if path.rsplit('.').next() == Some(name) => path.to_owned(),
        Some(name) if path.is_empty() => name.to_owned(),
        Some(name) => format!("{path}.{name}"),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use planwright_domain::plan::PlanDraft;

    use super::*;

    #[test]
    fn a_whole_number_may_be_written_with_a_fraction_of_zeros() {
        for (json, expected) in [
            ("{\"a\":12.0}", "{\"a\":12}"),
            ("[1.000,-2.0 ,0.0]", "[1,-2 ,0]"),
            ("3.0", "3"),
            ("[1.05,1.50,10.01,1.0e2,1.0E2]", "[1.05,1.50,10.01,1.0e2,1.0E2]"),
            ("[1.0.0,.0,1.]", "[1.0.0,.0,1.]"),
            (r#"{"1.0":"2.0"}"#, r#"{"1.0":"2.0"}"#),
            (r#"["\"1.0","\\",1.0]"#, r#"["\"1.0","\\",1]"#),
            (r#"["ж1.0",1.0]"#, r#"["ж1.0",1]"#),
        ] {
            let kept = without_zero_fractions(json.as_bytes());
            assert_eq!(std::str::from_utf8(&kept).unwrap(), expected, "{json}");
        }
    }

    #[test]
    fn a_number_that_does_not_fit_is_shown_as_it_was_sent_and_with_what_fits() {
        let long = "9".repeat(400);
        let whole = "is not a whole number from 0 to 4294967295, written in digits.";
        for number in [
            "4294967296",
            "18446744073709551616",
            "1e3",
            "1.5",
            "-1",
            "-0",
            "1e400",
            "-1e400",
            "1e-400",
        ] {
            let json = format!(r#"{{"name":"A","trial_days": {number} ,"price":1}}"#);
            let refused = parse::<PlanDraft>(json.as_bytes()).unwrap_err();
            let body: serde_json::Value = serde_json::from_slice(&refused.body("/", "r")).unwrap();
            let error = &body["errors"][0];
            assert_eq!(
                (&error["field"], &error["code"]),
                (&"trial_days".into(), &"wrong_type".into())
            );
            assert_eq!(error["message"], format!("trial_days: {number} {whole}"));
        }
        let json = format!("{{\"name\":\"A\",\n\"quotas\":{{\"images\":{long}}}}}");
        let refused = parse::<PlanDraft>(json.as_bytes()).unwrap_err();
        let body: serde_json::Value = serde_json::from_slice(&refused.body("/", "r")).unwrap();
        let message = body["errors"][0]["message"].as_str().unwrap();
        assert!(message.starts_with("quotas.images: 9999"), "{message}");
        assert!(message.ends_with(
            "… is not a whole number from 0 to 18446744073709551615, written in digits."
        ));
    }

    #[test]
    fn a_mistake_is_named_by_its_field() {
        for (json, field, code) in [
            (r#"{"name":"A","price":1,"interval":"month","x":1}"#, "x", "unknown_field"),
            (r#"{"price":1,"interval":"month"}"#, "name", "missing_field"),
            (r#"{"name":5}"#, "name", "wrong_type"),
            (r#"{"name":"A","name":"B"}"#, "name", "duplicate_field"),
            (r#"{"name":"A","interval":null}"#, "interval", "wrong_type"),
            (r#"{"name":"A","quotas":{"requests":-1}}"#, "quotas.requests", "wrong_type"),
            (r#"{"name":"A","quotas":{"requests":"many"}}"#, "quotas.requests", "wrong_type"),
            (r#"{"name":"A","features":["a",2]}"#, "features[1]", "wrong_type"),
            (r#"{"name":"A","interval":"decade"}"#, "interval", "wrong_type"),
            (r#"{"name":"A","id":"a b"}"#, "id", "wrong_type"),
            (r#"{"name":"A""#, "", "malformed_json"),
            (r#"{} {}"#, "name", "missing_field"),
            ("[]", "", "wrong_type"),
            (r#" ["A",1,"month"]"#, "", "wrong_type"),
            (r#"{"name":"A","quotas":{"images":1,"images":2}}"#, "quotas", "wrong_type"),
            ("5", "", "wrong_type"),
            ("", "", "malformed_json"),
        ] {
            let problem = parse::<PlanDraft>(json.as_bytes()).unwrap_err();
            let body: serde_json::Value = serde_json::from_slice(&problem.body("/", "r")).unwrap();
            let error = &body["errors"][0];
            assert_eq!(error["field"], field, "{json}: {body}");
            assert_eq!(error["code"], code, "{json}: {body}");
            assert_eq!(body["status"], 400);
        }
    }
}
