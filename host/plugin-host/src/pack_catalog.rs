//! What a template pack holds besides plans: regions, products and price books, as a catalog's document has them. A
//! pack comes from anybody, so that every count and length is looked at here; what each may be is for the rules.

use std::collections::BTreeMap;

use planwright_domain::billing_plan::billing_document::{
    PhaseDocument, PlanDocument, PriceDocument, ResourceDocument,
};
use planwright_domain::billing_plan::product::ResourceKind;
use planwright_domain::billing_plan::{
    DurationUnit, MOST_PRICES, MOST_RESOURCES, PhaseType, TierMode,
};
use planwright_domain::catalog::catalog_document::{
    CatalogDocument, CatalogPackage, CatalogProduct, CatalogRegion,
};
use planwright_domain::money::Currency;
use rust_decimal::prelude::ToPrimitive;

use crate::contract::exports::planwright::plugin::templates as wit;
use crate::contract::planwright::plugin::price_book as wit_book;
use crate::convert::read_decimal;
use crate::pack_text::{check_count, once_each, shown};

const REGIONS: usize = 200;
const PRODUCTS: usize = 500;
const BILLING_PLANS: usize = 50;

/// The catalog that a pack proposes; it has no groups and no plans.
pub(crate) fn read(
    regions: Vec<String>,
    products: Vec<wit::Product>,
    billing_plans: Vec<wit_book::BillingPlan>,
    text_bytes: usize,
) -> Result<CatalogDocument, String> {
    check_count("regions", regions.len(), REGIONS)?;
    check_count("products", products.len(), PRODUCTS)?;
    check_count("billing plans", billing_plans.len(), BILLING_PLANS)?;
    let units: BTreeMap<String, u64> = products
        .iter()
        .map(|product| Ok((product.external_id.clone(), unit(product)?)))
        .collect::<Result<_, String>>()?;
    let reading = Reading { text_bytes, units };
    let region = |name| Ok(CatalogRegion { name: reading.text(name)? });
    Ok(CatalogDocument {
        regions: regions.into_iter().map(region).collect::<Result<_, String>>()?,
        products: products
            .into_iter()
            .map(|product| reading.product(product))
            .collect::<Result<_, _>>()?,
        billing_plans: billing_plans
            .into_iter()
            .map(|plan| reading.billing_plan(plan))
            .collect::<Result<_, _>>()?,
        ..CatalogDocument::default()
    })
}

/// The name of each plan's price book.
pub(crate) fn books_of_plans(
    priced: Vec<wit::PricedPlan>,
    text_bytes: usize,
) -> Result<BTreeMap<String, String>, String> {
    let reading = Reading { text_bytes, units: BTreeMap::new() };
    once_each(priced.into_iter().map(|one| Ok((one.plan, reading.text(one.billing_plan)?))))
}

/// A whole number of the metric.
fn unit(product: &wit::Product) -> Result<u64, String> {
    let id = shown(&product.external_id);
    let unit = read_decimal("a unit", product.unit)?;
    let whole = unit.to_u64().filter(|_| unit.is_integer());
    whole.ok_or_else(|| format!("the unit of '{id}' is {unit}, and a unit is a whole number"))
}

/// What is read, and within which bounds.
struct Reading {
    text_bytes: usize,
    /// Of the pack's own products.
    units: BTreeMap<String, u64>,
}

impl Reading {
    fn text(&self, text: String) -> Result<String, String> {
        if text.len() <= self.text_bytes {
            return Ok(text);
        }
        Err(format!("a text has {} bytes, and {} are allowed", text.len(), self.text_bytes))
    }

