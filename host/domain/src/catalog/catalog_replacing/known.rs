//! What a catalog's document knows things by: their names.

use std::collections::BTreeMap;

use super::Mistakes;
use crate::billing_plan::BillingPlan;
use crate::billing_plan::billing_document::PlanDocument;
use crate::billing_plan::product::Product;
use crate::billing_plan::region::Region;
use crate::billing_plan::user_group::UserGroup;
use crate::catalog::catalog_change::CatalogKind;
use crate::catalog::catalog_document::{
    CatalogDocument, CatalogPlan, CatalogProduct, CatalogRegion, CatalogUserGroup,
};
use crate::plan::Plan;
use crate::refusal::FieldError;

/// What a document knows things by.
pub(super) trait Known {
    fn name(&self) -> &str;
}

macro_rules! known_by {
    ($($thing:ty: $one:ident => $name:expr,)*) => {
        $(impl Known for $thing {
            fn name(&self) -> &str {
                let $one = self;
                $name
            }
        })*
    };
}

known_by! {
    Region: one => &one.name,
    Product: one => &one.external_id,
    BillingPlan: one => &one.name,
    UserGroup: one => &one.name,
    Plan: one => one.id.as_str(),
    CatalogRegion: one => one.name.trim(),
    CatalogProduct: one => &one.external_id,
    PlanDocument: one => one.name.trim(),
    CatalogUserGroup: one => one.name.trim(),
    CatalogPlan: one => one.id.as_str(),
}

impl CatalogDocument {
    /// Where in its lists each thing is.
    #[must_use]
    pub fn places(&self) -> BTreeMap<(CatalogKind, String), usize> {
        fn of<W: Known>(
            kind: CatalogKind,
            list: &[W],
        ) -> impl Iterator<Item = ((CatalogKind, String), usize)> {
            list.iter().enumerate().map(move |(at, one)| ((kind, one.name().to_owned()), at))
        }
        of(CatalogKind::Region, &self.regions)
            .chain(of(CatalogKind::Product, &self.products))
            .chain(of(CatalogKind::BillingPlan, &self.billing_plans))
            .chain(of(CatalogKind::UserGroup, &self.user_groups))
            .chain(of(CatalogKind::Plan, &self.plans))
            .collect()
    }

    /// Each thing, kind by kind, as its list has it.
    #[must_use]
    pub fn in_order(&self) -> Vec<(CatalogKind, String)> {
        let mut all: Vec<_> = self.places().into_iter().collect();
        all.sort_by_key(|((kind, _), at)| (*kind, *at));
        all.into_iter().map(|(thing, _)| thing).collect()
    }

    /// What is not in the other one by its name.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let there = other.places();
        fn rest<W: Known + Clone>(
            kind: CatalogKind,
            list: &[W],
            there: &BTreeMap<(CatalogKind, String), usize>,
        ) -> Vec<W> {
            let is_new = |one: &&W| !there.contains_key(&(kind, one.name().to_owned()));
            list.iter().filter(is_new).cloned().collect()
        }
        Self {
            regions: rest(CatalogKind::Region, &self.regions, &there),
            products: rest(CatalogKind::Product, &self.products, &there),
            billing_plans: rest(CatalogKind::BillingPlan, &self.billing_plans, &there),
            user_groups: rest(CatalogKind::UserGroup, &self.user_groups, &there),
            plans: rest(CatalogKind::Plan, &self.plans, &there),
        }
    }

    /// Whether it has nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Each name is in its list once.
    pub(super) fn note_repeated(&self, mistakes: &mut Mistakes) {
        fn names<W: Known>(list: &[W]) -> impl Iterator<Item = &str> {
            list.iter().map(Known::name)
        }
        mistakes.note_repeated(CatalogKind::Region, "name", names(&self.regions));
        mistakes.note_repeated(CatalogKind::Product, "external_id", names(&self.products));
        mistakes.note_repeated(CatalogKind::BillingPlan, "name", names(&self.billing_plans));
        mistakes.note_repeated(CatalogKind::UserGroup, "name", names(&self.user_groups));
        mistakes.note_repeated(CatalogKind::Plan, "id", names(&self.plans));
        let defaults = self.user_groups.iter().enumerate().filter(|(_, group)| group.is_default);
        for (at, _) in defaults.skip(1) {
            let message = "Another group is the default one already; at most one is.";
            let field = format!("{}[{at}].is_default", CatalogKind::UserGroup.list());
            mistakes.push(FieldError::new(&field, "repeated", message));
        }
    }
}
