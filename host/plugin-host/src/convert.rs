//! The house's values as the contract's plain data, and back.

use planwright_domain::billing_plan::price_book::{
    PriceBook, PriceBookChange, PricedPhase, PricedProduct,
};
use planwright_domain::billing_plan::tier::Tier;
use planwright_domain::money::{self, Currency};
use planwright_domain::plan::Plan;
use planwright_domain::plan::review::{
    Finding, PlanChange, ReviewContext, Severity, SubscriptionCounts,
};
use rust_decimal::Decimal;

use crate::contract::exports::planwright::plugin::validation as wit_validation;
use crate::contract::planwright::plugin::price_book as wit_book;
use crate::contract::planwright::plugin::types as wit;

/// The most digits after the point that the contract has.
const MAX_SCALE: u32 = 18;

/// A decimal as coefficient and scale, trailing zeros dropped. `name` is what to call it where it does not
/// fit: 19 digits in all, 18 after the point.
pub(crate) fn decimal(name: &str, value: Decimal) -> Result<wit::Decimal, String> {
    let shortest = value.normalize();
    let coefficient = i64::try_from(shortest.mantissa());
    match (coefficient, u8::try_from(shortest.scale())) {
        (Ok(coefficient), Ok(scale)) if shortest.scale() <= MAX_SCALE => {
            Ok(wit::Decimal { coefficient, scale })
        }
        _ => Err(format!("{name} {value} has too many digits for a plugin")),
    }
}

/// A decimal as the contract carries it, read exactly. `name` is what to call it where it cannot be one.
pub(crate) fn read_decimal(name: &str, value: wit::Decimal) -> Result<Decimal, String> {
    let scale = u32::from(value.scale);
    if scale > MAX_SCALE {
        return Err(format!("{name} has the scale {scale}, and {MAX_SCALE} is the largest"));
    }
    Ok(Decimal::from_i128_with_scale(value.coefficient.into(), scale).normalize())
}

pub(crate) fn currency(currency: Currency) -> wit::Currency {
    wit::Currency {
        code: currency.code().to_owned(),
        // No currency has more than a handful.
        digits: u8::try_from(money::digits(currency)).unwrap_or(u8::MAX),
    }
}

pub(crate) fn plan(plan: &Plan) -> Result<wit::Plan, String> {
    let quotas = plan
        .quotas
        .iter()
        .map(|(metric, limit)| wit::Quota { metric: metric.clone(), limit: *limit });
    let overage = plan.overage.iter().map(|(metric, policy)| wit::Overage {
        metric: metric.clone(),
        policy: policy.as_str().to_owned(),
    });
    Ok(wit::Plan {
        id: plan.id.as_str().to_owned(),
        name: plan.name.clone(),
        name_ru: plan.name_ru.clone(),
        description: plan.description.clone(),
        description_ru: plan.description_ru.clone(),
        price: decimal("price", plan.price)?,
        currency: currency(plan.currency),
        interval: plan.interval.as_str().to_owned(),
        quotas: quotas.collect(),
        overage: overage.collect(),
        features: plan.features.clone(),
        trial_days: plan.trial_days,
        billing_plan_id: plan.billing_plan_id,
        is_active: plan.is_active,
        display_order: plan.display_order,
        metadata: plan.metadata.clone().into_iter().collect(),
    })
}

fn counts(counts: SubscriptionCounts) -> wit_validation::SubscriptionCounts {
    wit_validation::SubscriptionCounts {
        trialing: counts.trialing,
        active: counts.active,
        past_due: counts.past_due,
        canceled: counts.canceled,
    }
}

/// A change of a plan; what does not fit is said by its name.
pub(crate) fn plan_change(change: &PlanChange) -> Result<wit_validation::PlanChange, String> {
    Ok(wit_validation::PlanChange {
        before: change.before.as_ref().map(plan).transpose()?,
        after: change.after.as_ref().map(plan).transpose()?,
        subscriptions: counts(change.subscriptions),
        pending_payments: change.pending_payments,
        known_metrics: change.known_metrics.clone(),
    })
}

