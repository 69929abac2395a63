//! A tenant's whole catalog as one document: things by their names, no numbers and no times, in an order that depends
//! on nothing else. So it can be read, kept beside code, compared, and put into another tenant.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::billing_plan::billing_document::{PlanDocument, PriceDocument};
use crate::billing_plan::product::{
    Package, PackageDraft, Product, ProductDraft, ProductPatch, ResourceKind, one,
};
use crate::billing_plan::user_group::{UserGroup, UserGroupDraft, UserGroupPatch};
use crate::catalog::Catalog;
use crate::money::{self, Currency};
use crate::period::Interval;
use crate::plan::plan_id::PlanId;
use crate::plan::{Overage, Plan, PlanDraft};
use crate::schema;

/// All that a tenant sells, and to whom at which price.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(examples(json!({
    "regions": [{"name": "eu"}],
    "products": [{"external_id": "cpu", "label": "CPU", "resource_kind": "resource", "unit_type": "Core"}],
    "billing_plans": [{"name": "Containers", "billing_resources": [{"product": "cpu", "billing_phases": [
        {"phase_type": "final", "billing_resource_prices": [
            {"currency": "USD", "max_qty": 10, "price": 0.02, "regions": ["eu"]},
            {"currency": "USD", "price": 0.015, "regions": ["eu"]},
        ]},
    ]}]}],
    "user_groups": [{"name": "partners", "billing_plan": "Containers"}],
    "plans": [{
        "id": "containers", "name": "Containers", "price": 490, "currency": "RUB", "interval": "month",
        "quotas": {"requests": 10_000}, "billing_plan": "Containers",
    }],
})))]
pub struct CatalogDocument {
    /// Where it is sold.
    pub regions: Vec<CatalogRegion>,
    /// What is metered.
    pub products: Vec<CatalogProduct>,
    /// Price books.
    pub billing_plans: Vec<PlanDocument>,
    /// Users that are priced alike.
    pub user_groups: Vec<CatalogUserGroup>,
    /// Subscription tiers.
    pub plans: Vec<CatalogPlan>,
}

/// A region in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogRegion {
    /// Unique in its tenant.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
}

/// A product in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogProduct {
    /// Unique in its tenant: the metric that usage is counted by.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_][A-Za-z0-9_.:-]*$")]
    pub external_id: String,
    /// For people.
    #[schema(min_length = 1, max_length = 100)]
    pub label: String,
    /// What is sold.
    pub resource_kind: ResourceKind,
    /// How much of the metric one priced unit is; 1 where absent.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000_u64)]
    pub unit: u64,
    /// What it is measured in; empty where absent.
    #[serde(default)]
    #[schema(max_length = 50)]
    pub unit_type: String,
    /// Of what is sold as a package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<CatalogPackage>,
}

/// The size of a machine in it; 0 where absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "documented on Package")]
pub struct CatalogPackage {
    #[serde(with = "crate::decimal")]
    #[schema(value_type = schema::Measure)]
    pub cpu: Decimal,
    #[serde(default)]
    #[schema(maximum = 1_000_000_000_000_000_u64)]
    pub memory: u64,
    #[serde(default)]
    #[schema(maximum = 1_000_000_000_000_000_u64)]
    pub storage: u64,
    #[serde(default)]
    #[schema(maximum = 1_000_000_000_000_000_u64)]
    pub bandwidth: u64,
    #[serde(default)]
    #[schema(maximum = 1_000_000_000_000_000_u64)]
    pub local_disk: u64,
    #[serde(default)]
    #[schema(minimum = -1, maximum = 1_000_000_000_000_000_u64)]
    pub memory_swap: i64,
    #[serde(default)]
    #[schema(maximum = 100)]
    pub memory_swappiness: u64,
    #[serde(default)]
    #[schema(maximum = 1_000_000_000_000_000_u64)]
    pub backup: u64,
}

