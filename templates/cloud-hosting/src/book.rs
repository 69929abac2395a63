//! The price book. Prices are in ten-thousandths of a dollar; euros cost a tenth less, and the second region a quarter
//! more.

use planwright_sdk::price_book::{BillingPlan, MeteredResource, Phase, Price};
use planwright_sdk::types::Decimal;

use crate::products::unit;
use crate::{BOOK, REGIONS};

/// Digits after the point of the prices here.
const SCALE: u8 = 9;

/// Ten-thousandths of a dollar for each unit up to an end; none is without one.
type Tiers = &'static [(Option<i64>, i64)];

/// What a product costs in the end, and how it begins.
struct Line {
    product: &'static str,
    tier_mode: &'static str,
    tiers: Tiers,
    beginning: Beginning,
}

/// What comes before the final prices.
enum Beginning {
    /// A week for nothing, then three months at half the price.
    Eased,
    /// Nothing.
    AtOnce,
}

const LINES: [Line; 8] = [
    Line {
        product: "cpu_hours",
        tier_mode: "graduated",
        tiers: &[(Some(1_000), 200), (Some(10_000), 160), (None, 120)],
        beginning: Beginning::Eased,
    },
    Line {
        product: "memory_gb_hours",
        tier_mode: "graduated",
        tiers: &[(Some(2_000), 60), (None, 48)],
        beginning: Beginning::Eased,
    },
    // One GB all month is free; whoever stores more pays for all of it.
    Line {
        product: "storage_gb_hours",
        tier_mode: "volume",
        tiers: &[(Some(730), 0), (None, 2)],
        beginning: Beginning::AtOnce,
    },
    // The first 100 GB are free.
    Line {
        product: "traffic_gb",
        tier_mode: "graduated",
        tiers: &[(Some(100), 0), (Some(10_000), 100), (None, 60)],
        beginning: Beginning::AtOnce,
    },
    // By packages of 100 GB; one that is begun counts.
    Line {
        product: "backup_gb",
        tier_mode: "per-package",
        tiers: &[(None, 20_000)],
        beginning: Beginning::AtOnce,
    },
    Line {
        product: "vm_small",
        tier_mode: "volume",
        tiers: &[(None, 80)],
        beginning: Beginning::Eased,
    },
    Line {
        product: "vm_medium",
        tier_mode: "volume",
        tiers: &[(None, 320)],
        beginning: Beginning::Eased,
    },
    Line {
        product: "vm_large",
        tier_mode: "volume",
        tiers: &[(None, 1_280)],
        beginning: Beginning::Eased,
    },
];

/// What of a hundredth a currency and a region make of a price.
const EVERYWHERE: [(&str, i64, &str, i64); 4] = [
    ("USD", 100, REGIONS[0], 100),
    ("USD", 100, REGIONS[1], 125),
    ("EUR", 90, REGIONS[0], 100),
    ("EUR", 90, REGIONS[1], 125),
];

/// All of it.
pub(crate) fn cloud() -> BillingPlan {
    BillingPlan { name: BOOK.to_owned(), resources: LINES.iter().map(Line::resource).collect() }
}

impl Line {
    fn resource(&self) -> MeteredResource {
        let mut phases = Vec::new();
        if matches!(self.beginning, Beginning::Eased) {
            phases.push(self.phase("trial", Some(("days", 7)), 0));
            phases.push(self.phase("discount", Some(("months", 3)), 50));
        }
        phases.push(self.phase("final", None, 100));
        MeteredResource {
            product: self.product.to_owned(),
            unit: unit(self.product),
            tier_mode: self.tier_mode.to_owned(),
            phases,
        }
    }

    /// `percent` is of the final prices. Where all is free, there is one tier.
    fn phase(&self, kind: &str, duration: Option<(&str, u32)>, percent: i64) -> Phase {
        const FREE: Tiers = &[(None, 0)];
        let tiers = if percent == 0 { FREE } else { self.tiers };
        let prices = EVERYWHERE.iter().flat_map(|(currency, rate, region, factor)| {
            tiers.iter().map(move |(end, price)| Price {
                currency: (*currency).to_owned(),
                max_quantity: end.map(|end| Decimal { coefficient: end, scale: 0 }),
                // Of ten thousand and three times of a hundred: ten digits, of which the last is always 0.
                amount: Decimal { coefficient: price * percent * rate * factor / 10, scale: SCALE },
                regions: vec![(*region).to_owned()],
            })
        });
        Phase {
            kind: kind.to_owned(),
            duration_unit: duration.map(|(unit, _)| unit.to_owned()),
            duration_quantity: duration.map(|(_, quantity)| quantity),
            prices: prices.collect(),
        }
    }
}
