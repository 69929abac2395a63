//! Plugins: components against their bytes and their owners, bindings against what they name, and the counters
//! that keep a plugin from being deleted while it is bound.

use std::collections::BTreeMap;

use planwright_domain::plugin::hook::Hook;
use planwright_domain::plugin::{Digest, Owner, PluginState};
use planwright_domain::tenant::caller::TenantId;
use planwright_store::{Key, Part, Record, Scan, Snapshot, Space, StoreError};
use sha2::Digest as _;

use super::records::{Problems, misplaced, unknown, unreadable};
use super::{PIECE, Walk};
use crate::documents::TenantRecord;
use crate::keys::{Family, HostKeys, OwnerKeys};
use crate::plugins::plugin_documents::{
    BindingRecord, ComponentRecord, ComponentUpload, PluginRecord, Uncompiled,
};
use crate::plugins::plugin_parts;
use crate::plugins::plugin_records;
use crate::plugins::plugin_work::digest_of;

impl<N: Snapshot> Walk<'_, N> {
    /// Whose plugins and bindings lie in this space.
    pub(super) fn owner(&self) -> Option<Owner> {
        match self.space {
            Space::Host => Some(Owner::Host),
            Space::Tenant(name) => TenantId::new(name).map(Owner::Tenant),
        }
    }

    /// What is wrong with a component.
    pub(super) async fn component(&self, key: &Key, record: &Record) -> Problems {
        let component = match record.decode::<ComponentRecord>() {
            Ok(component) => component,
            Err(error) => return Ok(unreadable(&error)),
        };
        let Some(digest) = digest_of(key).filter(|digest| HostKeys::component(digest) == *key)
        else {
            return Ok(unknown());
        };
        let mut found = Vec::new();
        if component.owners.is_empty() && !plugin_records::is_marked(self.snapshot, &digest).await?
        {
            found.push("It is nobody's, and priced nothing.".to_owned());
        }
        for owner in &component.owners {
            let plugin: Option<PluginRecord> =
                self.find(&OwnerKeys::of(owner).plugin(&digest)).await?;
            if plugin.is_none() {
                found.push(format!("It says that it is of '{owner}', who does not have it."));
            }
        }
        found.extend(self.bytes(&digest, &component).await?);
        let listed: Option<Uncompiled> = self.find(&HostKeys::uncompiled(&digest)).await?;
        let is_compiling = matches!(component.state, PluginState::Compiling { .. });
        if is_compiling != listed.is_some() {
            let (state, is) = (component.state.as_str(), if is_compiling { "not " } else { "" });
            found
                .push(format!("It is {state}, and it is {is}among those that are to be compiled."));
        }
        Ok(found)
    }

    async fn bytes(
        &self,
        digest: &Digest,
        component: &ComponentRecord,
    ) -> Result<Option<String>, StoreError> {
        let ComponentRecord { parts, size, .. } = *component;
        let bytes = match plugin_parts::read(self.snapshot, digest, parts, size).await {
            Ok(bytes) => bytes,
            Err(error @ (StoreError::Corrupt { .. } | StoreError::Newer { .. })) => {
                return Ok(Some(format!("{error}.")));
            }
            Err(error) => return Err(error),
        };
        let is = Digest::from_bytes(sha2::Sha256::digest(&bytes).into());
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(if is != *digest {
            Some(format!("Its parts have the digest {is}."))
        } else if size != component.size {
            Some(format!(
                "It says that it has {} bytes, and its parts have {size}.",
                component.size
            ))
        } else {
            None
        })
    }

    /// What is wrong with a part of a component; its bytes are looked at with the others.
    pub(super) async fn component_part(&self, key: &Key, record: &Record) -> Problems {
        if let Err(error) = plugin_parts::bytes_of(record) {
            return Ok(unreadable(&error));
        }
        let (Some(digest), Some(Part::Number(number))) =
            (digest_of(key), key.parts().get(1).cloned())
        else {
            return Ok(unknown());
        };
        if HostKeys::component_part(&digest, number) != *key {
            return Ok(unknown());
        }
        let component: Option<ComponentRecord> = self.find(&HostKeys::component(&digest)).await?;
        let upload: Option<ComponentUpload> =
            self.find(&HostKeys::component_upload(&digest)).await?;
        let parts = component.map(|one| one.parts).into_iter().chain(upload.map(|one| one.parts));
        let is_named = parts.max().is_some_and(|parts| number < parts);
        let problem = "No component and no upload names it.";
        Ok(if is_named { Vec::new() } else { vec![problem.to_owned()] })
    }

    /// What is wrong with the mark of an upload.
    pub(super) fn component_upload(key: &Key, record: &Record) -> Vec<String> {
        match record.decode::<ComponentUpload>() {
            Ok(upload) if HostKeys::component_upload(&upload.digest) == *key => Vec::new(),
            Ok(_) => misplaced(),
            Err(error) => unreadable(&error),
        }
    }

    /// What is wrong with an entry in the list of what is to be compiled.
    pub(super) async fn uncompiled(&self, key: &Key, record: &Record) -> Problems {
        let digest = match record.decode::<Uncompiled>() {
            Ok(entry) => entry.digest,
            Err(error) => return Ok(unreadable(&error)),
        };
        if HostKeys::uncompiled(&digest) != *key {
            return Ok(misplaced());
        }
        let component: Option<ComponentRecord> = self.find(&HostKeys::component(&digest)).await?;
        let problem = "It lists a component that is not there.".to_owned();
        Ok(if component.is_some() { Vec::new() } else { vec![problem] })
    }

    /// What is wrong with a plugin of a tenant's or the host's.
    pub(super) async fn plugin(&mut self, owner: &Owner, key: &Key, record: &Record) -> Problems {
        let digest = match record.decode::<PluginRecord>() {
            Ok(plugin) => plugin.digest,
            Err(error) => return Ok(unreadable(&error)),
        };
        let keys = OwnerKeys::of(owner);
        if keys.plugin(&digest) != *key {
            return Ok(misplaced());
        }
        *self.plugins_counted.entry(keys.plugin_count()).or_default() += 1;
        let component: Option<ComponentRecord> = self.find(&HostKeys::component(&digest)).await?;
        let problem = match component {
            None => "Its component is not there.",
            Some(component) if !component.owners.contains(owner) => {
                "Its component does not say that it is its owner's."
            }
            Some(_) => return Ok(Vec::new()),
        };
        Ok(vec![problem.to_owned()])
    }

    /// What is wrong with a binding.
    pub(super) async fn binding(&self, owner: &Owner, key: &Key, record: &Record) -> Problems {
        let binding = match record.decode::<BindingRecord>() {
            Ok(binding) => binding,
            Err(error) => return Ok(unreadable(&error)),
        };
        let keys = OwnerKeys::of(owner);
        if keys.binding(binding.hook) != *key {
            return Ok(misplaced());
        }
        let mut found = Vec::new();
        for bound in &binding.plugins {
            let digest = &bound.wanted.digest;
            let of = bound.plugin_owner(owner);
            let plugin: Option<PluginRecord> =
                self.find(&OwnerKeys::of(&of).plugin(digest)).await?;
            if plugin.is_none() {
                found.push(format!("It names the plugin {digest} of '{of}', which is not there."));
            }
            let component: Option<ComponentRecord> =
                self.find(&HostKeys::component(digest)).await?;
            if let Some(component) = component.filter(|one| one.hook != binding.hook) {
                let hook = component.hook;
                found
                    .push(format!("It names the plugin {digest}, which is for the hook '{hook}'."));
            }
        }
        if self.snapshot.counter(&keys.binding_generation()).await? <= 0 {
            found.push("Its owner's bindings were never changed, says their counter.".to_owned());
        }
        Ok(found)
    }

    /// Counts which of the owner's plugins are bound how often. The host's are by tenants, too.
    pub(super) async fn count_uses(&mut self) -> Result<(), StoreError> {
        let Some(owner) = self.owner() else { return Ok(()) };
        self.count_uses_by(&owner, &owner).await?;
        if owner != Owner::Host {
            return Ok(());
        }
        let mut scan = Scan::first(PIECE);
        loop {
            let piece = self.snapshot.scan(&HostKeys::tenants(), scan).await?;
            for (_, record) in &piece {
                // One that cannot be read is reported where it lies.
                if let Ok(TenantRecord { tenant }) = record.decode() {
                    self.count_uses_by(&Owner::Tenant(tenant.id), &owner).await?;
                }
            }
            let Some((last, _)) = piece.into_iter().last() else { return Ok(()) };
            scan = Scan::first(PIECE).after(last);
        }
    }

    async fn count_uses_by(&mut self, by: &Owner, of: &Owner) -> Result<(), StoreError> {
        for hook in Hook::ALL {
            let binding: Option<BindingRecord> =
                self.find(&OwnerKeys::of(by).binding(hook)).await?;
            for bound in binding.into_iter().flat_map(|binding| binding.plugins) {
                if bound.plugin_owner(by) == *of {
                    let uses = OwnerKeys::of(of).plugin_uses(&bound.wanted.digest);
                    *self.plugins_counted.entry(uses).or_default() += 1;
                }
            }
        }
        Ok(())
    }

    /// What is wrong with a counter, if it is one of plugins.
    pub(super) fn plugin_counter(&self, key: &Key, holds: i64) -> Option<Option<String>> {
        let owner = self.owner()?;
        let keys = OwnerKeys::of(&owner);
        let is_ours = match Family::of(key)? {
            Family::PluginCount => *key == keys.plugin_count(),
            Family::PluginUses => digest_of(key).is_some_and(|one| *key == keys.plugin_uses(&one)),
            Family::BindingGeneration => {
                let below = || format!("It holds {holds}, and nothing can be counted below 0.");
                let problem = (holds < 0).then(below);
                return (*key == keys.binding_generation()).then_some(problem);
            }
            _ => false,
        };
        let counted = self.plugins_counted.get(key).copied().unwrap_or(0);
        let differs = || format!("It holds {holds}, and {counted} are counted by it.");
        is_ours.then(|| (holds != counted).then(differs))
    }

    /// Counters of plugins that hold nothing and should.
    pub(super) async fn plugin_counters_missing(&mut self) -> Result<(), StoreError> {
        let counted: BTreeMap<Key, i64> = std::mem::take(&mut self.plugins_counted);
        for (key, counted) in counted {
            if self.snapshot.counter(&key).await? == 0 {
                let problem = format!("It holds 0, and {counted} are counted by it.");
                self.report.add(&key, [problem]);
            }
        }
        Ok(())
    }
}
