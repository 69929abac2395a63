//! Asking what was asked before: of the component that has answered, with the settings that it had, or of another one.
//! Each question gets an instance of its own, which sees what the first one saw and nothing else.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use planwright_domain::Refusal;
use planwright_domain::billing_plan::charge::{Charge, UsageQuestion};
use planwright_domain::plan::review::ReviewContext;
use planwright_domain::plugin::hook::Hook;
use planwright_domain::plugin::{Digest, Owner, PluginState};
use planwright_domain::refusal::FieldError;
use planwright_domain::statement::asked::{Asked, Pricer};
use planwright_domain::statement::replay_request::Another;
use planwright_domain::subscription::fee::{FeeItem, FeeQuestion};
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::time::Timestamp;
use planwright_plugin_host::{Plugin, PluginError, Prepared, Reuse};
use planwright_store::{Snapshot, Store};

use crate::app::App;
use crate::error::Error;
use crate::keys::{HostKeys, OwnerKeys};
use crate::plugins::plugin_documents::ComponentRecord;
use crate::plugins::plugin_records::component;
use crate::plugins::plugin_work;
use crate::plugins::seen_by;

/// How long a component that has no native code any more is waited for: a small one has it by then.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many components with their settings are held at once.
const MOST_LOADED: usize = 16;

/// What is said again, or why nothing is.
pub(crate) type Said<A> = Result<A, String>;

/// Whom kept questions of a tenant are put to.
pub(crate) struct Askers<'a, S: Store> {
    app: &'a App<S>,
    snapshot: &'a S::Snapshot,
    tenant: &'a TenantId,
    now: Timestamp,
    /// Asked in the place of whoever has answered.
    another: Option<Arc<Plugin>>,
    loaded: Loaded,
}

/// Components that have answered, with the settings that they had.
#[derive(Default)]
pub(crate) struct Loaded(HashMap<(Digest, String), Arc<Plugin>>);

impl Loaded {
    /// One that is held already.
    pub(crate) fn get(&self, pricer: &Pricer) -> Option<Arc<Plugin>> {
        self.0.get(&(pricer.digest, pricer.settings.clone())).map(Arc::clone)
    }

    pub(crate) fn keep(&mut self, pricer: &Pricer, plugin: &Arc<Plugin>) {
        if self.0.len() >= MOST_LOADED {
            self.0.clear();
        }
        self.0.insert((pricer.digest, pricer.settings.clone()), Arc::clone(plugin));
    }
}

impl<'a, S: Store> Askers<'a, S> {
    /// Those that have answered, or another one in their place.
    ///
    /// # Errors
    /// Another one that is not the tenant's, prices nothing, is not ready, or does not take its settings.
    pub(crate) async fn new(
        app: &'a App<S>,
        snapshot: &'a S::Snapshot,
        tenant: &'a TenantId,
        another: Option<&Another>,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let loaded = Loaded::default();
        let mut askers = Self { app, snapshot, tenant, now, another: None, loaded };
        if let Some(another) = another {
            let prepared = askers.of_list(another).await?;
            let loaded = load_prepared(app, prepared, now).await;
            askers.another = Some(loaded.map_err(of_the_settings)?);
        }
        Ok(askers)
    }

    /// A component that the tenant sees, or the one that prices where nobody has bound another.
    async fn of_list(&self, another: &Another) -> Result<Prepared, Error> {
        let Another { digest, settings } = another;
        let wrong = |code: &str, message: &str| {
            Refusal::Invalid(vec![FieldError::new("digest", code, message)])
        };
        for owner in seen_by(&Owner::Tenant(self.tenant.clone())) {
            if self.snapshot.get(&OwnerKeys::of(&owner).plugin(digest)).await?.is_none() {
                continue;
            }
            let component = component(self.snapshot, digest).await?;
            if component.hook != Hook::Pricing {
                let hook = component.hook;
                let message =
                    format!("digest names a plugin for the hook '{hook}', which prices nothing.");
                return Err(wrong("wrong_hook", &message).into());
            }
            if component.state != PluginState::Ready {
                let state = component.state.as_str();
                return Err(Refusal::PluginNotReady { digest: digest.to_string(), state }.into());
            }
            return Ok(prepared(digest, component, settings));
        }
        let message = "digest names a plugin that is not there. POST it to /api/v1/admin/plugins first; GET lists \
                       those there are.";
        Ok(configured(self.app, digest, settings)
            .ok_or_else(|| wrong("unknown_plugin", message))?)
    }

