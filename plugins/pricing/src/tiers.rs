//! Tiers: intervals of real numbers, each up to and with its end, so that no fraction falls between two. All is counted
//! in the metric, and divided by the unit in the end, once.

use planwright_sdk::Refusal;
use planwright_sdk::price_book::Price;
use planwright_sdk::pricing::{Line, Step};
use planwright_sdk::types::Decimal;

use crate::exact::{Large, shortest, shown, text};
use crate::refusal::refusal;

/// The unit of most products, spared a division.
pub(crate) const ONE: Decimal = Decimal { coefficient: 1, scale: 0 };

pub(crate) struct Tiers<'a> {
    line: &'a Line,
    unit: &'a Large,
    /// By their ends, the unlimited one last.
    tiers: Vec<Tier<'a>>,
}

struct Tier<'a> {
    /// In the metric; none is unlimited.
    end: Option<Large>,
    /// Of a unit.
    price: Large,
    tier: &'a Price,
}

/// What one tier contributes, not yet rounded.
pub(crate) struct Part {
    /// In the metric.
    quantity: Large,
    unit_price: Decimal,
    /// Times the unit.
    pub(crate) amount: Large,
    note: String,
}

impl<'a> Tiers<'a> {
    pub(crate) fn new(
        line: &'a Line,
        unit: &'a Large,
        prices: Vec<&'a Price>,
    ) -> Result<Self, Refusal> {
        let mut tiers: Vec<Tier<'a>> =
            prices.into_iter().map(|price| Tier::new(price, unit)).collect();
        tiers.sort_by(|a, b| match (&a.end, &b.end) {
            (Some(a), Some(b)) => a.cmp(b),
            (a, b) => a.is_none().cmp(&b.is_none()),
        });
        match tiers.windows(2).find(|pair| pair[0].end == pair[1].end) {
            None => Ok(Self { line, unit, tiers }),
            Some(pair) => {
                let why = format!(
                    "two of its tiers are {}; remove one from the price book",
                    pair[0].name()
                );
                Err(refusal(line, "tiers_ambiguous", &why))
            }
        }
    }

    /// The whole quantity at the price of the tier it falls into.
    pub(crate) fn volume(&self, quantity: &Large) -> Result<Vec<Part>, Refusal> {
        let tier = self.holding(quantity)?;
        Ok(vec![Part::new(quantity.clone(), tier, format!("all at the price {}", tier.name()))])
    }

    /// Each tier's part at its own price.
    pub(crate) fn graduated(&self, quantity: &Large) -> Result<Vec<Part>, Refusal> {
        self.holding(quantity)?;
        let mut parts = Vec::new();
        let mut below = Large::ZERO;
        for tier in &self.tiers {
            let end = tier.end.as_ref().map_or(quantity, |end| end.min(quantity));
            parts.push(Part::new(end.minus(&below), tier, format!("the part {}", tier.name())));
            if end == quantity {
                break;
            }
            below = end.clone();
        }
        Ok(parts)
    }

    /// Whole packages, a begun one counts; the price is the one of the tier that their number falls into.
    pub(crate) fn packages(&self, quantity: &Large) -> Result<Vec<Part>, Refusal> {
        let packages = Large::from(quantity.over(self.unit).ceil()).times(self.unit);
        let tier = self.holding(&packages)?;
        let note =
            format!("packages of {}, all at the price {}", text(self.line.unit), tier.name());
        Ok(vec![Part::new(packages, tier, note)])
    }

    /// The tier with the smallest end that is not below the quantity. Past the last one nobody knows the price.
    fn holding(&self, quantity: &Large) -> Result<&Tier<'a>, Refusal> {
        self.tiers.iter().find(|tier| tier.end.as_ref().is_none_or(|end| quantity <= end)).ok_or_else(|| {
            let last = self.tiers.last().map_or_else(String::new, Tier::name);
            let why = format!(
                "its last tier is {last}, and the quantity {} lies past it; add an unlimited tier to the price book",
                text(self.line.quantity),
            );
            refusal(self.line, "past_last_tier", &why)
        })
    }
}

impl<'a> Tier<'a> {
    fn new(tier: &'a Price, unit: &Large) -> Self {
        let end = tier.max_quantity.map(|end| Large::from(end).times(unit));
        Self { end, price: tier.amount.into(), tier }
    }

    fn name(&self) -> String {
        self.tier
            .max_quantity
            .map_or_else(|| "without end".to_owned(), |end| format!("up to {}", text(end)))
    }
}

impl Part {
    fn new(quantity: Large, tier: &Tier<'_>, note: String) -> Self {
        let unit_price = shortest(tier.tier.amount);
        Self { amount: quantity.times(&tier.price), unit_price, quantity, note }
    }

    pub(crate) fn shown(&self, line: &Line, unit: &Large) -> Result<Step, Refusal> {
        let plain = line.unit == ONE || line.tier_mode == "per-package";
        let units =
            if plain { String::new() } else { format!(", in units of {}", text(line.unit)) };
        Ok(Step {
            quantity: shown(&self.quantity.over(unit))?,
            unit_price: self.unit_price,
            amount: shown(&self.amount.over(unit))?,
            note: format!("{}{units}", self.note),
        })
    }
}
