//! What changes when a document is put in the place of a catalog: thing by thing, and of each the fields with their
//! old and new values, so that a person can look it over before it is done.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::audit::Change;
use crate::catalog::catalog_document::CatalogDocument;

/// The kinds of things in a catalog.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CatalogKind {
    /// Where something is sold.
    Region,
    /// What is metered.
    Product,
    /// A price book.
    BillingPlan,
    /// Users that are priced alike.
    UserGroup,
    /// A subscription tier.
    Plan,
}

impl CatalogKind {
    /// Every kind; none names one that comes behind it.
    pub const ALL: [Self; 5] =
        [Self::Region, Self::Product, Self::BillingPlan, Self::UserGroup, Self::Plan];

    /// What its list is called in a document.
    #[must_use]
    pub fn list(self) -> &'static str {
        match self {
            Self::Region => "regions",
            Self::Product => "products",
            Self::BillingPlan => "billing_plans",
            Self::UserGroup => "user_groups",
            Self::Plan => "plans",
        }
    }

    /// For people.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Product => "product",
            Self::BillingPlan => "billing plan",
            Self::UserGroup => "user group",
            Self::Plan => "plan",
        }
    }

    /// The field that a thing of it is known by.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Region | Self::BillingPlan | Self::UserGroup => "name",
            Self::Product => "external_id",
            Self::Plan => "id",
        }
    }
}

/// All that changes, or would change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CatalogChanges {
    /// Were not there.
    pub created: Vec<CatalogChange>,
    /// Differed.
    pub updated: Vec<CatalogChange>,
    /// Are not in the document; with `prune` alone.
    pub deleted: Vec<CatalogChange>,
    /// How many are as the document has them.
    pub unchanged: u64,
    /// Whether nothing was done.
    pub dry_run: bool,
}

/// What changes of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CatalogChange {
    /// Of which kind it is.
    pub kind: CatalogKind,
    /// Its `name`; a product's `external_id`, a plan's `id`.
    pub name: String,
    /// Of what was there already: the fields that differ. Of a billing plan, the parts that do.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changes: BTreeMap<String, Change>,
    /// What the validation plugins warn of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl CatalogChanges {
    /// What differs between two documents.
    #[must_use]
    pub fn between(before: &CatalogDocument, after: &CatalogDocument) -> Self {
        let (before, after) = (things(before), things(after));
        let mut found = Self::default();
        let both: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        for (kind, name) in both {
            let key = (*kind, name.clone());
            let (was, is) = (before.get(&key), after.get(&key));
            let mut change = CatalogChange {
                kind: *kind,
                name: name.clone(),
                changes: BTreeMap::new(),
                warnings: Vec::new(),
            };
            match (was, is) {
                (Some(was), Some(is)) if was == is => found.unchanged += 1,
                (Some(was), Some(is)) => {
                    change.changes = differing(was, is);
                    found.updated.push(change);
                }
                (None, _) => found.created.push(change),
                (_, None) => found.deleted.push(change),
            }
        }
        found
    }

    /// Whether all is as it is wanted.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.created.is_empty() && self.updated.is_empty() && self.deleted.is_empty()
    }

    /// Says of a thing what the validation plugins warn of.
    pub fn warn(&mut self, kind: CatalogKind, name: &str, warning: &str) {
        let mut all = self.created.iter_mut().chain(&mut self.updated).chain(&mut self.deleted);
        if let Some(change) = all.find(|change| change.kind == kind && change.name == name) {
            change.warnings.push(warning.to_owned());
        }
    }
}

type Fields = BTreeMap<String, Value>;

/// Everything in a document, each with its fields.
fn things(document: &CatalogDocument) -> BTreeMap<(CatalogKind, String), Fields> {
    // What is built of text and numbers has a JSON form.
    let json = serde_json::to_value(document).unwrap_or_default();
    let mut things = BTreeMap::new();
    for kind in CatalogKind::ALL {
        for thing in json[kind.list()].as_array().into_iter().flatten() {
            let name = thing[kind.key()].as_str().unwrap_or_default().to_owned();
            let mut fields = Fields::new();
            flatten("", thing, &mut fields);
            things.insert((kind, name), fields);
        }
    }
    things
}

/// What parts of a billing plan are known by, and so stands in their paths.
const IN_PATHS: [&str; 5] = ["product", "phase_type", "currency", "max_qty", "regions"];

