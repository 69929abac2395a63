//! A product: what is metered and priced. Its `external_id` is the metric that usage of it is counted by. `check` has
//! what it may look like.

mod check;

use rust_decimal::Decimal;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::patch::{Clearable, given, set};
use crate::refusal::Refusal;
use crate::schema::{self, DateTime};
use crate::time::{self, Timestamp};

pub use check::is_external_id;

/// What is sold: a thing by its amount, or a machine of a certain size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum ResourceKind {
    /// A machine of a certain size.
    Package,
    /// A thing by its amount.
    Resource,
}

impl TryFrom<String> for ResourceKind {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "package" => Ok(Self::Package),
            "resource" => Ok(Self::Resource),
            _ => Err(format!("'{text}' is not one of package and resource")),
        }
    }
}

/// The size of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Package {
    /// Never used again.
    pub id: u64,
    /// Cores; a part of one where it is shared.
    #[serde(with = "crate::decimal")]
    #[schema(value_type = schema::Decimal)]
    pub cpu: Decimal,
    /// In the operator's own measure, as all that follow.
    pub memory: u64,
    /// On the network.
    pub storage: u64,
    /// Of traffic.
    pub bandwidth: u64,
    /// In the machine.
    pub local_disk: u64,
    /// -1 is without a limit.
    pub memory_swap: i64,
    /// From 0 to 100.
    pub memory_swappiness: u64,
    /// Kept of it.
    pub backup: u64,
}

/// The size of a machine as an admin asks for it; of one that is there, what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "documented on Package")]
pub struct PackageDraft {
    #[serde(deserialize_with = "crate::decimal::present::deserialize")]
    #[schema(value_type = schema::Measure, default = json!(null))]
    pub cpu: Option<Decimal>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = u64, maximum = 1_000_000_000_000_000_u64)]
    pub memory: Option<u64>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = u64, maximum = 1_000_000_000_000_000_u64)]
    pub storage: Option<u64>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = u64, maximum = 1_000_000_000_000_000_u64)]
    pub bandwidth: Option<u64>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = u64, maximum = 1_000_000_000_000_000_u64)]
    pub local_disk: Option<u64>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = i64, minimum = -1, maximum = 1_000_000_000_000_000_u64)]
    pub memory_swap: Option<i64>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = u64, maximum = 100)]
    pub memory_swappiness: Option<u64>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = u64, maximum = 1_000_000_000_000_000_u64)]
    pub backup: Option<u64>,
    #[schema(value_type = Value)]
    pub id: IgnoredAny,
}

/// A product as the catalog holds it and as answers show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Product {
    /// Never used again.
    pub id: u64,
    /// For people.
    pub label: String,
    /// What is sold.
    pub resource_kind: ResourceKind,
    /// How much of the metric one priced unit is.
    pub unit: u64,
    /// What it is measured in, such as GB, MB or Core.
    pub unit_type: String,
    /// Unique in its tenant: the metric that usage is counted by.
    pub external_id: String,
    /// Of what is sold as a package.
    #[schema(required = true)]
    pub package: Option<Package>,
    /// When it was made.
    #[serde(with = "time::rfc3339")]
    #[schema(value_type = DateTime)]
    pub created_at: Timestamp,
    /// When it last changed.
    #[serde(with = "time::rfc3339")]
    #[schema(value_type = DateTime)]
    pub updated_at: Timestamp,
}

/// A product as an admin asks for it.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "documented on Product")]
pub struct ProductDraft {
    #[schema(min_length = 1, max_length = 100)]
    pub label: String,
    pub resource_kind: ResourceKind,
    /// 1 where absent.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000_u64)]
    pub unit: u64,
    /// Empty where absent.
    #[serde(default)]
    #[schema(max_length = 50)]
    pub unit_type: String,
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_][A-Za-z0-9_.:-]*$")]
    pub external_id: String,
    pub package: Option<PackageDraft>,
}

/// Of a unit that nobody named.
pub(crate) fn one() -> u64 {
    1
}

/// What of a product is to change; what only an answer sets is ignored. Of a package, what is absent stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "documented on Product")]
pub struct ProductPatch {
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    pub label: Option<String>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = ResourceKind)]
    pub resource_kind: Option<ResourceKind>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = u64, minimum = 1, maximum = 1_000_000_000_000_000_u64)]
    pub unit: Option<u64>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String, max_length = 50)]
    pub unit_type: Option<String>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_][A-Za-z0-9_.:-]*$")]
    pub external_id: Option<String>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<PackageDraft>, default = json!(null))]
    pub package: Clearable<PackageDraft>,
    #[schema(value_type = Value)]
    pub id: IgnoredAny,
    #[schema(value_type = Value)]
    pub created_at: IgnoredAny,
    #[schema(value_type = Value)]
    pub updated_at: IgnoredAny,
}

