//! Billing plans as answers show them: every product, region and group by name, in the second document's shape.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::billing_plan::price_book::Named;
use crate::billing_plan::product::{Package, Product, ResourceKind};
use crate::billing_plan::user_group::UserGroup;
use crate::billing_plan::{
    BillingPhase, BillingPlan, BillingPrice, BillingResource, DurationUnit, PhaseType, TierMode,
};
use crate::money::Currency;
use crate::schema::{self, DateTime};
use crate::time::{self, Timestamp};

/// A billing plan in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BillingPlanInList)]
pub struct PlanInList {
    /// Never used again.
    pub id: u64,
    /// For people.
    pub name: String,
    /// The groups that it prices.
    pub user_groups: Vec<GroupShown>,
    /// When it was made.
    #[serde(with = "time::rfc3339")]
    #[schema(value_type = DateTime)]
    pub created_at: Timestamp,
    /// When it or a part of it last changed.
    #[serde(with = "time::rfc3339")]
    #[schema(value_type = DateTime)]
    pub updated_at: Timestamp,
}

/// A group in a billing plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BillingPlanGroup)]
pub struct GroupShown {
    /// The group's.
    pub id: u64,
    /// The group's.
    pub name: String,
    /// When it was made.
    #[serde(with = "time::rfc3339")]
    #[schema(value_type = DateTime)]
    pub created_at: Timestamp,
    /// When it last changed.
    #[serde(with = "time::rfc3339")]
    #[schema(value_type = DateTime)]
    pub updated_at: Timestamp,
}

/// A billing plan with all it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BillingPlan)]
pub struct PlanShown {
    /// Never used again.
    pub id: u64,
    /// For people.
    pub name: String,
    /// The groups that it prices.
    pub user_groups: Vec<GroupShown>,
    /// When it was made.
    #[serde(with = "time::rfc3339")]
    #[schema(value_type = DateTime)]
    pub created_at: Timestamp,
    /// When it or a part of it last changed.
    #[serde(with = "time::rfc3339")]
    #[schema(value_type = DateTime)]
    pub updated_at: Timestamp,
    /// What it prices.
    pub billing_resources: Vec<ResourceShown>,
}

/// A product in a billing plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BillingResource)]
pub struct ResourceShown {
    /// Never used again.
    pub id: u64,
    /// The operator's own name for the line.
    pub external_id: String,
    /// How its tiers make a price.
    pub tier_mode: TierMode,
    /// What is priced.
    pub product: ProductShown,
    /// In the order of time.
    pub billing_phases: Vec<PhaseShown>,
}

/// What is priced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BillingResourceProduct)]
pub struct ProductShown {
    /// The product's.
    pub id: u64,
    /// For people.
    pub label: String,
    /// What is sold.
    pub resource_kind: ResourceKind,
    /// How much of the metric one priced unit is.
    pub unit: u64,
    /// What it is measured in.
    pub unit_type: String,
    /// The metric that usage is counted by.
    pub external_id: String,
    /// Of what is sold as a package.
    #[schema(required = true)]
    pub package: Option<Package>,
}

/// What a product costs for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BillingPhase)]
pub struct PhaseShown {
    /// Never used again.
    pub id: u64,
    /// Which one it is.
    pub phase_type: PhaseType,
    /// Of a trial and a discount.
    #[schema(required = true)]
    pub duration_unit: Option<DurationUnit>,
    /// How many of them.
    #[schema(required = true)]
    pub duration_qty: Option<u32>,
    /// The tiers of all currencies and regions.
    pub billing_resource_prices: Vec<PriceShown>,
}

/// One tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BillingResourcePrice)]
pub struct PriceShown {
    /// Never used again.
    pub id: u64,
    /// What it is paid in.
    #[schema(value_type = schema::Currency)]
    pub currency: Currency,
    /// Up to and with this quantity; `null` is without end.
    #[serde(with = "crate::decimal::optional")]
    #[schema(value_type = Option<schema::Decimal>, required = true)]
    pub max_qty: Option<Decimal>,
    /// Of one unit of the product.
    #[serde(with = "crate::decimal")]
    #[schema(value_type = schema::Decimal)]
    pub price: Decimal,
    /// Where it holds.
    pub regions: Vec<RegionShown>,
}

/// A region of a price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BillingResourcePriceRegion)]
pub struct RegionShown {
    /// The region's.
    pub id: u64,
    /// The region's.
    pub name: String,
}

impl PlanInList {
    /// A plan, with those of the groups that it prices.
    #[must_use]
    pub fn of(plan: &BillingPlan, groups: &[UserGroup]) -> Self {
        let its = groups.iter().filter(|group| group.billing_plan_id == Some(plan.id));
        let shown = its.map(|group| GroupShown {
            id: group.id,
            name: group.name.clone(),
            created_at: group.created_at,
            updated_at: group.updated_at,
        });
        Self {
            id: plan.id,
            name: plan.name.clone(),
            user_groups: shown.collect(),
            created_at: plan.created_at,
            updated_at: plan.updated_at,
        }
    }
}

impl PlanShown {
    /// A plan with all it holds. What it names is in `named`: nothing that is named is deleted.
    #[must_use]
    pub fn of(plan: &BillingPlan, groups: &[UserGroup], named: &Named) -> Self {
        let resources = plan.resources.iter();
        let PlanInList { id, name, user_groups, created_at, updated_at } =
            PlanInList::of(plan, groups);
        Self {
            id,
            name,
            user_groups,
            created_at,
            updated_at,
            billing_resources: resources
                .filter_map(|resource| ResourceShown::of(resource, named))
                .collect(),
        }
    }
}

impl ResourceShown {
    /// A product's place, if the product is known.
    #[must_use]
    pub fn of(resource: &BillingResource, named: &Named) -> Option<Self> {
        let product = named.products.get(&resource.product_id)?;
        Some(Self {
            id: resource.id,
            external_id: resource.external_id.clone(),
            tier_mode: resource.tier_mode,
            product: ProductShown::of(product),
            billing_phases: resource
                .phases
                .iter()
                .map(|phase| PhaseShown::of(phase, named))
                .collect(),
        })
    }
}

impl ProductShown {
    fn of(product: &Product) -> Self {
        Self {
            id: product.id,
            label: product.label.clone(),
            resource_kind: product.resource_kind,
            unit: product.unit,
            unit_type: product.unit_type.clone(),
            external_id: product.external_id.clone(),
            package: product.package.clone(),
        }
    }
}

impl PhaseShown {
    /// A phase with its prices.
    #[must_use]
    pub fn of(phase: &BillingPhase, named: &Named) -> Self {
        Self {
            id: phase.id,
            phase_type: phase.phase_type,
            duration_unit: phase.duration.map(|duration| duration.unit),
            duration_qty: phase.duration.map(|duration| duration.quantity),
            billing_resource_prices: phase
                .prices
                .iter()
                .map(|price| PriceShown::of(price, named))
                .collect(),
        }
    }
}

impl PriceShown {
    /// A tier with the names of its regions.
    #[must_use]
    pub fn of(price: &BillingPrice, named: &Named) -> Self {
        let regions = price.region_ids.iter().filter_map(|id| named.regions.get(id));
        Self {
            id: price.id,
            currency: price.currency,
            max_qty: price.max_qty,
            price: price.price,
            regions: regions
                .map(|region| RegionShown { id: region.id, name: region.name.clone() })
                .collect(),
        }
    }
}
