//! Reading the operator's settings strictly.

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The settings of a plugin that has none: any key is refused by name.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct NoSettings {}

/// Parses settings, and names every key that nobody reads: a misspelt one must not be dropped in silence, also
/// where the author did not think of `deny_unknown_fields`.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Vec<String>> {
    let mut unknown = Vec::new();
    let mut json = serde_json::Deserializer::from_str(text);
    let settings = serde_ignored::deserialize(&mut json, |path| {
        unknown.push(format!("There is no setting `{path}`; remove it or correct its spelling."));
    });
    match settings.and_then(|settings| json.end().map(|()| settings)) {
        Err(error) => Err(vec![format!("The settings cannot be read: {error}.")]),
        Ok(_) if !unknown.is_empty() => Err(unknown),
        Ok(settings) => Ok(settings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Margin {
        percent: u8,
        #[serde(default)]
        regions: Vec<String>,
    }

    #[test]
    fn settings_are_read_strictly() {
        for (text, expected) in [
            (r#"{"percent":5}"#, Ok(5)),
            (r#"{"percent":5,"regions":["eu"]}"#, Ok(5)),
            ("{}", Err("missing field `percent`")),
            (r#"{"percent":5,"percnt":6}"#, Err("There is no setting `percnt`")),
            (r#"{"percent":"5"}"#, Err("expected u8")),
            (r#"{"percent":500}"#, Err("expected u8")),
            (r#"{"percent":5} x"#, Err("trailing characters")),
            ("null", Err("expected struct Margin")),
            ("", Err("EOF")),
        ] {
            match (parse::<Margin>(text), expected) {
                (Ok(margin), Ok(percent)) => assert_eq!(margin.percent, percent, "{text}"),
                (Err(wrong), Err(part)) => {
                    assert!(wrong.join(" ").contains(part), "{text}: {wrong:?}");
                }
                (got, _) => panic!("{text}: {got:?}"),
            }
        }
    }

    #[test]
    fn every_unknown_key_is_named() {
        let wrong = parse::<NoSettings>(r#"{"a":1,"b":{"c":2}}"#).unwrap_err();
        assert_eq!(wrong.len(), 2);
        assert!(wrong[0].contains("`a`") && wrong[1].contains("`b`"), "{wrong:?}");
    }
}