impl Product {
    /// The product that a draft asks for. `package_id` numbers its package, if it has one.
    ///
    /// # Errors
    /// Names every field at fault.
    pub fn from_draft(
        id: u64,
        draft: ProductDraft,
        package_id: impl FnOnce() -> u64,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let product = Self {
            id,
            label: draft.label.trim().to_owned(),
            resource_kind: draft.resource_kind,
            unit: draft.unit,
            unit_type: draft.unit_type.trim().to_owned(),
            external_id: draft.external_id,
            package: draft.package.map(|package| package.of(Package::empty(package_id()))),
            created_at: time::whole(now),
            updated_at: time::whole(now),
        };
        product.check()?;
        Ok(product)
    }

    /// The product with the changes made; the same one if nothing changes.
    ///
    /// # Errors
    /// As [`Product::from_draft`].
    pub fn patched(
        &self,
        patch: ProductPatch,
        package_id: impl FnOnce() -> u64,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let mut product = self.clone();
        set(&mut product.label, patch.label.map(|label| label.trim().to_owned()));
        set(&mut product.resource_kind, patch.resource_kind);
        set(&mut product.unit, patch.unit);
        set(&mut product.unit_type, patch.unit_type.map(|unit_type| unit_type.trim().to_owned()));
        set(&mut product.external_id, patch.external_id);
        match patch.package {
            Some(Some(package)) => {
                let before = product.package.take();
                let before = before.unwrap_or_else(|| Package::empty(package_id()));
                product.package = Some(package.of(before));
            }
            Some(None) => product.package = None,
            None => {}
        }
        product.check()?;
        if product != *self {
            product.updated_at = time::whole(now);
        }
        Ok(product)
    }

    /// What of a product changes what things cost, where it differs between two: these stay while a price book
    /// has it, since nobody reviewed the book with others.
    #[must_use]
    pub fn priced_otherwise(&self, other: &Self) -> Option<&'static str> {
        if self.external_id != other.external_id {
            Some("external_id")
        } else if self.unit != other.unit {
            Some("unit")
        } else {
            (self.resource_kind != other.resource_kind).then_some("resource_kind")
        }
    }
}

impl Package {
    fn empty(id: u64) -> Self {
        let (cpu, memory_swap) = (Decimal::ZERO, 0);
        let [memory, storage, bandwidth, local_disk, memory_swappiness, backup] = [0; 6];
        Self {
            id,
            cpu,
            memory,
            storage,
            bandwidth,
            local_disk,
            memory_swap,
            memory_swappiness,
            backup,
        }
    }
}

impl PackageDraft {
    fn of(self, mut package: Package) -> Package {
        set(&mut package.cpu, self.cpu.map(|cpu| cpu.normalize()));
        set(&mut package.memory, self.memory);
        set(&mut package.storage, self.storage);
        set(&mut package.bandwidth, self.bandwidth);
        set(&mut package.local_disk, self.local_disk);
        set(&mut package.memory_swap, self.memory_swap);
        set(&mut package.memory_swappiness, self.memory_swappiness);
        set(&mut package.backup, self.backup);
        package
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_keeps_what_it_does_not_name_and_null_takes_a_package_away() {
        let draft = r#"{"label":"VM","resource_kind":"package","external_id":"vm",
            "package":{"cpu":2,"memory":4}}"#;
        let before = Product::from_draft(
            1,
            serde_json::from_str(draft).unwrap(),
            || 7,
            Timestamp::UNIX_EPOCH,
        );
        let before = before.unwrap();
        let patched = |json: &str| {
            before.patched(serde_json::from_str(json).unwrap(), || 9, Timestamp::UNIX_EPOCH)
        };
        let package = patched(r#"{"package":{"memory":8}}"#).unwrap().package.unwrap();
        assert_eq!((package.id, package.cpu, package.memory), (7, Decimal::TWO, 8));
        assert_eq!(patched(r#"{"id":5,"created_at":"x"}"#).unwrap(), before);
        let other = patched(r#"{"resource_kind":"resource","package":null}"#).unwrap();
        assert_eq!(other.package, None);
        assert_eq!(before.priced_otherwise(&other), Some("resource_kind"));
        assert!(patched(r#"{"package":null}"#).is_err());
        let shown = serde_json::to_string(&before).unwrap();
        assert_eq!(patched(&shown).unwrap(), before, "what was read can be sent back");
    }
}
