//! What lies in the host's space, and the API keys of tenants, which are found from there.

use planwright_domain::caller::TenantId;
use planwright_domain::plugin::Owner;
use planwright_store::{Key, Record, Snapshot, Space, StoreError};

use super::Walk;
use super::records::{Problems, misplaced, unknown, unreadable};
use crate::documents::{ApiKeyPlace, ApiKeyRecord, TenantRecord};
use crate::keys::{Family, HostKeys, Keys};

impl<N: Snapshot> Walk<'_, N> {
    /// What is wrong with a record of the host's.
    pub(super) async fn host_record(&mut self, key: &Key, record: &Record) -> Problems {
        match Family::of(key) {
            Some(Family::Tenant) => Ok(tenant(key, record)),
            Some(Family::ApiKey) => self.api_key_place(key, record).await,
            Some(Family::Component) => self.component(key, record).await,
            Some(Family::ComponentPart) => self.component_part(key, record).await,
            Some(Family::ComponentUpload) => Ok(Self::component_upload(key, record)),
            Some(Family::Uncompiled) => self.uncompiled(key, record).await,
            Some(Family::Plugin) => self.plugin(&Owner::Host, key, record).await,
            Some(Family::Binding) => self.binding(&Owner::Host, key, record).await,
            _ => Ok(unknown()),
        }
    }

    /// Nothing is kept for a tenant that there is not.
    pub(super) async fn tenant_record(&mut self) -> Result<(), StoreError> {
        let Space::Tenant(name) = self.space else { return Ok(()) };
        let is_there = match TenantId::new(name) {
            Some(id) => self.snapshot.get(&HostKeys::tenant(&id)).await?.is_some(),
            None => false,
        };
        if !is_there {
            let problem = "There is no such tenant, and something is kept for it.".to_owned();
            self.report.add(&format!("tenant {name}"), [problem]);
        }
        Ok(())
    }

    async fn api_key_place(&self, key: &Key, record: &Record) -> Problems {
        let ApiKeyPlace { tenant, id } = match record.decode() {
            Ok(place) => place,
            Err(error) => return Ok(unreadable(&error)),
        };
        let found: Option<ApiKeyRecord> = self.find(&Keys::of(&tenant).api_key(&id)).await?;
        Ok(match found {
            None => vec![format!("It leads to key '{id}' of '{tenant}', which is not there.")],
            Some(found) if HostKeys::api_key(&found.hash) != *key => {
                vec![format!("It leads to key '{id}' of '{tenant}', which has another hash.")]
            }
            Some(_) => Vec::new(),
        })
    }

    /// What is wrong with a tenant's API key.
    pub(super) async fn api_key(&self, keys: &Keys, key: &Key, record: &Record) -> Problems {
        let record = match record.decode::<ApiKeyRecord>() {
            Ok(record) => record,
            Err(error) => return Ok(unreadable(&error)),
        };
        if *key != keys.api_key(&record.api_key.id) {
            return Ok(misplaced());
        }
        let place: Option<ApiKeyPlace> = self.find(&HostKeys::api_key(&record.hash)).await?;
        let leads_here = place.is_some_and(|at| Keys::of(&at.tenant).api_key(&at.id) == *key);
        let problem = "Its hash does not lead to it.";
        Ok(if leads_here { Vec::new() } else { vec![problem.to_owned()] })
    }
}

fn tenant(key: &Key, record: &Record) -> Vec<String> {
    match record.decode::<TenantRecord>() {
        Ok(found) if *key == HostKeys::tenant(&found.tenant.id) => Vec::new(),
        Ok(_) => misplaced(),
        Err(error) => unreadable(&error),
    }
}
