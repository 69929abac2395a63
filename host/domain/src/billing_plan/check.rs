//! What a billing plan may look like, whatever plugins say: parts that come once, prices of a size that plugins can
//! count with, lists that end.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::{BillingPhase, BillingPlan, BillingPrice, BillingResource, PhaseType};
use crate::refusal::{FieldError, Refusal};

/// The most products in a billing plan.
pub const MOST_RESOURCES: usize = 1_000;
/// The most prices in a billing plan, each counted once for every region it holds in.
pub const MOST_PRICES: usize = 10_000;
/// The most tiers of one phase for a currency and region: what explains a charge has a step for each.
pub const MOST_TIERS: usize = 50;
/// The longest phase, in any unit.
pub const LONGEST_PHASE: u32 = 10_000;
/// Digits after the point of a price.
const PRICE_DIGITS: u32 = 9;
/// Digits after the point of a quantity.
pub const QUANTITY_DIGITS: u32 = 6;
/// The most digits of a price or quantity in all: what plugins count with has 64 bits.
const ALL_DIGITS: u32 = 18;

/// What is wrong, and in which part.
struct Wrong {
    resource: Option<usize>,
    phase: Option<usize>,
    price: Option<usize>,
    error: FieldError,
}

impl Wrong {
    fn new(field: &str, code: &str, message: &str) -> Self {
        let error = FieldError::new(field, code, message);
        Self { resource: None, phase: None, price: None, error }
    }

    /// The field, named from the top of a document.
    fn in_document(self) -> FieldError {
        let mut path = String::new();
        for (name, at) in [
            ("billing_resources", self.resource),
            ("billing_phases", self.phase),
            ("billing_resource_prices", self.price),
        ] {
            if let Some(at) = at {
                path += &format!("{name}[{at}].");
            }
        }
        // A document names regions, and not by their numbers.
        let field = if self.error.field == "region_ids" { "regions" } else { &self.error.field };
        FieldError { field: format!("billing_plan.{path}{field}"), ..self.error }
    }
}

impl BillingPlan {
    /// What no plugin may break, after a change of one part: of what is wrong, the field is named as the part has it.
    ///
    /// # Errors
    /// [`Refusal::Unfit`] with every error.
    pub fn check_part(&self) -> Result<(), Refusal> {
        refuse(self.wrong().into_iter().map(|wrong| wrong.error).collect())
    }

    /// The same for a whole document, fields named from its top.
    ///
    /// # Errors
    /// [`Refusal::Unfit`] with every error.
    pub fn check_document(&self) -> Result<(), Refusal> {
        refuse(self.wrong().into_iter().map(Wrong::in_document).collect())
    }

    fn wrong(&self) -> Vec<Wrong> {
        let mut found = Vec::new();
        if self.resources.len() > MOST_RESOURCES {
            let message = format!("A billing plan has at most {MOST_RESOURCES} resources.");
            found.push(Wrong::new("billing_resources", "too_many", &message));
        }
        let prices = self.uses().regions.values().sum::<u64>();
        if usize::try_from(prices).is_ok_and(|prices| prices > MOST_PRICES) {
            let message = format!(
                "A billing plan has at most {MOST_PRICES} prices, one for three regions counted three \
                 times. Split the plan, or name fewer regions."
            );
            found.push(Wrong::new("billing_resource_prices", "too_many", &message));
        }
        let mut products = BTreeSet::new();
        for (at, resource) in self.resources.iter().enumerate() {
            let mut wrong = resource.wrong();
            if !products.insert(resource.product_id) {
                let message =
                    "The product is in the billing plan already; change its resource there.";
                wrong.push(Wrong::new("product_id", "product_repeated", message));
            }
            found.extend(wrong.into_iter().map(|one| Wrong { resource: Some(at), ..one }));
        }
        found
    }
}

fn refuse(errors: Vec<FieldError>) -> Result<(), Refusal> {
    if errors.is_empty() { Ok(()) } else { Err(Refusal::Unfit(errors)) }
}

impl BillingResource {
    fn wrong(&self) -> Vec<Wrong> {
        let mut found = Vec::new();
        let external_id = &self.external_id;
        let fits = (1..=255).contains(&external_id.chars().count());
        if !fits || external_id.contains(char::is_control) {
            let message =
                "external_id must have 1 to 255 characters, none of them a control character.";
            found.push(Wrong::new("external_id", "invalid_external_id", message));
        }
        let mut types = BTreeSet::new();
        for (at, phase) in self.phases.iter().enumerate() {
            let mut wrong = phase.wrong();
            if !types.insert(phase.phase_type) {
                let kind = phase.phase_type.as_str();
                let message = format!("There is a {kind} phase already; change that one.");
                wrong.push(Wrong::new("phase_type", "phase_repeated", &message));
            }
            found.extend(wrong.into_iter().map(|one| Wrong { phase: Some(at), ..one }));
        }
        found
    }
}

