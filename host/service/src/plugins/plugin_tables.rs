//! Which plugins decide for a tenant, as one snapshot has them bound.
//!
//! The host and each tenant have a counter that moves with every change of a binding of theirs. Whoever decides
//! reads both from the snapshot of the decision, takes the table that belongs to them, and expects both in the
//! commit: a swap between the question and the commit is a conflict, and what starts again asks the new plugins.
//! So nobody has to be told of a swap, in this process or another.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use planwright_domain::plugin::hook::Hook;
use planwright_domain::plugin::{Digest, Owner};
use planwright_domain::tenant::caller::TenantId;
use planwright_plugin_host::{Bindings, Plugin};
use planwright_store::{ChangeSet, Snapshot, StoreError};

use crate::keys::OwnerKeys;
use crate::plugins::plugin_documents::{BindingRecord, BoundRecord};
use crate::plugins::plugin_records::component;
use crate::plugins::plugin_slots::{Introduced, Slot, lost};

/// How many tenants with bindings of their own have their table kept.
const MOST_TABLES: usize = 1_000;

/// How often bindings were changed: the host's and the tenant's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Generations {
    pub(crate) host: i64,
    pub(crate) tenant: i64,
}

impl Generations {
    pub(crate) async fn read<N: Snapshot>(snapshot: &N, owner: &Owner) -> Result<Self, StoreError> {
        let host = snapshot.counter(&OwnerKeys::of(&Owner::Host).binding_generation()).await?;
        let tenant = match owner {
            Owner::Host => 0,
            Owner::Tenant(_) => {
                snapshot.counter(&OwnerKeys::of(owner).binding_generation()).await?
            }
        };
        Ok(Self { host, tenant })
    }

    /// No binding that decides for this owner has changed when the change is committed.
    pub(crate) fn expect(self, owner: &Owner, change: &mut ChangeSet) {
        change.expect_counter(&OwnerKeys::of(&Owner::Host).binding_generation(), self.host);
        if let Owner::Tenant(_) = owner {
            change.expect_counter(&OwnerKeys::of(owner).binding_generation(), self.tenant);
        }
    }

    /// In quotes, as on the wire.
    pub(crate) fn tag(self) -> String {
        format!("\"{}-{}\"", self.host, self.tenant)
    }
}

/// The plugins that decide for a tenant, pinned: a swap meanwhile changes nothing for whoever holds it.
pub(crate) struct Pinned {
    pub(super) owner: Owner,
    pub(super) generations: Generations,
    pub(super) table: Arc<Table>,
}

impl Pinned {
    /// What is asked for a hook.
    pub(crate) fn slot(&self, hook: Hook) -> &Slot {
        self.table.slot(hook)
    }

    /// Whose plugin answers for a hook that has just one, and which it is.
    pub(crate) fn only(&self, hook: Hook) -> Result<(Owner, Digest), StoreError> {
        let slot = self.slot(hook);
        match slot.entries() {
            [entry] => Ok((slot.plugin_owner(&self.owner), entry.shown.digest)),
            _ => Err(not_one(hook)),
        }
    }

    pub(crate) fn generations(&self) -> Generations {
        self.generations
    }

    /// The same plugins decide still when the change is committed.
    pub(crate) fn expect(&self, change: &mut ChangeSet) {
        self.generations.expect(&self.owner, change);
    }
}

/// What is asked, by hook. A table never changes, but that what it names is loaded when it is first asked.
pub(crate) struct Table {
    generations: Generations,
    slots: HashMap<Hook, Arc<Slot>>,
}

impl Table {
    /// By the configuration alone.
    fn configured(defaults: &Bindings) -> Self {
        let slot =
            |hook: Hook, plugins: &[Arc<Plugin>]| (hook, Arc::new(Slot::configured(hook, plugins)));
        let one = std::slice::from_ref;
        Self {
            generations: Generations { host: 0, tenant: 0 },
            slots: [
                slot(Hook::Identity, one(&defaults.identity)),
                slot(Hook::Pricing, one(&defaults.pricing)),
                slot(Hook::Validation, &defaults.validation),
                slot(Hook::Templates, &defaults.templates),
            ]
            .into(),
        }
    }

    fn slot(&self, hook: Hook) -> &Arc<Slot> {
        // Every table is made with all of them.
        &self.slots[&hook]
    }
}

/// What is damaged where a hook that takes one plugin has not one.
pub(crate) fn not_one(hook: Hook) -> StoreError {
    StoreError::Corrupt { reason: format!("the hook '{hook}' has no plugin, or several") }
}

/// Tables that were made.
pub(crate) struct Tables {
    defaults: Bindings,
    configured: Arc<Table>,
    of_host: ArcSwapOption<Table>,
    of_tenants: ArcSwap<HashMap<TenantId, Arc<Table>>>,
}

impl Tables {
    pub(crate) fn new(defaults: Bindings) -> Self {
        Self {
            configured: Arc::new(Table::configured(&defaults)),
            of_host: ArcSwapOption::empty(),
            of_tenants: ArcSwap::default(),
            defaults,
        }
    }

