//! What is metered: machines by the hour, and what containers use beside them.

use planwright_sdk::templates::{Machine, Product};
use planwright_sdk::types::Decimal;

/// A thing by its amount.
struct Resource {
    external_id: &'static str,
    label: &'static str,
    unit_type: &'static str,
}

const RESOURCES: [Resource; 5] = [
    Resource { external_id: "cpu_hours", label: "Processor", unit_type: "core hour" },
    Resource { external_id: "memory_gb_hours", label: "Memory", unit_type: "GB hour" },
    Resource { external_id: "storage_gb_hours", label: "Storage", unit_type: "GB hour" },
    Resource { external_id: "traffic_gb", label: "Traffic out", unit_type: "GB" },
    Resource { external_id: "backup_gb", label: "Backups", unit_type: "100 GB" },
];

/// Backups are sold by whole packages of so many GB.
pub(crate) const BACKUP_PACKAGE: i64 = 100;

/// A machine: cores in tenths, memory in MB, storage in GB, and traffic in GB a month.
struct Size {
    external_id: &'static str,
    label: &'static str,
    tenths_of_a_core: i64,
    memory: u64,
    storage: u64,
    bandwidth: u64,
}

const SIZES: [Size; 3] = [
    Size {
        external_id: "vm_small",
        label: "Small machine",
        tenths_of_a_core: 5,
        memory: 1_024,
        storage: 20,
        bandwidth: 1_000,
    },
    Size {
        external_id: "vm_medium",
        label: "Medium machine",
        tenths_of_a_core: 20,
        memory: 4_096,
        storage: 80,
        bandwidth: 3_000,
    },
    Size {
        external_id: "vm_large",
        label: "Large machine",
        tenths_of_a_core: 80,
        memory: 16_384,
        storage: 320,
        bandwidth: 5_000,
    },
];

/// All of them.
pub(crate) fn all() -> Vec<Product> {
    let resources = RESOURCES.iter().map(Resource::product);
    resources.chain(SIZES.iter().map(Size::product)).collect()
}

/// How much of a metric one priced unit is.
pub(crate) fn unit(external_id: &str) -> Decimal {
    let unit = if external_id == "backup_gb" { BACKUP_PACKAGE } else { 1 };
    Decimal { coefficient: unit, scale: 0 }
}

impl Resource {
    fn product(&self) -> Product {
        Product {
            label: self.label.to_owned(),
            kind: "resource".to_owned(),
            unit: unit(self.external_id),
            unit_type: self.unit_type.to_owned(),
            external_id: self.external_id.to_owned(),
            machine: None,
        }
    }
}

impl Size {
    fn product(&self) -> Product {
        Product {
            label: self.label.to_owned(),
            kind: "package".to_owned(),
            unit: unit(self.external_id),
            unit_type: "hour".to_owned(),
            external_id: self.external_id.to_owned(),
            machine: Some(Machine {
                cpu: Decimal { coefficient: self.tenths_of_a_core, scale: 1 },
                memory: self.memory,
                storage: self.storage,
                bandwidth: self.bandwidth,
                local_disk: self.storage,
                memory_swap: 0,
                memory_swappiness: 10,
                backup: 0,
            }),
        }
    }
}
