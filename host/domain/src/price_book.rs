//! A price book as plugins see it: a billing plan with products and regions by name.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::billing_plan::{BillingPhase, BillingPlan, Duration, PhaseType, TierMode};
use crate::charge::{LinePhase, UsageLine};
use crate::decimal;
use crate::money::Currency;
use crate::phase_clock;
use crate::product::Product;
use crate::region::Region;
use crate::time::Timestamp;

/// What a billing plan names, by its numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Products.
    pub products: BTreeMap<u64, Product>,
    /// Regions.
    pub regions: BTreeMap<u64, Region>,
}

/// A price book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceBook {
    /// For people.
    pub name: String,
    /// In the order of the billing plan.
    pub resources: Vec<PricedProduct>,
}

/// A product's prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricedProduct {
    /// The product's: the metric.
    pub external_id: String,
    /// How much of the metric one priced unit is.
    pub unit: u64,
    /// How tiers make a price.
    pub tier_mode: TierMode,
    /// In the order of time.
    pub phases: Vec<PricedPhase>,
}

/// What a product costs for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricedPhase {
    /// Which one it is.
    pub phase_type: PhaseType,
    /// How long it is.
    pub duration: Option<Duration>,
    /// The tiers of all currencies and regions.
    pub prices: Vec<Tier>,
}

/// One tier, its regions by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// What it is paid in.
    pub currency: Currency,
    /// Up to and with this quantity; none is without end.
    #[serde(with = "decimal::optional")]
    pub max_qty: Option<Decimal>,
    /// Of one unit.
    #[serde(with = "decimal")]
    pub price: Decimal,
    /// Where it holds.
    pub regions: Vec<String>,
}

/// A change of a price book, to be reviewed: made if there was none before, deleted if there is none after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceBookChange {
    /// As it is.
    pub before: Option<PriceBook>,
    /// As it would be.
    pub after: Option<PriceBook>,
    /// The names of the groups that are priced by it.
    pub user_groups: Vec<String>,
}

/// Which of a product's phases are asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhasesAt {
    /// Those of a user whose clock began then.
    Clock(Timestamp),
    /// One of them, whoever's.
    Only(PhaseType),
}

impl BillingPlan {
    /// The plan as plugins see it. What it names is in `named`: nothing that is named is deleted.
    #[must_use]
    pub fn price_book(&self, named: &Named) -> PriceBook {
        let product = |id: &u64| named.products.get(id);
        let resources = self.resources.iter().filter_map(|resource| {
            let product = product(&resource.product_id)?;
            Some(PricedProduct {
                external_id: product.external_id.clone(),
                unit: product.unit,
                tier_mode: resource.tier_mode,
                phases: resource.phases.iter().map(|phase| phase.priced(named)).collect(),
            })
        });
        PriceBook { name: self.name.clone(), resources: resources.collect() }
    }

    /// The question of a quantity of a product at an instant; nothing if the plan does not price the product, or has
    /// not the one phase that is asked about.
    #[must_use]
    pub fn line(
        &self,
        named: &Named,
        external_id: &str,
        quantity: Decimal,
        phases: PhasesAt,
        used_at: Timestamp,
    ) -> Option<UsageLine> {
        let is_its = |id: &u64| named.products.get(id).filter(|one| one.external_id == external_id);
        let (resource, product) = self
            .resources
            .iter()
            .find_map(|resource| is_its(&resource.product_id).map(|product| (resource, product)))?;
        let phases: Vec<LinePhase> = match phases {
            PhasesAt::Clock(started) => phase_clock::windows(&resource.phases, started)
                .into_iter()
                .map(|window| LinePhase {
                    phase_type: window.phase.phase_type,
                    starts_at: window.starts_at,
                    ends_at: window.ends_at,
                    prices: window.phase.tiers(named),
                })
                .collect(),
            PhasesAt::Only(phase_type) => resource
                .phases
                .iter()
                .filter(|phase| phase.phase_type == phase_type)
                .map(|phase| LinePhase {
                    phase_type,
                    starts_at: used_at,
                    ends_at: None,
                    prices: phase.tiers(named),
                })
                .collect(),
        };
        (!phases.is_empty()).then(|| UsageLine {
            external_id: product.external_id.clone(),
            quantity,
            unit: product.unit,
            tier_mode: resource.tier_mode,
            used_at,
            phases,
        })
    }
}

impl BillingPhase {
    fn priced(&self, named: &Named) -> PricedPhase {
        PricedPhase {
            phase_type: self.phase_type,
            duration: self.duration,
            prices: self.tiers(named),
        }
    }

    fn tiers(&self, named: &Named) -> Vec<Tier> {
        let name = |id: &u64| named.regions.get(id).map(|region| region.name.clone());
        let tiers = self.prices.iter().map(|price| Tier {
            currency: price.currency,
            max_qty: price.max_qty,
            price: price.price,
            regions: price.region_ids.iter().filter_map(name).collect(),
        });
        tiers.collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::billing_plan::DurationUnit;
    use crate::billing_plan::tests::{phase, plan};

    pub(crate) fn named() -> Named {
        let (now, json) = (
            Timestamp::UNIX_EPOCH,
            r#"{"label":"CPU","resource_kind":"resource","external_id":"cpu","unit":1000}"#,
        );
        let draft = serde_json::from_str(json).unwrap();
        let product = Product::from_draft(1, draft, || 1, now).unwrap();
        let region = serde_json::from_str(r#"{"name":"eu"}"#).unwrap();
        let region = Region::from_draft(1, &region, now).unwrap();
        Named { products: [(1, product)].into(), regions: [(1, region)].into() }
    }

    #[test]
    fn plugins_see_names_and_units() {
        let book = plan().price_book(&named());
        let cpu = &book.resources[0];
        assert_eq!((cpu.external_id.as_str(), cpu.unit), ("cpu", 1000));
        assert_eq!(cpu.phases[0].prices[0].regions, ["eu"]);
    }

    #[test]
    fn a_line_has_the_phases_that_are_asked_about() {
        let mut plan = plan();
        let week = Duration { unit: DurationUnit::Days, quantity: 7 };
        plan.resources[0].phases.insert(0, phase(PhaseType::Trial, Some(week)));
        let (started, at) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(100).unwrap());
        for (external_id, phases, expected) in [
            ("cpu", PhasesAt::Clock(started), Some(vec![("trial", 0), ("final", 604_800)])),
            ("cpu", PhasesAt::Only(PhaseType::Trial), Some(vec![("trial", 100)])),
            ("cpu", PhasesAt::Only(PhaseType::Final), Some(vec![("final", 100)])),
            ("cpu", PhasesAt::Only(PhaseType::Discount), None),
            ("disk", PhasesAt::Clock(started), None),
        ] {
            let line = plan.line(&named(), external_id, Decimal::TEN, phases, at);
            let said = line.map(|line| {
                let show =
                    |phase: &LinePhase| (phase.phase_type.as_str(), phase.starts_at.as_second());
                line.phases.iter().map(show).collect::<Vec<_>>()
            });
            assert_eq!(said, expected, "{external_id} {phases:?}");
        }
    }
}