/// A change of a price book; what does not fit is said by its name.
pub(crate) fn billing_plan_change(
    change: &PriceBookChange,
) -> Result<wit_validation::BillingPlanChange, String> {
    Ok(wit_validation::BillingPlanChange {
        before: change.before.as_ref().map(price_book).transpose()?,
        after: change.after.as_ref().map(price_book).transpose()?,
        user_groups: change.user_groups.clone(),
    })
}

fn price_book(book: &PriceBook) -> Result<wit_book::BillingPlan, String> {
    let resources = book.resources.iter().map(metered_resource);
    Ok(wit_book::BillingPlan {
        name: book.name.clone(),
        resources: resources.collect::<Result<_, _>>()?,
    })
}

fn metered_resource(product: &PricedProduct) -> Result<wit_book::MeteredResource, String> {
    Ok(wit_book::MeteredResource {
        product: product.external_id.clone(),
        unit: decimal("unit", product.unit.into())?,
        tier_mode: product.tier_mode.as_str().to_owned(),
        phases: product.phases.iter().map(phase).collect::<Result<_, _>>()?,
    })
}

fn phase(phase: &PricedPhase) -> Result<wit_book::Phase, String> {
    Ok(wit_book::Phase {
        kind: phase.phase_type.as_str().to_owned(),
        duration_unit: phase.duration.map(|duration| duration.unit.as_str().to_owned()),
        duration_quantity: phase.duration.map(|duration| duration.quantity),
        prices: phase.prices.iter().map(tier).collect::<Result<_, _>>()?,
    })
}

pub(crate) fn tier(tier: &Tier) -> Result<wit_book::Price, String> {
    Ok(wit_book::Price {
        currency: tier.currency.code().to_owned(),
        max_quantity: tier.max_qty.map(|end| decimal("max_qty", end)).transpose()?,
        amount: decimal("price", tier.price)?,
        regions: tier.regions.clone(),
    })
}

/// Who asks, where and when.
pub(crate) fn context(context: &ReviewContext) -> wit::Context {
    wit::Context {
        tenant: context.tenant.as_str().to_owned(),
        user_id: context.user_id.clone(),
        user_group: None,
        region: None,
        at: context.at.as_second(),
        attributes: Vec::new(),
    }
}

/// A finding, as it was said.
pub(crate) fn finding(finding: wit_validation::Finding) -> Finding {
    Finding {
        severity: match finding.severity {
            wit_validation::Severity::Warning => Severity::Warning,
            wit_validation::Severity::Error => Severity::Error,
        },
        code: finding.code,
        field: finding.field,
        message: finding.message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_crosses_in_its_shortest_form_or_not_at_all() {
        for (text, expected) in [
            ("12.50", Some((125, 1))),
            ("0.000", Some((0, 0))),
            ("-0.01", Some((-1, 2))),
            ("100", Some((100, 0))),
            ("9223372036854775807", Some((i64::MAX, 0))),
            ("-9223372036854775808", Some((i64::MIN, 0))),
            ("9223372036854775808", None),
            ("0.000000000000000001", Some((1, 18))),
            ("0.0000000000000000010", Some((1, 18))),
            ("0.0000000000000000001", None),
            ("12345678901.123456789", None),
        ] {
            let value = Decimal::from_str_exact(text).unwrap();
            let crossed = decimal("price", value);
            match expected {
                Some((coefficient, scale)) => {
                    let crossed = crossed.unwrap();
                    assert_eq!((crossed.coefficient, crossed.scale), (coefficient, scale));
                }
                None => assert!(crossed.unwrap_err().starts_with("price "), "{text}"),
            }
        }
    }

    #[test]
    fn a_currency_carries_its_digits() {
        for (code, digits) in [(Currency::JPY, 0), (Currency::RUB, 2), (Currency::KWD, 3)] {
            assert_eq!(currency(code).digits, digits, "{}", code.code());
        }
    }
}