/// A user group in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogUserGroup {
    /// Unique in its tenant.
    #[schema(min_length = 2, max_length = 50)]
    pub name: String,
    /// Whether it is the group of whoever is in no other. One is at most.
    #[serde(default)]
    pub is_default: bool,
    /// The name of what prices its users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_plan: Option<String>,
}

/// A plan in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "documented on Plan")]
pub struct CatalogPlan {
    pub id: PlanId,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_ru: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description_ru: Option<String>,
    #[serde(with = "crate::decimal")]
    #[schema(value_type = schema::Price)]
    pub price: Decimal,
    #[serde(deserialize_with = "money::read_currency")]
    #[schema(value_type = schema::Currency)]
    pub currency: Currency,
    pub interval: Interval,
    #[serde(
        default,
        deserialize_with = "crate::unique::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub quotas: Option<BTreeMap<String, u64>>,
    #[serde(
        default,
        deserialize_with = "crate::unique::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub overage: Option<BTreeMap<String, Overage>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<String>>,
    /// True where absent.
    #[serde(default = "yes")]
    pub is_active: bool,
    #[serde(default)]
    pub display_order: u32,
    #[serde(default)]
    pub trial_days: u32,
    /// The name of the price book for metered usage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_plan: Option<String>,
    #[serde(
        default,
        deserialize_with = "crate::unique::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub metadata: Option<BTreeMap<String, String>>,
}

fn yes() -> bool {
    true
}

impl CatalogDocument {
    /// The document of a catalog. What a billing plan is called is no number, so two of one name are the caller's to
    /// refuse: see [`Catalog::must_fit_a_document`].
    #[must_use]
    pub fn of(catalog: &Catalog) -> Self {
        let named = catalog.named();
        let books = catalog.billing_plans.iter();
        let names: BTreeMap<u64, &str> = books.map(|one| (one.id, one.name.as_str())).collect();
        let name = |id: Option<u64>| id.and_then(|id| names.get(&id)).map(|one| (*one).to_owned());
        let mut document = Self {
            regions: catalog
                .regions
                .iter()
                .map(|region| CatalogRegion { name: region.name.clone() })
                .collect(),
            products: catalog.products.iter().map(CatalogProduct::of).collect(),
            billing_plans: catalog
                .billing_plans
                .iter()
                .map(|plan| in_order(PlanDocument::of(plan, &named)))
                .collect(),
            user_groups: catalog
                .user_groups
                .iter()
                .map(|group| CatalogUserGroup::of(group, name(group.billing_plan_id)))
                .collect(),
            plans: catalog
                .plans
                .iter()
                .map(|plan| CatalogPlan::of(plan, name(plan.billing_plan_id)))
                .collect(),
        };
        document.regions.sort_by(|one, other| one.name.cmp(&other.name));
        document.products.sort_by(|one, other| one.external_id.cmp(&other.external_id));
        document.billing_plans.sort_by(|one, other| one.name.cmp(&other.name));
        document.user_groups.sort_by(|one, other| one.name.cmp(&other.name));
        document.plans.sort_by(|one, other| one.id.cmp(&other.id));
        document
    }
}

/// A billing plan with its products by name, and of each the prices by currency, regions and end.
fn in_order(mut plan: PlanDocument) -> PlanDocument {
    let place = |price: &PriceDocument| {
        // A tier without an end is the last one.
        let end = (price.max_qty.is_none(), price.max_qty);
        (price.currency.code(), price.regions.clone(), end)
    };
    plan.billing_resources.sort_by(|one, other| one.product.cmp(&other.product));
    for phase in plan.billing_resources.iter_mut().flat_map(|one| &mut one.billing_phases) {
        for price in &mut phase.billing_resource_prices {
            price.regions.sort();
        }
        phase.billing_resource_prices.sort_by_key(place);
    }
    plan
}

