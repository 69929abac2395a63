//! What lies in the host's space, and the API keys of tenants, which are found from there.

use planwright_domain::plugin::Owner;
use planwright_domain::tenant::caller::TenantId;
use planwright_store::{Key, Record, Snapshot, Space, StoreError};

use super::Walk;
use super::records::{Problems, misplaced, unknown, unreadable};
use crate::documents::{
    ApiKeyPlace, ApiKeyRecord, ClockRecord, DueRecord, SubscriptionRecord, TenantRecord,
};
use crate::keys::{Family, HostKeys, Keys};
use crate::subscriptions::account::{self, SUBSCRIPTION};

impl<N: Snapshot> Walk<'_, N> {
    /// What is wrong with a record of the host's.
    pub(super) async fn host_record(&mut self, key: &Key, record: &Record) -> Problems {
        match Family::of(key) {
            Some(Family::Tenant) => self.tenant(key, record).await,
            Some(Family::Due) => self.due(key, record).await,
            Some(Family::Clock) => self.clock(key, record).await,
            Some(Family::Payment | Family::PaymentDue) => self.transaction_place(key, record).await,
            Some(Family::ApiKey) => self.api_key_place(key, record).await,
            Some(Family::WebhookDue | Family::WebhookDone) => {
                self.delivery_place(key, record).await
            }
            Some(Family::StatementDue) => self.statement_due(key, record).await,
            Some(Family::ExpiringUsageEvents) => self.expiring_usage_events(key, record).await,
            Some(Family::ExpiringUsage) => self.expiring_usage(key, record).await,
            Some(Family::QuotaThreshold) => self.quota_threshold(key, record).await,
            Some(Family::Component) => self.component(key, record).await,
            Some(Family::ComponentPart) => self.component_part(key, record).await,
            Some(Family::ComponentUpload) => Ok(Self::component_upload(key, record)),
            Some(Family::Uncompiled) => self.uncompiled(key, record).await,
            Some(Family::Plugin) => self.plugin(&Owner::Host, key, record).await,
            Some(Family::Binding) => self.binding(&Owner::Host, key, record).await,
            Some(Family::PricedBy) => self.priced_by(&Owner::Host, key, record).await,
            _ => Ok(unknown()),
        }
    }

    async fn tenant(&self, key: &Key, record: &Record) -> Problems {
        let tenant = match record.decode::<TenantRecord>() {
            Ok(found) => found.tenant,
            Err(error) => return Ok(unreadable(&error)),
        };
        if *key != HostKeys::tenant(&tenant.id) {
            return Ok(misplaced());
        }
        let clock: Option<ClockRecord> = self.find(&HostKeys::clock(&tenant.id)).await?;
        let problem = "It is a sandbox and has no clock.";
        let has_none = tenant.sandbox && clock.is_none();
        Ok(if has_none { vec![problem.to_owned()] } else { Vec::new() })
    }

    async fn clock(&self, key: &Key, record: &Record) -> Problems {
        if let Err(error) = record.decode::<ClockRecord>() {
            return Ok(unreadable(&error));
        }
        let Some(id) = HostKeys::read_clock(key) else { return Ok(misplaced()) };
        let tenant: Option<TenantRecord> = self.find(&HostKeys::tenant(&id)).await?;
        let is_one = tenant.is_some_and(|record| record.tenant.sandbox);
        let problem = || format!("It is the clock of '{id}', which is no sandbox.");
        Ok(if is_one { Vec::new() } else { vec![problem()] })
    }

    async fn due(&self, key: &Key, record: &Record) -> Problems {
        let due = match record.decode::<DueRecord>() {
            Ok(due) => due,
            Err(error) => return Ok(unreadable(&error)),
        };
        let Some(place) = HostKeys::read_due(key) else { return Ok(misplaced()) };
        if place.kind != SUBSCRIPTION {
            return Ok(unknown());
        }
        let (tenant, id) = (&place.tenant, &place.id);
        let timeline = self.timeline(tenant).await?;
        let found: Option<SubscriptionRecord> =
            self.find(&Keys::of(tenant).subscription(id)).await?;
        Ok(match found {
            None => vec![format!("Subscription '{id}' of '{tenant}' is due and is not there.")],
            Some(found) if account::due(&timeline, tenant, &found.held).as_ref() != Some(key) => {
                vec![format!("Subscription '{id}' of '{tenant}' is due at another time.")]
            }
            Some(found) if found.held.subscription.plan_id != due.plan_id => {
                let plan = &due.plan_id;
                vec![format!("Subscription '{id}' of '{tenant}' is not to plan '{plan}'.")]
            }
            Some(found) if account::due_record(&found.held) != due => {
                vec![format!("Subscription '{id}' of '{tenant}' goes on with another plan.")]
            }
            Some(_) => Vec::new(),
        })
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
