//! A price book as plugins see it: a billing plan with products and regions by name.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::billing_plan::charge::{LinePhase, UsageLine};
use crate::billing_plan::phase_clock::{self, PhaseWindow};
use crate::billing_plan::product::Product;
use crate::billing_plan::region::Region;
use crate::billing_plan::tier::Tier;
use crate::billing_plan::{
    BillingPhase, BillingPlan, BillingResource, Duration, PhaseType, TierMode,
};
use crate::period::Window;
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
        let (resource, product) = self.priced(named, external_id)?;
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

    /// The question of what was used in one phase of a user whose clock began at `started`, somewhen in a window: no
    /// other phase is part of it. Nothing if the plan does not price the product, or has no such phase.
    #[must_use]
    pub fn line_of_phase(
        &self,
        named: &Named,
        (external_id, quantity): (&str, Decimal),
        phase_type: PhaseType,
        started: Timestamp,
        during: Window,
    ) -> Option<UsageLine> {
        let (resource, _) = self.priced(named, external_id)?;
        let windows = phase_clock::windows(&resource.phases, started);
        let is_in = |window: &&PhaseWindow<'_>| {
            let is_before = window.ends_at.is_some_and(|end| end <= during.start);
            window.phase.phase_type == phase_type && !is_before && window.starts_at < during.end
        };
        // A clock that was set since does not move what was used from one phase to another.
        let (starts_at, ends_at) = windows
            .iter()
            .find(is_in)
            .map_or((during.start, None), |window| (window.starts_at, window.ends_at));
        let used_at = starts_at.max(during.start);
        let line = self.line(named, external_id, quantity, PhasesAt::Only(phase_type), used_at)?;
        let phases = line.phases.into_iter().map(|phase| LinePhase { starts_at, ends_at, ..phase });
        Some(UsageLine { phases: phases.collect(), ..line })
    }

    /// A product that the plan prices.
    #[must_use]
    pub fn priced<'a>(
        &'a self,
        named: &'a Named,
        external_id: &str,
    ) -> Option<(&'a BillingResource, &'a Product)> {
        let is_its = |id: &u64| named.products.get(id).filter(|one| one.external_id == external_id);
        let find = |resource: &'a BillingResource| Some((resource, is_its(&resource.product_id)?));
        self.resources.iter().find_map(find)
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
    #[test]
    fn a_line_of_one_phase_was_used_inside_of_it() {
        let mut plan = plan();
        let week = Duration { unit: DurationUnit::Days, quantity: 7 };
        plan.resources[0].phases.insert(0, phase(PhaseType::Trial, Some(week)));
        let at = |second| Timestamp::from_second(second).unwrap();
        let during = Window { start: at(600_000), end: at(700_000) };
        for (started, phase, expected) in [
            (0, PhaseType::Trial, Some((600_000, 0, Some(604_800)))),
            (0, PhaseType::Final, Some((604_800, 604_800, None))),
            (650_000, PhaseType::Trial, Some((650_000, 650_000, Some(1_254_800)))),
            // The clock was set since: there is no final phase in the window, and no trial.
            (650_000, PhaseType::Final, Some((600_000, 600_000, None))),
            (-100_000, PhaseType::Trial, Some((600_000, 600_000, None))),
            (0, PhaseType::Discount, None),
        ] {
            let used = ("cpu", Decimal::TEN);
            let line = plan.line_of_phase(&named(), used, phase, at(started), during);
            let said = line.map(|line| {
                let [only] = line.phases.as_slice() else { panic!("{line:?}") };
                assert_eq!(only.phase_type, phase);
                let end = only.ends_at.map(Timestamp::as_second);
                (line.used_at.as_second(), only.starts_at.as_second(), end)
            });
            assert_eq!(said, expected, "{started} {phase:?}");
        }
    }
}
