use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::billing_plan::billing_change::PartNumbers;
use crate::billing_plan::entry::Numbers;
use crate::catalog::catalog_change::CatalogChanges;
use crate::catalog::catalog_document::CatalogDocument;
use crate::time::Timestamp;

fn numbers() -> CatalogNumbers {
    numbers_after(0)
}

fn numbers_after(last: u64) -> CatalogNumbers {
    let after = || Numbers::after(last);
    CatalogNumbers {
        regions: after(),
        products: after(),
        packages: after(),
        billing_plans: after(),
        parts: PartNumbers { resources: after(), phases: after(), prices: after() },
        user_groups: after(),
    }
}

fn later() -> Timestamp {
    Timestamp::from_second(100).unwrap()
}

fn document(json: &Value) -> CatalogDocument {
    serde_json::from_str(&json.to_string()).unwrap_or_else(|no| panic!("{json}: {no}"))
}

fn put(before: &Catalog, json: &Value, prune: bool) -> Result<Catalog, Refusal> {
    before.replaced(document(json), prune, &mut numbers_after(100), later())
}

/// A catalog with one of each kind, and a second region.
fn cloud() -> Catalog {
    let wanted = whole();
    Catalog::default()
        .replaced(document(&wanted), false, &mut numbers(), Timestamp::UNIX_EPOCH)
        .unwrap()
}

fn whole() -> Value {
    json!({
        "regions": [{"name": "us"}, {"name": "eu"}],
        "products": [
            {"external_id": "vm", "label": "VM", "resource_kind": "package", "package": {"cpu": 2}},
            {"external_id": "cpu", "label": "CPU", "resource_kind": "resource", "unit": 1000},
        ],
        "billing_plans": [{"name": "Cloud", "billing_resources": [
            {"product": "vm"},
            {"product": "cpu", "tier_mode": "graduated", "billing_phases": [{
                "phase_type": "final", "billing_resource_prices": [
                    {"currency": "USD", "price": "0.5", "regions": ["us", "eu"]},
                    {"currency": "USD", "max_qty": 10, "price": 1, "regions": ["us", "eu"]},
                ],
            }]},
        ]}],
        "user_groups": [{"name": "staff", "is_default": true, "billing_plan": "Cloud"}],
        "plans": [{
            "id": "pro", "name": "Pro", "price": "490.50", "currency": "RUB", "interval": "month",
            "quotas": {"cpu": 5}, "billing_plan": "Cloud",
        }],
    })
}

#[test]
fn a_document_names_things_in_an_order_of_their_own() {
    let catalog = cloud();
    let shown = CatalogDocument::of(&catalog);
    assert_eq!(shown.regions.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["eu", "us"]);
    let [cpu, vm] = &shown.billing_plans[0].billing_resources[..] else { panic!("{shown:?}") };
    assert_eq!((cpu.product.as_str(), vm.product.as_str()), ("cpu", "vm"));
    let prices = &cpu.billing_phases[0].billing_resource_prices;
    assert_eq!(prices[0].max_qty, Some(10.into()), "a tier without an end is the last");
    assert_eq!(prices[0].regions, ["eu", "us"]);
    assert_eq!(shown.user_groups[0].billing_plan.as_deref(), Some("Cloud"));
    assert_eq!(shown.plans[0].billing_plan.as_deref(), Some("Cloud"));
    // The numbers of both are their own.
    let plan = &catalog.plans[0];
    assert_eq!((plan.billing_plan_id, plan.version), (Some(catalog.billing_plans[0].id), 1));
}

#[test]
fn what_is_as_it_is_wanted_is_left_as_it_is_whatever_its_order() {
    let catalog = cloud();
    let mut numbers = numbers_after(100);
    for wanted in [CatalogDocument::of(&catalog), document(&whole())] {
        for prune in [false, true] {
            let after = catalog.replaced(wanted.clone(), prune, &mut numbers, later()).unwrap();
            assert_eq!(after, catalog);
        }
    }
    let CatalogNumbers { regions, products, packages, billing_plans, parts, user_groups } = numbers;
    for unused in [
        regions,
        products,
        packages,
        billing_plans,
        parts.resources,
        parts.phases,
        parts.prices,
        user_groups,
    ] {
        assert_eq!(unused.taken(), 0);
    }
}

