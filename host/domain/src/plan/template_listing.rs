//! Template packs as admins see them: what can be installed, and what is.

use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::catalog::catalog_change::CatalogKind;
use crate::catalog::catalog_document::CatalogDocument;
use crate::money::Currency;
use crate::period::Interval;
use crate::plan::plan_id::PlanId;
use crate::plan::template::{Contents, Group, Pack};
use crate::schema;

/// A pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PackListing {
    /// What it is installed by; its plugin's name where the pack itself does not answer.
    pub name: String,
    /// For people.
    #[schema(required = true)]
    pub title: Option<String>,
    /// Whether it can be installed now.
    pub available: bool,
    /// Why not.
    #[schema(required = true)]
    pub reason: Option<String>,
    /// The plan that governs users without a subscription, once the pack is installed.
    #[schema(required = true)]
    pub default_plan: Option<PlanId>,
    /// What it can be installed by parts as.
    pub groups: Vec<GroupListing>,
    /// The component that holds it.
    pub plugin: PluginListing,
}

/// Which component it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PluginListing {
    /// As it calls itself.
    pub name: String,
    /// Its own.
    pub version: String,
    /// SHA-256 of its bytes, in hex.
    pub digest: String,
}

/// A part of a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct GroupListing {
    /// What it is asked for by.
    pub name: String,
    /// For people.
    pub title: String,
    /// Whether it is installed where nobody says which groups are.
    pub by_default: bool,
    /// What it holds.
    pub plans: Vec<PlanListing>,
    /// What it holds beside them: regions, products and billing plans.
    pub price_catalog: Vec<PricesListing>,
}

/// A region, product or billing plan of a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PricesListing {
    /// Which of these it is.
    pub kind: CatalogKind,
    /// Its `name`; a product's `external_id`.
    pub name: String,
    /// Whether the tenant has one of this name.
    pub installed: bool,
}

/// A plan of a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlanListing {
    /// The plan's.
    pub id: PlanId,
    /// As the pack calls it.
    pub name: String,
    /// As the pack has it.
    #[serde(serialize_with = "crate::decimal::serialize")]
    #[schema(value_type = schema::Decimal)]
    pub price: Decimal,
    /// As the pack has it.
    #[schema(value_type = schema::Currency)]
    pub currency: Currency,
    /// As the pack has it.
    pub interval: Interval,
    /// Whether the tenant has a plan of this id.
    pub installed: bool,
}

impl PackListing {
    /// A pack that can be installed.
    #[must_use]
    pub fn available(pack: Pack, groups: Vec<GroupListing>, plugin: PluginListing) -> Self {
        Self {
            name: pack.name,
            title: Some(pack.title),
            available: true,
            reason: None,
            default_plan: pack.default_plan,
            groups,
            plugin,
        }
    }

    /// One that cannot.
    #[must_use]
    pub fn unavailable(name: String, reason: String, plugin: PluginListing) -> Self {
        Self {
            name,
            title: None,
            available: false,
            reason: Some(reason),
            default_plan: None,
            groups: Vec::new(),
            plugin,
        }
    }
}

impl GroupListing {
    /// A group with what it holds; `is_installed` knows the tenant's plans, and `there` its catalog else.
    #[must_use]
    pub fn new(
        group: Group,
        contents: Contents,
        is_installed: impl Fn(&PlanId) -> bool,
        there: &CatalogDocument,
    ) -> Self {
        let Contents { templates, catalog } = contents;
        let plans = templates.into_iter().map(|template| PlanListing {
            installed: is_installed(&template.id),
            id: template.id,
            name: template.draft.name,
            price: template.draft.price,
            currency: template.draft.currency,
            interval: template.draft.interval,
        });
        let there = there.places();
        let prices = catalog.in_order().into_iter().map(|(kind, name)| PricesListing {
            installed: there.contains_key(&(kind, name.clone())),
            kind,
            name,
        });
        Self {
            name: group.name,
            title: group.title,
            by_default: group.by_default,
            plans: plans.collect(),
            price_catalog: prices.collect(),
        }
    }
}
