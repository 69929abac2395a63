//! What a plan may look like, whoever subscribes to it.

use planwright_sdk::Decimal;
use planwright_sdk::types::Plan;
use planwright_sdk::validation::Finding;

use crate::Settings;

const MAX_ID: usize = 128;
const MAX_NAME: usize = 100;
const MAX_DESCRIPTION: usize = 1000;
const MAX_FEATURES: usize = 100;
const MAX_FEATURE: usize = 200;
const MAX_METADATA: usize = 100;
/// How many entries of a list are looked at one by one. No list may have more, and whoever sent a hundred
/// thousand is told so once.
const LOOKED_AT: usize = 100;
const MAX_METADATA_KEY: usize = 100;
const MAX_METADATA_VALUE: usize = 4000;
/// A year, and a leap year too.
const MAX_TRIAL_DAYS: u32 = 366;

const INTERVALS: [&str; 4] = ["day", "week", "month", "year"];
const OVERAGE_POLICIES: [&str; 2] = ["block", "bill"];

pub(crate) fn review(settings: &Settings, known_metrics: &[String], plan: &Plan) -> Vec<Finding> {
    [id(plan), words(plan), money(settings, plan), limits(known_metrics, plan), lists(plan)]
        .concat()
}

fn id(plan: &Plan) -> Vec<Finding> {
    let valid = (1..=MAX_ID).contains(&plan.id.len())
        && plan
            .id
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    finding_if(!valid, "id_invalid", "id", || {
        format!(
            "An id is 1 to {MAX_ID} of the characters a-z, 0-9 and _; '{}' is not. Leave it out to have one made.",
            plan.id
        )
    })
}

fn words(plan: &Plan) -> Vec<Finding> {
    let name = plan.name.trim();
    let empty = finding_if(name.is_empty(), "name_empty", "name", || {
        "A plan needs a name; give it one.".to_owned()
    });
    let optional = |text: &Option<String>, field: &str, max| {
        text.as_deref().map_or_else(Vec::new, |text| too_long(field, text, max))
    };
    [
        empty,
        too_long("name", name, MAX_NAME),
        optional(&plan.name_ru, "name_ru", MAX_NAME),
        optional(&plan.description, "description", MAX_DESCRIPTION),
        optional(&plan.description_ru, "description_ru", MAX_DESCRIPTION),
    ]
    .concat()
}

fn money(settings: &Settings, plan: &Plan) -> Vec<Finding> {
    let code = &plan.currency.code;
    let currency =
        finding_if(!settings.currencies.contains(code), "currency_unknown", "currency", || {
            format!("Currency '{code}' is not one of {}.", settings.currencies.join(", "))
        });
    let interval = finding_if(
        !INTERVALS.contains(&plan.interval.as_str()),
        "interval_unknown",
        "interval",
        || format!("Interval '{}' is not one of {}.", plan.interval, INTERVALS.join(", ")),
    );
    [price(plan), currency, interval].concat()
}

fn price(plan: &Plan) -> Vec<Finding> {
    let price = match Decimal::try_from(plan.price) {
        Ok(price) => price,
        Err(wrong) => {
            return vec![
                Finding::error("price_invalid", format!("The price cannot be read: {wrong}."))
                    .at("price"),
            ];
        }
    };
    let digits = plan.currency.digits;
    let negative =
        finding_if(price.is_sign_negative() && !price.is_zero(), "price_negative", "price", || {
            format!("The price is {price}, and a price must be 0 or more.")
        });
    let precise = finding_if(price.scale() > digits.into(), "price_too_precise", "price", || {
        format!(
            "The price {price} has more digits after the point than the {digits} of {}.",
            plan.currency.code
        )
    });
    [negative, precise].concat()
}

fn limits(known_metrics: &[String], plan: &Plan) -> Vec<Finding> {
    let known = |map: &str, metric: &String| {
        let unknown = !known_metrics.contains(metric);
        let metric = shown(metric);
        finding_if(unknown, "metric_unknown", &format!("{map}.{metric}"), || {
            format!("Invalid metric: {metric}. Known are {}.", some_of(known_metrics))
        })
    };
    let quotas =
        plan.quotas.iter().take(LOOKED_AT).flat_map(|quota| known("quotas", &quota.metric));
    let overage = plan.overage.iter().take(LOOKED_AT).flat_map(|overage| {
        let (metric, policy) = (shown(&overage.metric), &overage.policy);
        let unknown = !OVERAGE_POLICIES.contains(&policy.as_str());
        let policy = finding_if(unknown, "overage_unknown", &format!("overage.{metric}"), || {
            format!("Overage '{policy}' is not one of {}.", OVERAGE_POLICIES.join(", "))
        });
        [known("overage", &overage.metric), policy].concat()
    });
    let trial = finding_if(
        plan.trial_days > MAX_TRIAL_DAYS,
        "trial_too_long",
        "trial_days",
        || {
            format!(
                "A trial of {} days is longer than {MAX_TRIAL_DAYS}; make it shorter, or the plan free.",
                plan.trial_days
            )
        },
    );
    too_many("quotas", plan.quotas.len(), known_metrics.len())
        .into_iter()
        .chain(too_many("overage", plan.overage.len(), known_metrics.len()))
        .chain(quotas)
        .chain(overage)
        .chain(trial)
        .collect()
}

fn lists(plan: &Plan) -> Vec<Finding> {
    let features = plan.features.iter().enumerate().take(LOOKED_AT);
    let long_features =
        features.flat_map(|(at, text)| too_long(&format!("features[{at}]"), text, MAX_FEATURE));
    let metadata = plan.metadata.iter().take(LOOKED_AT).flat_map(|(key, value)| {
        let field = format!("metadata.{}", shown(key));
        let empty = finding_if(key.is_empty(), "metadata_key_empty", "metadata", || {
            "A key in the metadata is empty; give it a name.".to_owned()
        });
        [
            empty,
            too_long(&field, key, MAX_METADATA_KEY),
            too_long(&field, value, MAX_METADATA_VALUE),
        ]
        .concat()
    });
    too_many("features", plan.features.len(), MAX_FEATURES)
        .into_iter()
        .chain(long_features)
        .chain(too_many("metadata", plan.metadata.len(), MAX_METADATA))
        .chain(metadata)
        .collect()
}

/// A name that somebody chose, as far as it helps to see it.
fn shown(name: &str) -> String {
    const SHOWN: usize = 100;
    match name.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// Characters, as a person counts them, and not bytes.
fn too_long(field: &str, text: &str, max: usize) -> Vec<Finding> {
    let length = text.chars().count();
    finding_if(length > max, "too_long", field, || {
        format!("'{field}' has {length} characters, and {max} are allowed; shorten it.")
    })
}

fn too_many(field: &str, count: usize, max: usize) -> Vec<Finding> {
    finding_if(count > max, "too_many", field, || {
        format!("'{field}' has {count} entries, and {max} are allowed.")
    })
}

fn finding_if(
    wrong: bool,
    code: &str,
    field: &str,
    message: impl FnOnce() -> String,
) -> Vec<Finding> {
    if wrong { vec![Finding::error(code, message()).at(field)] } else { Vec::new() }
}

/// Enough names to see a misspelling by.
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 12;
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => names.join(", "),
        Some(more) => format!("{} and {more} more", names[..SHOWN].join(", ")),
    }
}