impl BillingPhase {
    fn wrong(&self) -> Vec<Wrong> {
        let mut found = Vec::new();
        match (self.phase_type, self.duration) {
            (PhaseType::Final, Some(_)) => {
                let message =
                    "The final phase never ends: leave duration_unit and duration_qty out.";
                found.push(Wrong::new("duration_qty", "duration_of_final", message));
            }
            (PhaseType::Trial | PhaseType::Discount, None) => {
                let message = format!(
                    "A {} phase needs a duration_unit of hours, days, months or years, and a duration_qty.",
                    self.phase_type.as_str()
                );
                found.push(Wrong::new("duration_unit", "missing_duration", &message));
            }
            (_, Some(duration)) if !(1..=LONGEST_PHASE).contains(&duration.quantity) => {
                let message =
                    format!("duration_qty must be more than 0 and at most {LONGEST_PHASE}.");
                found.push(Wrong::new("duration_qty", "out_of_range", &message));
            }
            (PhaseType::Final, None) | (PhaseType::Trial | PhaseType::Discount, Some(_)) => {}
        }
        let mut lists = BTreeMap::<_, BTreeSet<_>>::new();
        for (at, price) in self.prices.iter().enumerate() {
            let mut wrong = price.wrong();
            for region in &price.region_ids {
                let list = lists.entry((price.currency.code(), *region)).or_default();
                if !list.insert(price.max_qty) {
                    wrong.push(price.repeated(*region));
                } else if list.len() > MOST_TIERS {
                    let message = format!(
                        "A phase has at most {MOST_TIERS} tiers for a currency and region."
                    );
                    wrong.push(Wrong::new("max_qty", "too_many", &message));
                }
            }
            found.extend(wrong.into_iter().map(|one| Wrong { price: Some(at), ..one }));
        }
        found
    }
}

impl BillingPrice {
    fn wrong(&self) -> Vec<Wrong> {
        let mut found = Vec::new();
        if self.price.is_sign_negative() && !self.price.is_zero() {
            found.push(Wrong::new("price", "negative_price", "price must be 0 or more."));
        }
        if !has_digits(self.price, PRICE_DIGITS) {
            let message = format!(
                "price must have at most {PRICE_DIGITS} digits after the point, and {ALL_DIGITS} in all."
            );
            found.push(Wrong::new("price", "too_many_digits", &message));
        }
        if self.max_qty.is_some_and(|end| end <= Decimal::ZERO) {
            let message = "max_qty must be more than 0, or null for a tier without end.";
            found.push(Wrong::new("max_qty", "out_of_range", message));
        }
        if self.max_qty.is_some_and(|end| !is_quantity(end)) {
            found.push(Wrong::new("max_qty", "too_many_digits", &quantity_rule("max_qty")));
        }
        if self.region_ids.is_empty() {
            let message = "region_ids must name a region or more: a price holds somewhere.";
            found.push(Wrong::new("region_ids", "missing_region", message));
        }
        found
    }

    fn repeated(&self, region: u64) -> Wrong {
        let end = self
            .max_qty
            .map_or_else(|| "without end".to_owned(), |end| format!("up to {}", end.normalize()));
        let message = format!(
            "There is a price in {} for region {region} {end} already; change that one.",
            self.currency.code()
        );
        Wrong::new("max_qty", "price_repeated", &message)
    }
}

/// Whether a number has no more digits than a quantity has.
#[must_use]
pub fn is_quantity(number: Decimal) -> bool {
    has_digits(number, QUANTITY_DIGITS)
}

/// What [`is_quantity`] asks for, in a sentence.
#[must_use]
pub fn quantity_rule(field: &str) -> String {
    format!(
        "{field} must have at most {QUANTITY_DIGITS} digits after the point, and {ALL_DIGITS} in all."
    )
}

fn has_digits(number: Decimal, after_the_point: u32) -> bool {
    let shortest = number.normalize();
    let fits = shortest.mantissa().unsigned_abs() < 10_u128.pow(ALL_DIGITS);
    fits && shortest.scale() <= after_the_point
}

#[cfg(test)]
mod tests {
    use super::super::tests::{phase, plan, price};
    use super::super::{Duration, DurationUnit};
    use super::*;

    fn at_fault(plan: &BillingPlan) -> Vec<(String, String)> {
        let errors = |refused: Result<(), Refusal>| match refused {
            Ok(()) => Vec::new(),
            Err(Refusal::Unfit(errors)) => errors,
            Err(other) => panic!("{other:?}"),
        };
        let (part, document) = (errors(plan.check_part()), errors(plan.check_document()));
        assert_eq!(part.len(), document.len());
        document.into_iter().map(|error| (error.field, error.code)).collect()
    }

    fn days(quantity: u32) -> Option<Duration> {
        Some(Duration { unit: DurationUnit::Days, quantity })
    }