    pub(crate) fn defaults(&self) -> &Bindings {
        &self.defaults
    }

    /// What the configuration has for a hook.
    pub(crate) fn configured(&self, hook: Hook) -> &Slot {
        self.configured.slot(hook)
    }

    /// A tenant that has never bound anything has the host's table, and a host the configuration's.
    pub(crate) async fn find<N: Snapshot>(
        &self,
        snapshot: &N,
        owner: &Owner,
        generations: Generations,
    ) -> Result<Arc<Table>, StoreError> {
        match owner {
            Owner::Tenant(tenant) if generations.tenant != 0 => {
                let kept = self.of_tenants.load().get(tenant).map(Arc::clone);
                if let Some(kept) = kept.as_ref().filter(|kept| kept.generations == generations) {
                    return Ok(Arc::clone(kept));
                }
                let base = self.host_table(snapshot, generations.host).await?;
                let made = self.make(snapshot, owner, generations, &base, kept.as_deref()).await?;
                Ok(self.keep_of_tenant(tenant, made))
            }
            Owner::Host | Owner::Tenant(_) => self.host_table(snapshot, generations.host).await,
        }
    }

    async fn host_table<N: Snapshot>(
        &self,
        snapshot: &N,
        host: i64,
    ) -> Result<Arc<Table>, StoreError> {
        if host == 0 {
            return Ok(Arc::clone(&self.configured));
        }
        let generations = Generations { host, tenant: 0 };
        let kept = self.of_host.load_full();
        if let Some(kept) = kept.as_ref().filter(|kept| kept.generations == generations) {
            return Ok(Arc::clone(kept));
        }
        let made =
            self.make(snapshot, &Owner::Host, generations, &self.configured, kept.as_deref());
        let made = made.await?;
        self.of_host.rcu(|kept| match kept {
            Some(kept) if kept.generations.host >= host => Arc::clone(kept),
            _ => Arc::clone(&made),
        });
        Ok(self.of_host.load_full().filter(|kept| kept.generations == generations).unwrap_or(made))
    }

    /// Keeps the newer of two: a reader with an old snapshot must not undo what a newer one found. Of two that
    /// are the same the first one stays, so that its plugins are loaded once.
    fn keep_of_tenant(&self, tenant: &TenantId, made: Arc<Table>) -> Arc<Table> {
        let at = made.generations;
        self.of_tenants.rcu(|tables| {
            let is_newer = tables.get(tenant).is_some_and(|kept| {
                kept.generations.host >= at.host && kept.generations.tenant >= at.tenant
            });
            if is_newer {
                return Arc::clone(tables);
            }
            let mut tables = HashMap::clone(tables);
            if tables.len() >= MOST_TABLES && !tables.contains_key(tenant) {
                // Any of them: it is made again when it is asked for.
                let one = tables.keys().next().cloned();
                one.and_then(|one| tables.remove(&one));
            }
            tables.insert(tenant.clone(), Arc::clone(&made));
            Arc::new(tables)
        });
        let kept = self.of_tenants.load().get(tenant).map(Arc::clone);
        kept.filter(|kept| kept.generations == at).unwrap_or(made)
    }

    /// A table from the records of a snapshot. What is bound as it was before stays loaded; what the owner has
    /// not bound is what is beneath.
    async fn make<N: Snapshot>(
        &self,
        snapshot: &N,
        owner: &Owner,
        generations: Generations,
        base: &Table,
        before: Option<&Table>,
    ) -> Result<Arc<Table>, StoreError> {
        let mut slots = HashMap::new();
        for hook in Hook::ALL {
            let key = OwnerKeys::of(owner).binding(hook);
            let slot = match snapshot.get(&key).await? {
                None => Arc::clone(base.slot(hook)),
                Some(found) => {
                    let record: BindingRecord = found.decode()?;
                    let same = before
                        .map(|before| before.slot(hook))
                        .filter(|slot| slot.is_of(owner.source(), &record));
                    match same {
                        Some(same) => Arc::clone(same),
                        None => Arc::new(self.slot(snapshot, owner, record).await?),
                    }
                }
            };
            slots.insert(hook, slot);
        }
        Ok(Arc::new(Table { generations, slots }))
    }

    async fn slot<N: Snapshot>(
        &self,
        snapshot: &N,
        owner: &Owner,
        record: BindingRecord,
    ) -> Result<Slot, StoreError> {
        let mut bound = Vec::new();
        for BoundRecord { wanted, .. } in &record.plugins {
            let component = match component(snapshot, &wanted.digest).await {
                // Only who asks for this hook is told, by the plugin's digest.
                Err(error @ (StoreError::Corrupt { .. } | StoreError::Newer { .. })) => {
                    tracing::error!(%error, "a plugin that is bound cannot be read");
                    lost(record.hook, &wanted.digest)
                }
                found => found?,
            };
            bound.push(Introduced::new(component, wanted));
        }
        Ok(Slot::bound(&self.defaults, owner.source(), record, bound))
    }
}