impl CatalogProduct {
    fn of(product: &Product) -> Self {
        Self {
            external_id: product.external_id.clone(),
            label: product.label.clone(),
            resource_kind: product.resource_kind,
            unit: product.unit,
            unit_type: product.unit_type.clone(),
            package: product.package.as_ref().map(CatalogPackage::of),
        }
    }

    /// What makes it where it is not there.
    pub(crate) fn draft(self) -> ProductDraft {
        ProductDraft {
            label: self.label,
            resource_kind: self.resource_kind,
            unit: self.unit,
            unit_type: self.unit_type,
            external_id: self.external_id,
            package: self.package.map(CatalogPackage::draft),
        }
    }

    /// What makes a product that is there be this one.
    pub(crate) fn patch(self) -> ProductPatch {
        ProductPatch {
            label: Some(self.label),
            resource_kind: Some(self.resource_kind),
            unit: Some(self.unit),
            unit_type: Some(self.unit_type),
            package: Some(self.package.map(CatalogPackage::draft)),
            ..ProductPatch::default()
        }
    }
}

impl CatalogPackage {
    fn of(package: &Package) -> Self {
        Self {
            cpu: package.cpu,
            memory: package.memory,
            storage: package.storage,
            bandwidth: package.bandwidth,
            local_disk: package.local_disk,
            memory_swap: package.memory_swap,
            memory_swappiness: package.memory_swappiness,
            backup: package.backup,
        }
    }

    fn draft(self) -> PackageDraft {
        PackageDraft {
            cpu: Some(self.cpu),
            memory: Some(self.memory),
            storage: Some(self.storage),
            bandwidth: Some(self.bandwidth),
            local_disk: Some(self.local_disk),
            memory_swap: Some(self.memory_swap),
            memory_swappiness: Some(self.memory_swappiness),
            backup: Some(self.backup),
            id: IgnoredAny,
        }
    }
}

impl CatalogUserGroup {
    fn of(group: &UserGroup, billing_plan: Option<String>) -> Self {
        Self { name: group.name.clone(), is_default: group.is_default, billing_plan }
    }

    /// What makes it where it is not there.
    pub(crate) fn draft(self, billing_plan_id: Option<u64>) -> UserGroupDraft {
        UserGroupDraft { name: self.name, is_default: self.is_default, billing_plan_id }
    }

    /// What makes a group that is there be this one.
    pub(crate) fn patch(&self, billing_plan_id: Option<u64>) -> UserGroupPatch {
        UserGroupPatch {
            is_default: Some(self.is_default),
            billing_plan_id: Some(billing_plan_id),
            ..UserGroupPatch::default()
        }
    }
}

impl CatalogPlan {
    fn of(plan: &Plan, billing_plan: Option<String>) -> Self {
        let plan = plan.clone();
        Self {
            id: plan.id,
            name: plan.name,
            name_ru: plan.name_ru,
            description: plan.description,
            description_ru: plan.description_ru,
            price: plan.price,
            currency: plan.currency,
            interval: plan.interval,
            quotas: Some(plan.quotas).filter(|quotas| !quotas.is_empty()),
            overage: Some(plan.overage).filter(|overage| !overage.is_empty()),
            features: Some(plan.features).filter(|features| !features.is_empty()),
            is_active: plan.is_active,
            display_order: plan.display_order,
            trial_days: plan.trial_days,
            billing_plan,
            metadata: Some(plan.metadata).filter(|metadata| !metadata.is_empty()),
        }
    }

    /// What makes it, in whole.
    pub(crate) fn draft(self, billing_plan_id: Option<u64>) -> PlanDraft {
        PlanDraft {
            id: Some(self.id),
            name: self.name,
            name_ru: self.name_ru,
            description: self.description,
            description_ru: self.description_ru,
            price: self.price,
            currency: self.currency,
            interval: self.interval,
            quotas: self.quotas,
            features: self.features,
            is_active: Some(self.is_active),
            display_order: Some(self.display_order),
            metadata: self.metadata,
            trial_days: Some(self.trial_days),
            billing_plan_id,
            overage: self.overage,
        }
    }
}