    #[test]
    fn what_no_plugin_may_break_is_named_by_its_place() {
        type Edit = fn(&mut BillingResource);
        let cases: [(Edit, &str, &str); 21] = [
            (|_| {}, "", ""),
            (|cpu| cpu.external_id.clear(), "external_id", "invalid_external_id"),
            (|cpu| cpu.phases.insert(0, phase(PhaseType::Trial, days(7))), "", ""),
            (|cpu| cpu.phases.insert(0, phase(PhaseType::Trial, days(10_000))), "", ""),
            (
                |cpu| cpu.phases.insert(0, phase(PhaseType::Trial, days(10_001))),
                "billing_phases[0].duration_qty",
                "out_of_range",
            ),
            (
                |cpu| cpu.phases.insert(0, phase(PhaseType::Trial, days(0))),
                "billing_phases[0].duration_qty",
                "out_of_range",
            ),
            (
                |cpu| cpu.phases.insert(0, phase(PhaseType::Discount, None)),
                "billing_phases[0].duration_unit",
                "missing_duration",
            ),
            (
                |cpu| cpu.phases[0].duration = days(1),
                "billing_phases[0].duration_qty",
                "duration_of_final",
            ),
            (
                |cpu| cpu.phases.push(phase(PhaseType::Final, None)),
                "billing_phases[1].phase_type",
                "phase_repeated",
            ),
            (|cpu| cpu.phases[0].prices[0] = price(1, None, "0"), "", ""),
            (|cpu| cpu.phases[0].prices[0] = price(1, None, "0.000000001"), "", ""),
            (|cpu| cpu.phases[0].prices[0] = price(1, None, "999999999999999999"), "", ""),
            (
                |cpu| cpu.phases[0].prices[0] = price(1, None, "0.0000000001"),
                "billing_phases[0].billing_resource_prices[0].price",
                "too_many_digits",
            ),
            (
                |cpu| cpu.phases[0].prices[0] = price(1, None, "1000000000000000000"),
                "billing_phases[0].billing_resource_prices[0].price",
                "too_many_digits",
            ),
            (
                |cpu| cpu.phases[0].prices[0] = price(1, None, "-1"),
                "billing_phases[0].billing_resource_prices[0].price",
                "negative_price",
            ),
            (
                |cpu| cpu.phases[0].prices[0] = price(1, Some("0"), "1"),
                "billing_phases[0].billing_resource_prices[0].max_qty",
                "out_of_range",
            ),
            (|cpu| cpu.phases[0].prices[0] = price(1, Some("0.000001"), "1"), "", ""),
            (
                |cpu| cpu.phases[0].prices[0] = price(1, Some("0.0000001"), "1"),
                "billing_phases[0].billing_resource_prices[0].max_qty",
                "too_many_digits",
            ),
            (
                |cpu| cpu.phases[0].prices[0].region_ids.clear(),
                "billing_phases[0].billing_resource_prices[0].regions",
                "missing_region",
            ),
            // The same end with and without zeros behind it is the same tier.
            (
                |cpu| {
                    cpu.phases[0].prices =
                        vec![price(1, Some("5"), "1"), price(2, Some("5.0"), "2")];
                },
                "billing_phases[0].billing_resource_prices[1].max_qty",
                "price_repeated",
            ),
            (
                |cpu| {
                    let tier = |at: usize| price(1, Some(&at.to_string()), "1");
                    cpu.phases[0].prices = (1..=51).map(tier).collect();
                },
                "billing_phases[0].billing_resource_prices[50].max_qty",
                "too_many",
            ),
        ];
        for (index, (edit, place, code)) in cases.into_iter().enumerate() {
            let mut plan = plan();
            edit(&mut plan.resources[0]);
            let expected = if code.is_empty() {
                Vec::new()
            } else {
                let place = format!("billing_plan.billing_resources[0].{place}");
                vec![(place, code.to_owned())]
            };
            assert_eq!(at_fault(&plan), expected, "case {index}");
        }
    }

    #[test]
    fn a_plan_has_a_product_once_and_an_end() {
        let mut twice = plan();
        twice.resources.push(twice.resources[0].clone());
        let place = "billing_plan.billing_resources[1].product_id".to_owned();
        assert_eq!(at_fault(&twice), [(place, "product_repeated".to_owned())]);

        let mut full = plan();
        full.resources = (0..1_000)
            .map(|product_id| BillingResource { product_id, ..full.resources[0].clone() })
            .collect();
        assert_eq!(at_fault(&full), []);
        full.resources.push(BillingResource { product_id: 1_000, ..full.resources[0].clone() });
        assert_eq!(at_fault(&full)[0].1, "too_many");

        let mut wide = plan();
        wide.resources[0].phases[0].prices[0].region_ids = (0..10_000).collect();
        assert_eq!(at_fault(&wide), []);
        wide.resources[0].phases[0].prices[0].region_ids.push(10_000);
        assert_eq!(at_fault(&wide)[0].0, "billing_plan.billing_resource_prices");
        assert_eq!(wide.uses().regions.len(), 10_001);
        assert_eq!(wide.uses().products, [(1, 1)].into());
    }
}
