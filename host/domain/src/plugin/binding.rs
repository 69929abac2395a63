//! Bindings: which plugins answer for a hook.

use std::collections::BTreeSet;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::plugin::hook::Hook;
use crate::plugin::{Digest, Source};
use crate::refusal::{FieldError, Refusal};

/// How many plugins one binding may name.
pub const MOST_PLUGINS: usize = 16;
/// How long the settings of one plugin may be, as JSON text in bytes.
pub const SETTINGS_BYTES: usize = 64 << 10;

/// A binding as an admin asks for it. What an answer shows beside it is taken and passed over, so that what was
/// read can be edited and sent back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({
    "plugins": [{
        "digest": "3f786850e387550fdab836ed7e6dc881de23001b3f786850e387550fdab836ed",
        "settings": {},
    }],
    "standard": true,
})))]
pub struct BindingDraft {
    /// Which plugins, in the order in which they are asked.
    #[schema(max_items = 16)]
    pub plugins: Vec<BoundDraft>,
    /// Whether the standard plugin is asked first (validation), or the packs of the configuration stay listed
    /// (templates).
    #[serde(default)]
    pub standard: Option<bool>,
    #[allow(missing_docs, reason = "only in answers")]
    #[serde(default)]
    #[schema(value_type = Value)]
    pub hook: IgnoredAny,
    #[allow(missing_docs, reason = "only in answers")]
    #[serde(default)]
    #[schema(value_type = Value)]
    pub source: IgnoredAny,
}

/// One plugin of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BoundDraft {
    /// Which one.
    pub digest: Digest,
    /// Its settings, in its own words.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
    /// One that the configuration puts there is what `standard` stands for, and is passed over.
    #[serde(default)]
    pub source: Option<Source>,
    #[allow(missing_docs, reason = "only in answers")]
    #[serde(default)]
    #[schema(value_type = Value)]
    pub name: IgnoredAny,
    #[allow(missing_docs, reason = "only in answers")]
    #[serde(default)]
    #[schema(value_type = Value)]
    pub version: IgnoredAny,
}

/// What a draft asks for, once it is right in itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// In the order in which they are asked.
    pub plugins: Vec<WantedPlugin>,
    /// Whether what the configuration has comes first.
    pub standard: bool,
}

/// One plugin with its settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedPlugin {
    /// Which one.
    pub digest: Digest,
    /// In its own words.
    pub settings: Map<String, Value>,
}

impl WantedPlugin {
    /// Its settings as it is given them.
    #[must_use]
    pub fn settings_text(&self) -> String {
        Value::Object(self.settings.clone()).to_string()
    }
}

impl BindingDraft {
    /// What it asks for.
    ///
    /// # Errors
    /// Names every field that does not fit the hook.
    pub fn checked(self, hook: Hook) -> Result<Wanted, Refusal> {
        let mut errors = Vec::new();
        let named = |plugin: &BoundDraft| plugin.source != Some(Source::Configuration);
        let plugins: Vec<WantedPlugin> = self
            .plugins
            .into_iter()
            .filter(named)
            .map(|BoundDraft { digest, settings, .. }| WantedPlugin { digest, settings })
            .collect();
        if hook.takes_one() && plugins.len() != 1 {
            let message = format!(
                "plugins must name exactly one plugin for the hook '{hook}'. DELETE the binding to go back to \
                 the default."
            );
            errors.push(FieldError::new("plugins", "not_one", &message));
        }
        if plugins.len() > MOST_PLUGINS {
            let message = format!("plugins must name no more than {MOST_PLUGINS} plugins.");
            errors.push(FieldError::new("plugins", "too_many", &message));
        }
        if hook.takes_one() && self.standard == Some(true) {
            let message = format!(
                "standard must not be true for the hook '{hook}', which one plugin alone answers."
            );
            errors.push(FieldError::new("standard", "not_for_this_hook", &message));
        }
        let mut seen = BTreeSet::new();
        for (at, plugin) in plugins.iter().enumerate() {
            if !seen.insert(&plugin.digest) {
                let field = format!("plugins[{at}].digest");
                let message = format!("{field} names a plugin that is named before it.");
                errors.push(FieldError::new(&field, "named_twice", &message));
            }
            if plugin.settings_text().len() > SETTINGS_BYTES {
                let field = format!("plugins[{at}].settings");
                let message = format!("{field} must have no more than {SETTINGS_BYTES} bytes.");
                errors.push(FieldError::new(&field, "too_long", &message));
            }
        }
        if !errors.is_empty() {
            return Err(Refusal::Invalid(errors));
        }
        let standard = !hook.takes_one() && self.standard.unwrap_or(true);
        Ok(Wanted { plugins, standard })
    }
}