    /// Whoever is asked in the place of who has answered, or that one.
    async fn asker(&mut self, pricer: &Pricer) -> Result<Arc<Plugin>, Error> {
        if let Some(another) = &self.another {
            return Ok(Arc::clone(another));
        }
        if let Some(loaded) = self.loaded.get(pricer) {
            return Ok(loaded);
        }
        let plugin = load(self.app, self.snapshot, pricer, self.now).await?;
        self.loaded.keep(pricer, &plugin);
        Ok(plugin)
    }

    fn context(&self, user_id: &str, at: Timestamp) -> ReviewContext {
        ReviewContext { tenant: self.tenant.clone(), user_id: Some(user_id.to_owned()), at }
    }

    /// Puts a question about a fee once more.
    pub(crate) async fn fee(
        &mut self,
        user_id: &str,
        asked: &Asked<FeeQuestion, Vec<FeeItem>>,
    ) -> Result<Said<Vec<FeeItem>>, Error> {
        let plugin = self.asker(&asked.pricer).await?;
        let context = self.context(user_id, asked.at);
        said(plugin.price_fee(&context, &asked.question).await)
    }

    /// Puts a question about usage once more.
    pub(crate) async fn usage(
        &mut self,
        user_id: &str,
        asked: &Asked<UsageQuestion, Vec<Charge>>,
    ) -> Result<Said<Vec<Charge>>, Error> {
        let plugin = self.asker(&asked.pricer).await?;
        let context = self.context(user_id, asked.at);
        let answer = said(plugin.price_usage(&context, &asked.question).await)?;
        Ok(answer.and_then(|charges| charges.map_err(|no| format!("{} ({})", no.message, no.code))))
    }
}

/// A component that has answered: one that is kept for it, or one that the configuration has.
pub(crate) async fn load<S: Store>(
    app: &App<S>,
    snapshot: &S::Snapshot,
    pricer: &Pricer,
    now: Timestamp,
) -> Result<Arc<Plugin>, Error> {
    let Pricer { name, digest, settings } = pricer;
    let prepared = match snapshot.get(&HostKeys::component(digest)).await? {
        Some(found) => prepared(digest, found.decode()?, settings),
        None => configured(app, digest, settings).ok_or_else(|| Refusal::PricerGone {
            name: name.clone(),
            digest: digest.to_string(),
        })?,
    };
    Ok(load_prepared(app, prepared, now).await?)
}

/// The one that prices where nobody has bound another, if it is meant.
fn configured<S>(app: &App<S>, digest: &Digest, settings: &str) -> Option<Prepared> {
    let plugin = &app.tables.defaults().pricing;
    (plugin.digest() == digest.to_string()).then(|| Prepared {
        hook: Hook::Pricing,
        digest: *digest,
        name: plugin.name().to_owned(),
        imports: plugin.imports().to_vec(),
        settings: settings.to_owned(),
        reuse: Reuse::Fresh,
    })
}

/// Loads a component, and has it compiled again where its native code is gone.
async fn load_prepared<S: Store>(
    app: &App<S>,
    prepared: Prepared,
    now: Timestamp,
) -> Result<Arc<Plugin>, PluginError> {
    match app.host.load_prepared(prepared.clone(), now).await {
        Err(PluginError::NotCompiled { .. }) => {
            plugin_work::compile_again(app, &prepared.digest, PATIENCE).await?;
            app.host.load_prepared(prepared, now).await
        }
        loaded => loaded,
    }
}

fn prepared(digest: &Digest, component: ComponentRecord, settings: &str) -> Prepared {
    let ComponentRecord { hook, imports, about, .. } = component;
    Prepared {
        hook,
        digest: *digest,
        name: about.unwrap_or_default().name,
        imports,
        settings: settings.to_owned(),
        reuse: Reuse::Fresh,
    }
}

/// A plugin that refuses or fails gives no answer; whoever cannot ask now asks later.
fn said<A>(answer: Result<A, PluginError>) -> Result<Said<A>, Error> {
    match answer {
        Ok(answer) => Ok(Ok(answer)),
        Err(error @ (PluginError::Busy { .. } | PluginError::Io { .. })) => Err(error.into()),
        Err(error) => Ok(Err(error.to_string())),
    }
}

/// What another component says of its settings is said by the field.
fn of_the_settings(error: PluginError) -> Error {
    let wrong = |code: &str, message: &str| FieldError::new("settings", code, message);
    match error {
        PluginError::Settings { messages, .. } => {
            let errors = messages.iter().map(|message| wrong("bad_settings", message));
            Refusal::Invalid(errors.collect()).into()
        }
        error @ (PluginError::NotCompiled { .. }
        | PluginError::Busy { .. }
        | PluginError::Io { .. }) => error.into(),
        error => Refusal::Invalid(vec![wrong(error.code(), &error.to_string())]).into(),
    }
}
