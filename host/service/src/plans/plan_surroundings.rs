//! What is around the plans of a tenant when they are changed: who reviews them, and what they may name.

use std::collections::BTreeSet;

use planwright_domain::billing_plan::product::Product;
use planwright_domain::plan::Plan;
use planwright_domain::usage::metric;
use planwright_store::{ChangeSet, Key, Snapshot, Store, StoreError};

use crate::app::App;
use crate::error::Error;
use crate::keys::Keys;
use crate::plugins::plugin_tables::Pinned;
use crate::request::Request;
use crate::usage::metric_records;

/// What is around the plans of a tenant: who reviews them, and what they may name.
pub(crate) struct Surroundings {
    pub(crate) bindings: Pinned,
    pub(crate) metrics: Metrics,
    /// Billing plans that are made in the same change set.
    pub(crate) made_books: BTreeSet<u64>,
}

impl Surroundings {
    pub(crate) async fn read<S: Store>(
        app: &App<S>,
        snapshot: &S::Snapshot,
        by: &Request,
    ) -> Result<Self, Error> {
        let tenant = &by.caller.tenant;
        Ok(Self {
            bindings: app.bindings(snapshot, tenant).await?,
            metrics: Metrics::read(snapshot, &Keys::of(tenant)).await?,
            made_books: BTreeSet::new(),
        })
    }

    /// The same with what the price catalog will have by then.
    pub(crate) fn with(self, products: &[Product], made_books: BTreeSet<u64>) -> Self {
        let known = metric_records::known_with(products).iter().map(ToString::to_string).collect();
        Self { metrics: Metrics { known, ..self.metrics }, made_books, ..self }
    }

    /// The same plugins decide still when the change is committed.
    pub(crate) fn expect(&self, change: &mut ChangeSet) {
        self.bindings.expect(change);
    }
}

/// The metrics that a quota may name, as the price catalog was.
pub(crate) struct Metrics {
    pub(crate) known: Vec<String>,
    changes: Key,
    holds: i64,
}

impl Metrics {
    async fn read<N: Snapshot>(snapshot: &N, keys: &Keys) -> Result<Self, StoreError> {
        let changes = keys.entry_changes();
        let holds = snapshot.counter(&changes).await?;
        let known = metric_records::known(snapshot, keys).await?;
        Ok(Self { known: known.iter().map(ToString::to_string).collect(), changes, holds })
    }

    /// The counter of changes of products and what it held, for a plan that names one that is a product's, which may
    /// go.
    pub(crate) fn rests_on(&self, plan: &Plan) -> Option<(Key, i64)> {
        let of_product = |metric: &String| !metric::BUILT_IN.contains(&metric.as_str());
        let names = plan.quotas.keys().chain(plan.overage.keys()).any(of_product);
        names.then(|| (self.changes.clone(), self.holds))
    }
}