/// A value's parts by their paths. Parts of a list that have a name are known by it, not by their place.
fn flatten(path: &str, value: &Value, into: &mut Fields) {
    match value {
        Value::Object(fields) => {
            let is_part = path.ends_with(']');
            let told =
                fields.iter().filter(|(name, _)| !is_part || !IN_PATHS.contains(&name.as_str()));
            for (name, value) in told {
                let dot = if path.is_empty() { "" } else { "." };
                flatten(&format!("{path}{dot}{name}"), value, into);
            }
        }
        Value::Array(parts) if parts.iter().any(Value::is_object) => {
            for part in parts {
                flatten(&format!("{path}[{}]", name_of_part(part)), part, into);
            }
        }
        Value::Null => {}
        Value::Array(_) | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            into.insert(path.to_owned(), value.clone());
        }
    }
}

/// What a part of a billing plan is known by: its product, its phase, or where and up to what a price holds.
fn name_of_part(part: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for field in ["product", "phase_type"] {
        if part[field].is_string() {
            return text(&part[field]);
        }
    }
    let regions = part["regions"].as_array().into_iter().flatten();
    let regions: Vec<String> = regions.map(text).collect();
    let end = match &part["max_qty"] {
        Value::Null => String::new(),
        end => format!(" up to {end}"),
    };
    format!("{} in {}{end}", text(&part["currency"]), regions.join(", "))
}

fn differing(was: &Fields, is: &Fields) -> BTreeMap<String, Change> {
    let both: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let differ = both.into_iter().filter(|field| was.get(*field) != is.get(*field));
    let value = |fields: &Fields, field: &String| fields.get(field).cloned().unwrap_or_default();
    differ
        .map(|field| (field.clone(), Change { old: value(was, field), new: value(is, field) }))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(json: &Value) -> CatalogDocument {
        serde_json::from_str(&json.to_string()).unwrap()
    }

    /// What is said of the changes, a line each.
    fn said(before: &Value, after: &Value) -> Vec<String> {
        let changes = CatalogChanges::between(&document(before), &document(after));
        let mut lines = Vec::new();
        for (sign, list) in
            [("+", &changes.created), ("~", &changes.updated), ("-", &changes.deleted)]
        {
            for CatalogChange { kind, name, changes, .. } in list {
                lines.push(format!("{sign} {} {name}", kind.noun()));
                for (field, Change { old, new }) in changes {
                    lines.push(format!("{field}: {old} → {new}"));
                }
            }
        }
        lines.push(format!("= {}", changes.unchanged));
        lines
    }

    #[test]
    fn what_was_made_changed_and_taken_away_is_told_by_its_field() {
        let plan = |price: &str, quotas: Value| {
            json!({"plans": [{
                "id": "pro", "name": "Pro", "price": price, "currency": "RUB", "interval": "month",
                "quotas": quotas,
            }]})
        };
        let book = |max_qty: Value, price: &str, regions: Value| {
            json!({"billing_plans": [{"name": "Cloud", "billing_resources": [{
                "product": "cpu", "external_id": "cpu", "billing_phases": [{
                    "phase_type": "final", "billing_resource_prices": [
                        {"currency": "USD", "max_qty": max_qty, "price": price, "regions": regions},
                    ],
                }],
            }]}]})
        };
        let place = "billing_resources[cpu].billing_phases[final].billing_resource_prices";
        let cases = [
            (json!({}), json!({}), vec!["= 0".to_owned()]),
            (
                json!({"regions": [{"name": "eu"}, {"name": "us"}]}),
                json!({"regions": [{"name": "us"}, {"name": "asia"}]}),
                vec!["+ region asia".into(), "- region eu".into(), "= 1".into()],
            ),
            (
                plan("490.50", json!({"requests": 5})),
                plan("490.5", json!({"requests": 5})),
                vec!["= 1".to_owned()],
            ),
            (
                plan("490", json!({"requests": 5})),
                plan("590", json!({"images": 1, "requests": 6})),
                vec![
                    "~ plan pro".into(),
                    "price: 490 → 590".into(),
                    "quotas.images: null → 1".into(),
                    "quotas.requests: 5 → 6".into(),
                    "= 0".into(),
                ],
            ),
            (
                book(json!(10), "0.02", json!(["eu"])),
                book(json!(10), "0.025", json!(["eu"])),
                vec![
                    "~ billing plan Cloud".into(),
                    format!("{place}[USD in eu up to 10].price: 0.02 → 0.025"),
                    "= 0".into(),
                ],
            ),
            (
                book(json!(10), "0.02", json!(["eu"])),
                book(json!(null), "0.02", json!(["eu", "us"])),
                vec![
                    "~ billing plan Cloud".into(),
                    format!("{place}[USD in eu up to 10].price: 0.02 → null"),
                    format!("{place}[USD in eu, us].price: null → 0.02"),
                    "= 0".into(),
                ],
            ),
        ];
        for (before, after, expected) in cases {
            assert_eq!(said(&before, &after), expected, "{before} {after}");
        }
    }
}