/// What is live for a hook, as answers show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Binding {
    /// What asks.
    pub hook: Hook,
    /// Whose binding it is.
    pub source: Source,
    /// Whether what the configuration has comes first.
    pub standard: bool,
    /// All that are asked, in this order.
    pub plugins: Vec<BoundPlugin>,
}

/// A plugin that is live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoundPlugin {
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// As it calls itself.
    pub name: String,
    /// Its own.
    pub version: String,
    /// What it is told. Whoever administers the tenant sees it.
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
    /// Who put it there.
    pub source: Source,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(json: &str) -> BindingDraft {
        let json = json.replace("AA", &"a".repeat(64)).replace("BB", &"b".repeat(64));
        serde_json::from_str(&json).unwrap_or_else(|error| panic!("{json}: {error}"))
    }

    #[test]
    fn a_binding_fits_its_hook_or_names_the_field() {
        let one = r#"{"plugins":[{"digest":"AA"}]}"#;
        let two = r#"{"plugins":[{"digest":"AA"},{"digest":"BB"}]}"#;
        let none = r#"{"plugins":[],"standard":false}"#;
        let long = format!(
            r#"{{"plugins":[{{"digest":"AA","settings":{{"x":"{}"}}}}]}}"#,
            "y".repeat(SETTINGS_BYTES)
        );
        for (json, hook, expected) in [
            (one, Hook::Identity, Ok((1, false))),
            (one, Hook::Pricing, Ok((1, false))),
            (one, Hook::Validation, Ok((1, true))),
            (two, Hook::Templates, Ok((2, true))),
            (two, Hook::Identity, Err("plugins")),
            (none, Hook::Pricing, Err("plugins")),
            (none, Hook::Validation, Ok((0, false))),
            (r#"{"plugins":[{"digest":"AA"}],"standard":true}"#, Hook::Identity, Err("standard")),
            (r#"{"plugins":[{"digest":"AA"}],"standard":false}"#, Hook::Identity, Ok((1, false))),
            (
                r#"{"plugins":[{"digest":"AA"},{"digest":"AA"}]}"#,
                Hook::Validation,
                Err("plugins[1].digest"),
            ),
            (&long, Hook::Validation, Err("plugins[0].settings")),
        ] {
            let found = draft(json).checked(hook);
            match (&found, expected) {
                (Ok(wanted), Ok(expected)) => {
                    assert_eq!((wanted.plugins.len(), wanted.standard), expected, "{hook} {json}");
                }
                (Err(Refusal::Invalid(errors)), Err(field)) => {
                    assert_eq!(errors[0].field, field, "{hook}");
                }
                _ => panic!("{hook} {json}: {found:?}"),
            }
        }
    }

    #[test]
    fn what_was_read_can_be_sent_back_and_what_is_misspelt_cannot() {
        let shown = r#"{"hook":"validation","source":"tenant","standard":true,"plugins":[
            {"digest":"AA","name":"standard","version":"1","settings":{"a":1},"source":"configuration"},
            {"digest":"BB","name":"own","version":"1","settings":{"b":2},"source":"tenant"}]}"#;
        let wanted = draft(shown).checked(Hook::Validation).unwrap();
        assert_eq!(wanted.plugins.len(), 1);
        assert_eq!(wanted.plugins[0].settings_text(), r#"{"b":2}"#);
        let digest = "a".repeat(64);
        for json in [
            r#"{"plugins":[],"standrad":false}"#.to_owned(),
            r#"{"standard":false}"#.to_owned(),
            r#"{"plugins":[{"digest":"x"}]}"#.to_owned(),
            format!(r#"{{"plugins":[{{"digest":"{digest}","settings":[]}}]}}"#),
            format!(r#"{{"plugins":[{{"digest":"{digest}","setings":{{}}}}]}}"#),
        ] {
            assert!(serde_json::from_str::<BindingDraft>(&json).is_err(), "{json}");
        }
    }
}
