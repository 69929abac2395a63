//! What a product may look like.

use rust_decimal::Decimal;

use super::{Package, Product, ResourceKind};
use crate::refusal::{FieldError, Refusal};
use crate::tenant::read_name;

/// The largest unit, and the largest size of a part of a package.
const LARGEST: u64 = 1_000_000_000_000_000;
const LONGEST_UNIT_TYPE: usize = 50;
const LONGEST_EXTERNAL_ID: usize = 64;

impl Product {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let mut wrong = Vec::new();
        let mut refuse = |field: &str, code: &str, message: &str| {
            wrong.push(FieldError::new(field, code, message));
        };
        if read_name(&self.label).is_err() {
            let message = "label must have 1 to 100 characters that can be seen, none of them a control character.";
            refuse("label", "invalid_label", message);
        }
        if self.unit == 0 || self.unit > LARGEST {
            let message = format!("unit must be more than 0 and at most {LARGEST}.");
            refuse("unit", "out_of_range", &message);
        }
        let unit_type = &self.unit_type;
        if unit_type.chars().count() > LONGEST_UNIT_TYPE || unit_type.contains(char::is_control) {
            let message = "unit_type must have at most 50 characters, none of them a control \
                           character.";
            refuse("unit_type", "invalid_unit_type", message);
        }
        if !is_external_id(&self.external_id) {
            let message = "external_id must have 1 to 64 letters a-z, digits, '_', '-', '.' or ':', \
                           and begin with a letter, a digit or '_'.";
            refuse("external_id", "invalid_external_id", message);
        }
        match (self.resource_kind, &self.package) {
            (ResourceKind::Package, None) => {
                let message =
                    "A product of the kind package needs its package: how much cpu it has.";
                refuse("package", "missing_package", message);
            }
            (ResourceKind::Resource, Some(_)) => {
                let message = "A product of the kind resource has no package: leave it out, or make \
                               the product a package.";
                refuse("package", "unexpected_package", message);
            }
            (ResourceKind::Package, Some(package)) => package.check(&mut refuse),
            (ResourceKind::Resource, None) => {}
        }
        if wrong.is_empty() { Ok(()) } else { Err(Refusal::Unfit(wrong)) }
    }
}

/// Whether a text can be a metric: 1 to 64 letters, digits, `_`, `-`, `.` and `:`, safe in a URL.
#[must_use]
pub fn is_external_id(text: &str) -> bool {
    let fits = (1..=LONGEST_EXTERNAL_ID).contains(&text.len());
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    let begins = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    fits && text.bytes().all(allowed) && text.as_bytes().first().is_some_and(begins)
}

impl Package {
    fn check(&self, refuse: &mut impl FnMut(&str, &str, &str)) {
        let cpu = self.cpu.normalize();
        if cpu <= Decimal::ZERO || cpu > Decimal::from(LARGEST) || cpu.scale() > 6 {
            let message = "package.cpu must be more than 0, with at most 6 digits after the point.";
            refuse("package.cpu", "out_of_range", message);
        }
        for (field, size) in [
            ("package.memory", self.memory),
            ("package.storage", self.storage),
            ("package.bandwidth", self.bandwidth),
            ("package.local_disk", self.local_disk),
            ("package.backup", self.backup),
        ] {
            if size > LARGEST {
                refuse(field, "out_of_range", &format!("{field} must be at most {LARGEST}."));
            }
        }
        if self.memory_swap < -1 || self.memory_swap.unsigned_abs() > LARGEST {
            let message = format!("package.memory_swap must be from -1 to {LARGEST}.");
            refuse("package.memory_swap", "out_of_range", &message);
        }
        if self.memory_swappiness > 100 {
            let message = "package.memory_swappiness must be from 0 to 100.";
            refuse("package.memory_swappiness", "out_of_range", message);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::ProductDraft;
    use super::*;
    use crate::time::Timestamp;

    /// A good product of the kind `resource`, or with a package, changed as a case says.
    fn draft(with_package: bool, change: &Value) -> ProductDraft {
        let mut draft = json!({"label": "CPU", "resource_kind": "resource", "external_id": "cpu"});
        if with_package {
            draft["resource_kind"] = json!("package");
            draft["package"] = json!({"cpu": 1});
        }
        for (field, value) in change.as_object().unwrap() {
            draft[field] = value.clone();
        }
        serde_json::from_str(&draft.to_string()).unwrap()
    }

    #[test]
    fn a_product_says_by_field_what_is_wrong_with_it() {
        for (change, field) in [
            (json!({}), None),
            (json!({"unit": 1_000_000_000_000_000_u64}), None),
            (json!({"unit": 0}), Some("unit")),
            (json!({"unit": 1_000_000_000_000_001_u64}), Some("unit")),
            (json!({"label": " "}), Some("label")),
            (json!({"label": "x".repeat(100)}), None),
            (json!({"label": "x".repeat(101)}), Some("label")),
            (json!({"unit_type": "x".repeat(50)}), None),
            (json!({"unit_type": "x".repeat(51)}), Some("unit_type")),
            (json!({"external_id": "vm.small:eu-1_x"}), None),
            (json!({"external_id": ""}), Some("external_id")),
            (json!({"external_id": "a b"}), Some("external_id")),
            (json!({"external_id": ".cpu"}), Some("external_id")),
            (json!({"external_id": "a/b"}), Some("external_id")),
            (json!({"external_id": "x".repeat(65)}), Some("external_id")),
            (json!({"package": {"cpu": 1}}), Some("package")),
        ] {
            assert_eq!(at_fault(draft(false, &change)), field.as_slice(), "{change}");
        }
        for (package, field) in [
            (Value::Null, Some("package")),
            (json!({"cpu": 0.5}), None),
            (json!({"cpu": 0}), Some("package.cpu")),
            (json!({"cpu": -1}), Some("package.cpu")),
            (json!({"cpu": 0.000_000_1}), Some("package.cpu")),
            (json!({"memory": 1}), Some("package.cpu")),
            (json!({"cpu": 1, "memory_swappiness": 100, "memory_swap": -1}), None),
            (json!({"cpu": 1, "memory_swappiness": 101}), Some("package.memory_swappiness")),
            (json!({"cpu": 1, "memory_swap": -2}), Some("package.memory_swap")),
            (json!({"cpu": 1, "backup": 1_000_000_000_000_001_u64}), Some("package.backup")),
        ] {
            let asked = draft(true, &json!({"package": package}));
            assert_eq!(at_fault(asked), field.as_slice(), "{package}");
        }
    }

    fn at_fault(draft: ProductDraft) -> Vec<String> {
        match Product::from_draft(1, draft, || 2, Timestamp::UNIX_EPOCH) {
            Ok(_) => Vec::new(),
            Err(Refusal::Unfit(errors)) => errors.into_iter().map(|error| error.field).collect(),
            Err(other) => panic!("{other:?}"),
        }
    }
}