    fn product(&self, product: wit::Product) -> Result<CatalogProduct, String> {
        let unit = unit(&product)?;
        let kind = self.text(product.kind)?;
        let package = product.machine.map(|machine| {
            Ok::<_, String>(CatalogPackage {
                cpu: read_decimal("a machine's cpu", machine.cpu)?,
                memory: machine.memory,
                storage: machine.storage,
                bandwidth: machine.bandwidth,
                local_disk: machine.local_disk,
                memory_swap: machine.memory_swap,
                memory_swappiness: machine.memory_swappiness,
                backup: machine.backup,
            })
        });
        Ok(CatalogProduct {
            external_id: self.text(product.external_id)?,
            label: self.text(product.label)?,
            resource_kind: ResourceKind::try_from(kind)?,
            unit,
            unit_type: self.text(product.unit_type)?,
            package: package.transpose()?,
        })
    }

    fn billing_plan(&self, plan: wit_book::BillingPlan) -> Result<PlanDocument, String> {
        let name = self.text(plan.name)?;
        check_count("products in a billing plan", plan.resources.len(), MOST_RESOURCES)?;
        let phases = plan.resources.iter().flat_map(|one| &one.phases);
        let prices = phases.map(|phase| phase.prices.len()).sum();
        check_count("prices in a billing plan", prices, MOST_PRICES)?;
        let resources = plan.resources.into_iter().map(|resource| {
            let id = shown(&resource.product);
            self.resource(resource).map_err(|reason| format!("'{id}': {reason}"))
        });
        Ok(PlanDocument { name, billing_resources: resources.collect::<Result<_, _>>()? })
    }

    fn resource(&self, resource: wit_book::MeteredResource) -> Result<ResourceDocument, String> {
        let unit = read_decimal("the unit", resource.unit)?;
        // Of a product of the tenant's, nobody knows here what it should be.
        if let Some(own) = self.units.get(&resource.product)
            && unit != (*own).into()
        {
            return Err(format!("it is priced by the unit {unit}, and the product's is {own}"));
        }
        let mode = self.text(resource.tier_mode)?;
        let phases = resource.phases.into_iter().map(|phase| self.phase(phase));
        Ok(ResourceDocument {
            product: self.text(resource.product)?,
            external_id: None,
            tier_mode: TierMode::try_from(mode)?,
            billing_phases: phases.collect::<Result<_, _>>()?,
        })
    }

    fn phase(&self, phase: wit_book::Phase) -> Result<PhaseDocument, String> {
        let unit = phase.duration_unit.map(|unit| DurationUnit::try_from(self.text(unit)?));
        let prices = phase.prices.into_iter().map(|price| self.price(price));
        Ok(PhaseDocument {
            phase_type: PhaseType::try_from(self.text(phase.kind)?)?,
            duration_unit: unit.transpose()?,
            duration_qty: phase.duration_quantity,
            billing_resource_prices: prices.collect::<Result<_, _>>()?,
        })
    }

