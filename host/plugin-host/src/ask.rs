//! The questions, by hook, and what an answer must look like to be believed.

use std::sync::Arc;

use planwright_domain::billing_plan::price_book::PriceBookChange;
use planwright_domain::plan::review::{Finding, PlanChange, ReviewContext};
use planwright_domain::time::Timestamp;
use wasmtime::bail;

use crate::contract::exports::planwright::plugin::{identity, validation};
use crate::instance::Exports;
use crate::plugin::Plugin;
use crate::{Hook, PluginError, convert, text};

/// The longest id, in bytes.
const ID_BYTES: usize = 128;

impl Plugin {
    /// An id for what a person called `name`; `kind` is what it is for (`plan`). The same arguments give the
    /// same id, so on a clash draw other entropy. The id is 1 to 128 bytes without control characters; that
    /// it is a valid id of its kind is the caller's to check.
    ///
    /// # Errors
    /// [`PluginError`] names the plugin.
    pub async fn new_id(
        self: &Arc<Self>,
        kind: &str,
        name: &str,
        entropy: [u8; 32],
        at: Timestamp,
    ) -> Result<String, PluginError> {
        self.must_be(Hook::Identity)?;
        let (kind, name) = (kind.to_owned(), name.to_owned());
        self.call(
            at,
            move |store, exports| identity(exports)?.call_new_id(store, &kind, &name, &entropy),
            |plugin, answer| {
                let id = answer.map_err(|no| plugin.refused(&no.code, &no.message))?;
                plugin.check_id(id)
            },
        )
        .await
    }

    /// What this plugin finds in a change; see [`review_plan`](crate::review_plan).
    ///
    /// # Errors
    /// [`PluginError`] names the plugin.
    pub async fn review_plan(
        self: &Arc<Self>,
        context: &ReviewContext,
        change: &PlanChange,
    ) -> Result<Vec<Finding>, PluginError> {
        self.must_be(Hook::Validation)?;
        let change = convert::plan_change(change).map_err(|reason| self.bad_question(reason))?;
        let (at, context) = (context.at, convert::context(context));
        self.call(
            at,
            move |store, exports| validation(exports)?.call_review_plan(store, &context, &change),
            |plugin, findings| {
                let findings = findings.into_iter().map(convert::finding).collect();
                plugin.check_findings(findings)
            },
        )
        .await
    }

    /// The same of a change of a price book; see [`review_billing_plan`](crate::review_billing_plan).
    ///
    /// # Errors
    /// [`PluginError`] names the plugin.
    pub async fn review_billing_plan(
        self: &Arc<Self>,
        context: &ReviewContext,
        change: &PriceBookChange,
    ) -> Result<Vec<Finding>, PluginError> {
        self.must_be(Hook::Validation)?;
        let change =
            convert::billing_plan_change(change).map_err(|reason| self.bad_question(reason))?;
        let (at, context) = (context.at, convert::context(context));
        self.call(
            at,
            move |store, exports| {
                validation(exports)?.call_review_billing_plan(store, &context, &change)
            },
            |plugin, findings| {
                let findings = findings.into_iter().map(convert::finding).collect();
                plugin.check_findings(findings)
            },
        )
        .await
    }

    pub(crate) fn must_be(&self, hook: Hook) -> Result<(), PluginError> {
        if self.hook() == hook {
            return Ok(());
        }
        Err(PluginError::WrongWorld {
            plugin: self.identity.subject.to_string(),
            hook,
            missing: format!("it was loaded for the hook '{}'", self.hook()),
        })
    }

    pub(crate) fn bad_question(&self, reason: String) -> PluginError {
        PluginError::BadQuestion { plugin: self.identity.subject.to_string(), reason }
    }

    pub(crate) fn refused(&self, code: &str, message: &str) -> PluginError {
        let most = self.running.limits.text_bytes;
        PluginError::Refused {
            plugin: self.identity.subject.to_string(),
            code: text::clean(code, most),
            message: text::clean(message, most),
        }
    }

    fn check_id(&self, id: String) -> Result<String, PluginError> {
        let fits = (1..=ID_BYTES).contains(&id.len()) && !id.contains(char::is_control);
        if fits {
            return Ok(id);
        }
        let id = text::clean(&id, ID_BYTES);
        Err(self.bad_answer(format!(
            "an id has 1 to {ID_BYTES} bytes and no control characters, not '{id}'"
        )))
    }

    fn check_findings(&self, findings: Vec<Finding>) -> Result<Vec<Finding>, PluginError> {
        let limits = &self.running.limits;
        if findings.len() > limits.findings {
            let (count, most) = (findings.len(), limits.findings);
            return Err(self.bad_answer(format!("{count} findings, and {most} are allowed")));
        }
        for finding in &findings {
            let field = finding.field.as_deref().unwrap_or_default();
            let longest = [&finding.code, field, &finding.message].map(str::len).into_iter().max();
            if longest > Some(limits.text_bytes) {
                let most = limits.text_bytes;
                return Err(self.bad_answer(format!("a finding's text has more than {most} bytes")));
            }
            if finding.code.is_empty() || finding.message.is_empty() {
                return Err(self.bad_answer("a finding has no code or no message".to_owned()));
            }
        }
        Ok(findings)
    }
}

// A plugin's exports are those of its hook, which was looked at before; so these never fail.

fn identity(exports: &Exports) -> wasmtime::Result<&identity::Guest> {
    match exports {
        Exports::Identity(guest) => Ok(guest),
        _ => bail!("not an identity plugin"),
    }
}

fn validation(exports: &Exports) -> wasmtime::Result<&validation::Guest> {
    match exports {
        Exports::Validation(guest) => Ok(guest),
        _ => bail!("not a validation plugin"),
    }
}
