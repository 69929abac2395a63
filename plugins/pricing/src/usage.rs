//! One metered line: its phase, its prices, its tiers.

use planwright_sdk::Refusal;
use planwright_sdk::price_book::Price;
use planwright_sdk::pricing::{Charge, Line, PhaseWindow, UsageQuestion};

use crate::exact::{Large, round_to_currency, text};
use crate::refusal::refusal;
use crate::tiers::Tiers;

pub(crate) fn price(question: &UsageQuestion, line: &Line) -> Result<Charge, Refusal> {
    let (quantity, unit) = (quantity(line)?, Large::from(line.unit));
    let phase = phase(line)?;
    let tiers = Tiers::new(line, &unit, prices(question, line, phase)?)?;
    let steps = match line.tier_mode.as_str() {
        "volume" => tiers.volume(&quantity),
        "graduated" => tiers.graduated(&quantity),
        "per-package" => tiers.packages(&quantity),
        mode => Err(refusal(
            line,
            "unknown_tier_mode",
            &format!(
                "its tier mode '{mode}' is not volume, graduated or per-package; correct it in the price book"
            ),
        )),
    }?;
    let sum = steps.iter().fold(Large::ZERO, |sum, step| sum.plus(&step.amount));
    Ok(Charge {
        reference: line.reference,
        phase: phase.kind.clone(),
        amount: round_to_currency(&sum.over(&unit), &question.currency)?,
        steps: steps.iter().map(|step| step.shown(line, &unit)).collect::<Result<_, _>>()?,
    })
}

/// The quantity in the metric, where it and the unit are what they may be.
fn quantity(line: &Line) -> Result<Large, Refusal> {
    if line.unit.coefficient <= 0 {
        let why = format!(
            "its unit is {}, and a unit must be more than 0; correct the product",
            text(line.unit)
        );
        return Err(refusal(line, "unit_not_positive", &why));
    }
    if line.quantity.coefficient < 0 {
        let why = format!(
            "its quantity is {}, and a quantity must not be less than 0",
            text(line.quantity)
        );
        return Err(refusal(line, "quantity_negative", &why));
    }
    Ok(line.quantity.into())
}

/// The one phase that holds when the quantity was used.
fn phase(line: &Line) -> Result<&PhaseWindow, Refusal> {
    let at = line.used_at;
    let mut holding = line
        .phases
        .iter()
        .filter(|phase| phase.starts_at <= at && phase.ends_at.is_none_or(|end| at < end));
    match (holding.next(), holding.next()) {
        (Some(phase), None) => Ok(phase),
        (None, _) => Err(refusal(
            line,
            "no_phase",
            &format!("no phase of its prices holds at {at}; add a final phase"),
        )),
        (Some(one), Some(other)) => {
            let why = format!("its phases {} and {} both hold at {at}", one.kind, other.kind);
            Err(refusal(line, "phases_overlap", &why))
        }
    }
}

fn prices<'a>(
    question: &UsageQuestion,
    line: &Line,
    phase: &'a PhaseWindow,
) -> Result<Vec<&'a Price>, Refusal> {
    let currency = &question.currency.code;
    let Some(region) = &question.context.region else {
        return Err(refusal(
            line,
            "no_region",
            "the user has no region; set one, or a default one in the settings",
        ));
    };
    let prices: Vec<_> = phase
        .prices
        .iter()
        .filter(|price| price.currency == *currency && price.regions.contains(region))
        .collect();
    if prices.is_empty() {
        let why = format!(
            "its {} phase has no price in {currency} for the region '{region}'; add one to the price book",
            phase.kind,
        );
        return Err(refusal(line, "no_price", &why));
    }
    Ok(prices)
}