#[test]
fn what_the_document_does_not_have_stays_or_is_pruned() {
    let catalog = cloud();
    let wanted = json!({"regions": [{"name": "eu"}, {"name": "asia"}]});
    let names = |catalog: &Catalog| {
        catalog.regions.iter().map(|one| (one.id, one.name.clone())).collect::<Vec<_>>()
    };
    let kept = put(&catalog, &wanted, false).unwrap();
    let [us, eu, asia] =
        [(1, "us"), (2, "eu"), (101, "asia")].map(|(id, name)| (id, name.to_owned()));
    assert_eq!(names(&kept), [us, eu.clone(), asia.clone()]);
    assert_eq!(kept.plans, catalog.plans);
    let pruned = put(&catalog, &wanted, true).unwrap();
    assert_eq!(names(&pruned), [eu, asia]);
    assert_eq!((pruned.products.len(), pruned.billing_plans.len()), (0, 0));
    assert_eq!((pruned.user_groups.len(), pruned.plans.len()), (0, 0));
}

#[test]
fn what_is_absent_of_a_thing_that_is_there_is_what_it_is_in_a_new_one() {
    let catalog = cloud();
    let wanted = json!({
        "products": [{"external_id": "cpu", "label": "Core", "resource_kind": "resource", "unit": 1000}],
        "user_groups": [{"name": "staff"}],
        "plans": [{"id": "pro", "name": "Pro", "price": 590, "currency": "RUB", "interval": "month"}],
    });
    let after = put(&catalog, &wanted, false).unwrap();
    let cpu = after.products.iter().find(|one| one.external_id == "cpu").unwrap();
    assert_eq!((cpu.label.as_str(), cpu.updated_at), ("Core", later()));
    assert_eq!(
        (after.user_groups[0].is_default, after.user_groups[0].billing_plan_id),
        (false, None)
    );
    let pro = &after.plans[0];
    assert_eq!((pro.quotas.len(), pro.billing_plan_id, pro.version), (0, None, 2));
    // Parts of a billing plan that stay keep their numbers.
    let mut book = whole()["billing_plans"].clone();
    book[0]["billing_resources"][1]["billing_phases"][0]["billing_resource_prices"][1]["price"] =
        json!(2);
    let after = put(&catalog, &json!({"billing_plans": book}), false).unwrap();
    let (was, is) = (&catalog.billing_plans[0], &after.billing_plans[0]);
    assert_eq!((is.id, is.version), (was.id, 2));
    let ids = |plan: &BillingPlan| {
        let phases = plan.resources.iter().flat_map(|one| &one.phases);
        phases.flat_map(|one| &one.prices).map(|one| one.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(is), ids(was));
}

#[test]
fn a_new_default_group_takes_that_from_the_one_that_was() {
    let wanted = json!({"user_groups": [{"name": "guests", "is_default": true}]});
    let after = put(&cloud(), &wanted, false).unwrap();
    let shown = |one: &UserGroup| (one.name.clone(), one.is_default);
    let groups: Vec<_> = after.user_groups.iter().map(shown).collect();
    assert_eq!(groups, [("staff".to_owned(), false), ("guests".to_owned(), true)]);
}

#[test]
fn what_is_wrong_is_named_by_its_place() {
    let plan = |change: Value| {
        let mut plan = whole()["plans"][0].clone();
        for (field, value) in change.as_object().unwrap() {
            plan[field] = value.clone();
        }
        json!({"plans": [plan]})
    };
    let price =
        "billing_plans[0].billing_resources[0].billing_phases[0].billing_resource_prices[0]";
    let book = |price: Value| {
        json!({"billing_plans": [{"name": "Edge", "billing_resources": [{
            "product": "cpu",
            "billing_phases": [{"phase_type": "final", "billing_resource_prices": [price]}],
        }]}]})
    };
    for (wanted, field, code) in [
        (json!({"regions": [{"name": " "}]}), "regions[0].name".to_owned(), "invalid_name"),
        (
            json!({"regions": [{"name": "asia"}, {"name": " asia "}]}),
            "regions[1].name".to_owned(),
            "repeated",
        ),
        (
            json!({"products": [{"external_id": "a b", "label": "A", "resource_kind": "resource"}]}),
            "products[0].external_id".to_owned(),
            "invalid_external_id",
        ),
        (
            book(json!({"currency": "USD", "price": 1, "regions": ["mars"]})),
            format!("{price}.regions[0]"),
            "unknown_name",
        ),
        (
            book(json!({"currency": "USD", "price": -1, "regions": ["eu"]})),
            format!("{price}.price"),
            "negative_price",
        ),
        (
            json!({"user_groups": [{"name": "guests", "billing_plan": "Edge"}]}),
            "user_groups[0].billing_plan".to_owned(),
            "unknown_name",
        ),
        (
            json!({"user_groups": [{"name": "g1", "is_default": true}, {"name": "g2", "is_default": true}]}),
            "user_groups[1].is_default".to_owned(),
            "repeated",
        ),
        (plan(json!({"price": "1.555"})), "plans[0].price".to_owned(), "too_many_digits"),
        (plan(json!({"billing_plan": "Edge"})), "plans[0].billing_plan".to_owned(), "unknown_name"),
    ] {
        match put(&cloud(), &wanted, false) {
            Err(Refusal::Unfit(errors)) => {
                assert_eq!((&errors[0].field, errors[0].code.as_str()), (&field, code), "{wanted}");
            }
            other => panic!("{wanted}: {other:?}"),
        }
    }
    // What is pruned is not there to be named.
    let book = book(json!({"currency": "USD", "price": 1, "regions": ["eu"]}));
    assert!(put(&cloud(), &book, false).is_ok());
    assert!(put(&cloud(), &book, true).is_err());
}

#[test]
fn all_that_is_wrong_is_named_at_once_and_each_mistake_where_it_is() {
    let mut wanted = whole();
    // The second region, the first product and the price book are wrong, and others name them.
    wanted["regions"] = json!([{"name": "us"}, {"name": "eu"}, {"name": "x".repeat(300)}]);
    wanted["products"][0]["package"]["cpu"] = json!(0);
    wanted["billing_plans"][0]["billing_resources"][1]["billing_phases"][0]["billing_resource_prices"]
        [0]["price"] = json!(-1);
    wanted["user_groups"][0]["name"] = json!("x");
    wanted["plans"][0]["price"] = json!("1.555");
    wanted["plans"].as_array_mut().unwrap().push(wanted_twice(&whole()["plans"][0]));
    let refused = put(&Catalog::default(), &wanted, false).unwrap_err();
    let fields: Vec<String> = refused.fields().into_iter().map(|error| error.field).collect();
    let price =
        "billing_plans[0].billing_resources[1].billing_phases[0].billing_resource_prices[0]";
    assert_eq!(
        fields,
        [
            "plans[1].id".to_owned(),
            "regions[2].name".to_owned(),
            "products[0].package.cpu".to_owned(),
            format!("{price}.price"),
            "user_groups[0].name".to_owned(),
            "plans[0].price".to_owned(),
        ]
    );
}

/// The same plan once more, with nothing else wrong.
fn wanted_twice(plan: &Value) -> Value {
    let mut plan = plan.clone();
    plan["name"] = json!("Again");
    plan
}

#[test]
fn billing_plans_that_share_a_name_are_refused_before_anything_else() {
    let mut catalog = cloud();
    catalog.billing_plans.push(BillingPlan { id: 9, ..catalog.billing_plans[0].clone() });
    let refused = put(&catalog, &json!({}), false).unwrap_err();
    assert_eq!(refused.fields()[0].code, "name_shared");
    assert!(refused.to_string().contains("The billing plans 1 and 9"), "{refused}");
}

#[test]
fn a_document_has_an_end() {
    let mut catalog = cloud();
    let phase = &mut catalog.billing_plans[0].resources[1].phases[0];
    phase.prices = vec![phase.prices[0].clone(); 100_000];
    assert_eq!(catalog.must_fit_a_document(), Ok(()));
    catalog.billing_plans.push(catalog.billing_plans[0].clone());
    catalog.billing_plans[1].resources[1].phases[0].prices.truncate(1);
    let refused = catalog.must_fit_a_document().unwrap_err();
    assert_eq!(refused.fields()[0].code, "too_many");
}

/// Choices that make a catalog; all 0 makes an empty one.
struct Dice<'a>(std::slice::Iter<'a, u8>);