    fn price(&self, price: wit_book::Price) -> Result<PriceDocument, String> {
        let code = shown(&price.currency);
        let currency = Currency::from_code(&price.currency)
            .ok_or_else(|| format!("'{code}' is not an ISO 4217 currency code"))?;
        let end = price.max_quantity.map(|end| read_decimal("the end of a tier", end));
        let regions = price.regions.into_iter().map(|region| self.text(region));
        Ok(PriceDocument {
            currency,
            max_qty: end.transpose()?,
            price: read_decimal("a price", price.amount)?,
            regions: regions.collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::planwright::plugin::types::Decimal;

    fn decimal(coefficient: i64, scale: u8) -> Decimal {
        Decimal { coefficient, scale }
    }

    fn product() -> wit::Product {
        wit::Product {
            label: "VM".to_owned(),
            kind: "package".to_owned(),
            unit: decimal(10, 0),
            unit_type: "hour".to_owned(),
            external_id: "vm".to_owned(),
            machine: Some(wit::Machine {
                cpu: decimal(5, 1),
                memory: 512,
                storage: 10,
                bandwidth: 0,
                local_disk: 0,
                memory_swap: -1,
                memory_swappiness: 60,
                backup: 0,
            }),
        }
    }

    fn book() -> wit_book::BillingPlan {
        wit_book::BillingPlan {
            name: "Cloud".to_owned(),
            resources: vec![wit_book::MeteredResource {
                product: "vm".to_owned(),
                unit: decimal(10, 0),
                tier_mode: "per-package".to_owned(),
                phases: vec![wit_book::Phase {
                    kind: "trial".to_owned(),
                    duration_unit: Some("days".to_owned()),
                    duration_quantity: Some(7),
                    prices: vec![wit_book::Price {
                        currency: "USD".to_owned(),
                        max_quantity: Some(decimal(100, 0)),
                        amount: decimal(15, 3),
                        regions: vec!["eu".to_owned()],
                    }],
                }],
            }],
        }
    }

    #[test]
    fn a_price_book_crosses_whole() {
        let read = read(vec!["eu".to_owned()], vec![product()], vec![book()], 100).unwrap();
        assert_eq!(read.regions[0].name, "eu");
        let vm = CatalogProduct {
            external_id: "vm".to_owned(),
            label: "VM".to_owned(),
            resource_kind: ResourceKind::Package,
            unit: 10,
            unit_type: "hour".to_owned(),
            package: Some(CatalogPackage {
                cpu: "0.5".parse().unwrap(),
                memory: 512,
                storage: 10,
                bandwidth: 0,
                local_disk: 0,
                memory_swap: -1,
                memory_swappiness: 60,
                backup: 0,
            }),
        };
        assert_eq!(read.products, [vm]);
        let resource = ResourceDocument {
            product: "vm".to_owned(),
            external_id: None,
            tier_mode: TierMode::PerPackage,
            billing_phases: vec![PhaseDocument {
                phase_type: PhaseType::Trial,
                duration_unit: Some(DurationUnit::Days),
                duration_qty: Some(7),
                billing_resource_prices: vec![PriceDocument {
                    currency: Currency::USD,
                    max_qty: Some(100.into()),
                    price: "0.015".parse().unwrap(),
                    regions: vec!["eu".to_owned()],
                }],
            }],
        };
        let cloud = PlanDocument { name: "Cloud".to_owned(), billing_resources: vec![resource] };
        assert_eq!(read.billing_plans, [cloud]);
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_name() {
        type Edit = fn(&mut wit::Product, &mut wit_book::BillingPlan);
        let cases: [(Edit, &str); 10] = [
            (|vm, _| vm.unit = decimal(5, 1), "the unit of 'vm' is 0.5"),
            (|vm, _| vm.unit = decimal(-1, 0), "the unit of 'vm' is -1"),
            (|vm, _| vm.kind = "machine".to_owned(), "'machine' is not one of"),
            (|vm, _| vm.label = "x".repeat(101), "a text has 101 bytes"),
            (|vm, _| vm.unit = decimal(20, 0), "'vm': it is priced by the unit 10"),
            (|_, book| book.name = "x".repeat(101), "a text has 101 bytes"),
            (|_, book| book.resources[0].tier_mode = "flat".to_owned(), "'vm': 'flat' is not"),
            (|_, book| book.resources[0].phases[0].kind = "sale".to_owned(), "'sale' is not"),
            (
                |_, book| book.resources[0].phases[0].prices[0].currency = "usd".to_owned(),
                "'usd' is not an ISO",
            ),
            (
                |_, book| {
                    book.resources[0].phases = vec![book.resources[0].phases[0].clone(); 10_001];
                },
                "10001 prices in a billing plan",
            ),
        ];
        for (edit, part) in cases {
            let (mut product, mut book) = (product(), book());
            edit(&mut product, &mut book);
            let reason = read(Vec::new(), vec![product], vec![book], 100).unwrap_err();
            assert!(reason.contains(part), "{part}: {reason}");
        }
        let many = read(vec![String::new(); 201], Vec::new(), Vec::new(), 100).unwrap_err();
        assert_eq!(many, "201 regions, and 200 are allowed");
    }
}