impl Dice<'_> {
    fn below(&mut self, most: u8) -> u8 {
        self.0.next().copied().unwrap_or(0) % most
    }

    fn is(&mut self) -> bool {
        self.below(2) == 1
    }

    fn some<'a>(&mut self, of: &[&'a str]) -> Vec<&'a str> {
        of.iter().filter(|_| self.is()).copied().collect()
    }

    fn one_of(&mut self, of: &[Value]) -> Value {
        let place = self.below(u8::try_from(of.len() + 1).unwrap());
        of.get(usize::from(place)).cloned().unwrap_or_default()
    }

    fn prices(&mut self, regions: &[&str]) -> Value {
        let mut prices = Vec::new();
        for currency in self.some(&["USD", "JPY"]) {
            for max_qty in [json!(null), json!("10.50"), json!(1000)] {
                let mut named = self.some(regions);
                if !named.is_empty() {
                    let by = usize::from(self.below(3)) % named.len();
                    named.rotate_left(by);
                    let price = format!("0.{}", self.below(250));
                    prices.push(json!({"currency": currency, "max_qty": max_qty, "price": price, "regions": named}));
                }
            }
        }
        prices.into()
    }

    fn billing_plan(&mut self, name: &str, products: &[&str], regions: &[&str]) -> Value {
        let mut resources = Vec::new();
        for product in self.some(products) {
            let mut phases = Vec::new();
            for phase in self.some(&["final", "discount", "trial"]) {
                let mut phase = json!({
                    "phase_type": phase, "duration_unit": "days", "duration_qty": 1 + self.below(9),
                    "billing_resource_prices": self.prices(regions),
                });
                if phase["phase_type"] == "final" {
                    phase["duration_unit"] = json!(null);
                    phase["duration_qty"] = json!(null);
                }
                phases.push(phase);
            }
            let mode = ["volume", "graduated", "per-package"][usize::from(self.below(3))];
            resources
                .push(json!({"product": product, "tier_mode": mode, "billing_phases": phases}));
        }
        json!({"name": name, "billing_resources": resources})
    }

    fn catalog(&mut self) -> CatalogDocument {
        let regions = self.some(&["us", "eu", "Юг"]);
        let products = self.some(&["vm", "cpu", "disk"]);
        let books = self.some(&["Cloud", "Edge"]);
        let named: Vec<Value> = books.iter().map(|name| json!(name)).collect();
        let default = self.one_of(&[json!("staff"), json!("guests")]);
        let kind = |product: &str| if product == "vm" { "package" } else { "resource" };
        let json = json!({
            "regions": regions.iter().map(|name| json!({"name": name})).collect::<Vec<_>>(),
            "products": products.iter().map(|id| json!({
                "external_id": id, "label": format!("{id} {}", self.below(3)), "resource_kind": kind(id),
                "unit": 1 + u64::from(self.below(3)),
                "package": if *id == "vm" { json!({"cpu": "0.50", "memory": self.below(9)}) } else { json!(null) },
            })).collect::<Vec<_>>(),
            "billing_plans": books.iter().map(|name| self.billing_plan(name, &products, &regions)).collect::<Vec<_>>(),
            "user_groups": self.some(&["staff", "guests"]).into_iter().map(|name| json!({
                "name": name, "is_default": default == name, "billing_plan": self.one_of(&named),
            })).collect::<Vec<_>>(),
            "plans": self.some(&["pro", "free"]).into_iter().map(|id| json!({
                "id": id, "name": id, "price": format!("{}.50", self.below(99)), "currency": "RUB",
                "interval": "month", "quotas": {"requests": self.below(9)}, "is_active": self.is(),
                "features": self.some(&["a", "b"]), "billing_plan": self.one_of(&named),
                "trial_days": self.below(9), "metadata": {"note": format!("{}", self.below(3))},
            })).collect::<Vec<_>>(),
        });
        document(&json)
    }
}

proptest! {
    /// Put into an empty tenant, a catalog is the same there; put in the place of another one, it differs from it by
    /// what was told; and then there is nothing to do.
    #[test]
    fn a_catalog_is_the_same_elsewhere(
        one in prop::collection::vec(any::<u8>(), 0..160),
        other in prop::collection::vec(any::<u8>(), 0..160),
    ) {
        let (one, other) = (Dice(one.iter()).catalog(), Dice(other.iter()).catalog());
        let mut numbers = numbers();
        let first = Catalog::default().replaced(one, true, &mut numbers, later()).unwrap();
        let shown = CatalogDocument::of(&first);
        let elsewhere = Catalog::default()
            .replaced(shown.clone(), false, &mut numbers_after(1000), later())
            .unwrap();
        prop_assert_eq!(&CatalogDocument::of(&elsewhere), &shown);

        let second = first.replaced(other.clone(), true, &mut numbers, later()).unwrap();
        let fresh = Catalog::default().replaced(other, true, &mut numbers_after(2000), later()).unwrap();
        let wanted = CatalogDocument::of(&second);
        prop_assert_eq!(&wanted, &CatalogDocument::of(&fresh));
        prop_assert_eq!(CatalogChanges::between(&shown, &wanted).is_nothing(), first == second);

        let again = second.replaced(wanted, true, &mut numbers, later()).unwrap();
        prop_assert_eq!(again, second);
    }
}
