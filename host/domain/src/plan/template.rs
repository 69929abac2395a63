//! Template packs: ready-made plans and price books, installed by group.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::catalog::catalog_change::{CatalogChange, CatalogChanges, CatalogKind};
use crate::catalog::catalog_document::CatalogDocument;
use crate::plan::plan_change::PlanPatch;
use crate::plan::plan_id::PlanId;
use crate::plan::{Plan, PlanDraft};
use crate::refusal::{FieldError, Refusal};

/// What a pack says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pack {
    /// What it is installed by.
    pub name: String,
    /// For people.
    pub title: String,
    /// What it can be installed by parts as.
    pub groups: Vec<Group>,
    /// The plan that governs users without a subscription.
    pub default_plan: Option<PlanId>,
}

/// A part of a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What it is asked for by.
    pub name: String,
    /// For people.
    pub title: String,
    /// Whether it is installed where nobody says which groups are.
    pub by_default: bool,
}

/// A plan of a pack. A pack always says which id it is to have, so that it is found again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The same as the draft's.
    pub id: PlanId,
    /// The plan as the pack would make it; without its price book.
    pub draft: PlanDraft,
    /// The name of its price book.
    pub billing_plan: Option<String>,
}

/// What groups of a pack hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Plans.
    pub templates: Vec<Template>,
    /// Regions, products and billing plans, and nothing else.
    pub catalog: CatalogDocument,
}

/// How a pack is installed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(examples(json!({"groups": ["default"], "dry_run": true})))]
pub struct Install {
    /// Which groups; those that the pack installs by default where absent.
    #[schema(min_items = 1)]
    pub groups: Option<Vec<String>>,
    /// Whether plans that are there become what the pack has, under the same rules as a change by hand.
    pub force: bool,
    /// Whether to say what would happen, and do nothing.
    pub dry_run: bool,
}

/// What an installation did, or would do, plan by plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Installation {
    /// Were not there.
    pub created: Vec<Outcome>,
    /// Were there, and are what the pack has now; each has an entry in the audit log, and a new version if it was not
    /// that before.
    pub updated: Vec<Outcome>,
    /// Were left as they are.
    pub skipped: Vec<Outcome>,
    /// Could not be made or changed.
    pub refused: Vec<Outcome>,
    /// The plan that became the tenant's default by this installation.
    #[schema(required = true)]
    pub default_plan: Option<PlanId>,
    /// The same of the pack's regions, products and billing plans: all of them in one commit, or none.
    #[serde(default)]
    pub price_catalog: PricesInstallation,
    /// Whether nothing was done.
    pub dry_run: bool,
}

/// What an installation did, or would do, with regions, products and billing plans.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PricesInstallation {
    /// Were not there.
    pub created: Vec<PricesOutcome>,
    /// Were there, and differed from what the pack has.
    pub updated: Vec<PricesOutcome>,
    /// Were left as they are.
    pub skipped: Vec<PricesOutcome>,
    /// Could not be made or changed.
    pub refused: Vec<PricesOutcome>,
}

/// What became of one region, product or billing plan of a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PricesOutcome {
    /// Which of these it is.
    pub kind: CatalogKind,
    /// Its `name`; a product's `external_id`.
    pub name: String,
    /// A sentence.
    pub reason: String,
    /// What the validation plugins warn of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What is wrong, where it is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// What became of one plan of a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Outcome {
    /// The plan's.
    pub id: PlanId,
    /// A sentence.
    pub reason: String,
    /// What the validation plugins warn of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What is wrong, where it is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl Pack {
    /// The groups to install, each once, in the pack's order.
    ///
    /// # Errors
    /// Names every group that the pack does not have, and a list of none.
    pub fn choose(&self, wanted: Option<&[String]>) -> Result<Vec<String>, Refusal> {
        let Some(wanted) = wanted else {
            let by_default = self.groups.iter().filter(|group| group.by_default);
            return Ok(by_default.map(|group| group.name.clone()).collect());
        };
        let names: Vec<&str> = self.groups.iter().map(|group| group.name.as_str()).collect();
        let there_are = format!("Pack '{}' has the groups {}.", self.name, names.join(", "));
        if wanted.is_empty() {
            let message = format!("groups must name at least one group. {there_are}");
            return Err(Refusal::Invalid(vec![FieldError::new("groups", "empty", &message)]));
        }
        let unknown: Vec<FieldError> = wanted
            .iter()
            .enumerate()
            .filter(|(_, name)| !names.contains(&name.as_str()))
            .map(|(at, name)| {
                let shown: String = name.chars().take(64).collect();
                let message = format!("There is no group '{shown}'. {there_are}");
                FieldError::new(&format!("groups[{at}]"), "unknown_group", &message)
            })
            .collect();
        if !unknown.is_empty() {
            return Err(Refusal::Invalid(unknown));
        }
        let chosen = names.into_iter().filter(|name| wanted.iter().any(|one| one == name));
        Ok(chosen.map(str::to_owned).collect())
    }
}

impl Template {
    /// The patch that makes a plan what the pack has. What a pack cannot know stays: whether the plan is
    /// switched on, its price book where the pack names none, and the operator's own notes. `billing_plan_id` is
    /// the number of the one that it names.
    #[must_use]
    pub fn patch(&self, plan: &Plan, billing_plan_id: Option<u64>) -> PlanPatch {
        let draft = self.draft.clone();
        let mut metadata = plan.metadata.clone();
        metadata.extend(draft.metadata.clone().unwrap_or_default());
        PlanPatch {
            is_active: None,
            metadata: Some(Some(metadata)),
            billing_plan_id: billing_plan_id.map(Some),
            ..draft.into()
        }
    }
}

impl PricesInstallation {
    /// What came of the changes that a pack asked for; `asked` is what was put, of all that it has.
    #[must_use]
    pub fn of(has: &CatalogDocument, asked: &CatalogDocument, changes: &CatalogChanges) -> Self {
        let (mut done, put) = (Self::default(), asked.places());
        for (kind, name) in has.in_order() {
            let is_it = |one: &&CatalogChange| one.kind == kind && one.name == name;
            let created = changes.created.iter().find(is_it);
            let updated = changes.updated.iter().find(is_it);
            let warnings = created.or(updated).map(|one| one.warnings.clone());
            let (list, reason) = match (created, updated) {
                (Some(_), _) => (&mut done.created, "There was none of this name."),
                (_, Some(_)) => (&mut done.updated, "It differed from what the pack has."),
                _ if put.contains_key(&(kind, name.clone())) => {
                    (&mut done.skipped, "It is what the pack has already.")
                }
                _ => (&mut done.skipped, "It is there already. Use force to update it."),
            };
            list.push(PricesOutcome {
                warnings: warnings.unwrap_or_default(),
                ..PricesOutcome::new(kind, name, reason)
            });
        }
        done
    }

    /// What is refused, as all of it is where some of it is.
    #[must_use]
    pub fn refused(has: &CatalogDocument, asked: &CatalogDocument, refusal: &Refusal) -> Self {
        let (mut done, put) = (Self::default(), asked.places());
        for (kind, name) in has.in_order() {
            let Some(at) = put.get(&(kind, name.clone())) else {
                let reason = "It is there already. Use force to update it.";
                done.skipped.push(PricesOutcome::new(kind, name, reason));
                continue;
            };
            let place = format!("{}[{at}]", kind.list());
            let its = |error: FieldError| {
                let field = error.field.strip_prefix(&place)?.trim_start_matches('.').to_owned();
                Some(FieldError { field, ..error })
            };
            let errors: Vec<FieldError> = refusal.fields().into_iter().filter_map(its).collect();
            let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
            let reason = if errors.is_empty() {
                format!("Prices are installed together, and some are refused: {refusal}")
            } else {
                messages.join(" ")
            };
            done.refused.push(PricesOutcome { errors, ..PricesOutcome::new(kind, name, &reason) });
        }
        done
    }
}

impl PricesOutcome {
    fn new(kind: CatalogKind, name: String, reason: &str) -> Self {
        let reason = reason.to_owned();
        Self { kind, name, reason, warnings: Vec::new(), errors: Vec::new() }
    }
}

impl Outcome {
    /// With a reason and nothing else to say.
    #[must_use]
    pub fn new(id: &PlanId, reason: &str) -> Self {
        let reason = reason.to_owned();
        Self { id: id.clone(), reason, warnings: Vec::new(), errors: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn pack() -> Pack {
        let group = |name: &str, by_default| Group {
            name: name.to_owned(),
            title: name.to_owned(),
            by_default,
        };
        Pack {
            name: "tiers".to_owned(),
            title: "Tiers".to_owned(),
            groups: vec![group("a", true), group("b", false), group("c", true)],
            default_plan: None,
        }
    }

    #[test]
    fn groups_are_chosen_by_name_or_by_default() {
        type Names = &'static [&'static str];
        let cases: [(Option<Names>, Result<Names, Names>); 6] = [
            (None, Ok(&["a", "c"])),
            (Some(&["b"]), Ok(&["b"])),
            (Some(&["c", "a", "c"]), Ok(&["a", "c"])),
            (Some(&[]), Err(&["groups"])),
            (Some(&["a", "x"]), Err(&["groups[1]"])),
            (Some(&["", "x"]), Err(&["groups[0]", "groups[1]"])),
        ];
        for (wanted, expected) in cases {
            let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
            let chosen = pack().choose(wanted.map(names).as_deref());
            match (chosen, expected) {
                (Ok(chosen), Ok(expected)) => assert_eq!(chosen, names(expected), "{wanted:?}"),
                (Err(Refusal::Invalid(errors)), Err(fields)) => {
                    let at: Vec<String> = errors.into_iter().map(|error| error.field).collect();
                    assert_eq!(at, names(fields), "{wanted:?}");
                }
                (chosen, _) => panic!("{wanted:?}: {chosen:?}"),
            }
        }
    }

    #[test]
    fn a_plan_becomes_what_the_pack_has_but_for_what_a_pack_cannot_know() {
        let now = Timestamp::UNIX_EPOCH;
        let id = PlanId::new("pro").unwrap();
        let draft = |json: &str| serde_json::from_str::<PlanDraft>(json).unwrap();
        let mine = draft(
            r#"{"name":"Mine","description":"d","price":1,"interval":"year","quotas":{"images":1},
                "is_active":false,"metadata":{"note":"n","promo":"old"},"billing_plan_id":7}"#,
        );
        let theirs = draft(
            r#"{"name":"Pro","name_ru":"Про","price":1490,"interval":"month","is_active":true,
                "quotas":{"requests":5},"features":["f"],"display_order":2,"trial_days":3,
                "metadata":{"promo":"new"},"overage":{"requests":"bill"}}"#,
        );
        let before = Plan::from_draft(id.clone(), mine, now).unwrap();
        let template = Template { id: id.clone(), draft: theirs.clone(), billing_plan: None };
        let after = before.patched(template.patch(&before, None), now).unwrap();
        let expected = Plan {
            is_active: false,
            billing_plan_id: Some(7),
            metadata: [("note", "n"), ("promo", "new")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            version: 2,
            ..Plan::from_draft(id, theirs, now).unwrap()
        };
        assert_eq!(after, expected);
        let again = after.patched(template.patch(&after, None), now).unwrap();
        assert_eq!(again, after, "twice is once");
        let priced = after.patched(template.patch(&after, Some(8)), now).unwrap();
        assert_eq!(priced.billing_plan_id, Some(8), "but the book that the pack names");
    }

    #[test]
    fn prices_are_made_changed_left_or_refused_together() {
        let document = |json: &str| serde_json::from_str::<CatalogDocument>(json).unwrap();
        let has = document(
            r#"{"regions":[{"name":"us"},{"name":"eu"}],
                "products":[{"external_id":"cpu","label":"CPU","resource_kind":"resource"}]}"#,
        );
        let there = document(
            r#"{"regions":[{"name":"eu"}],
                "products":[{"external_id":"cpu","label":"Core","resource_kind":"resource"}]}"#,
        );
        let names = |list: &[PricesOutcome]| {
            list.iter().map(|one| one.name.clone()).collect::<Vec<_>>().join(" ")
        };
        let lists = |done: &PricesInstallation| {
            [&done.created, &done.updated, &done.skipped, &done.refused].map(|list| names(list))
        };
        for (force, expected) in
            [(false, ["us", "", "eu cpu", ""]), (true, ["us", "cpu", "eu", ""])]
        {
            let asked = if force { has.clone() } else { has.without(&there) };
            let mut after = there.clone();
            for region in &asked.regions {
                if !after.regions.contains(region) {
                    after.regions.push(region.clone());
                }
            }
            if force {
                after.products.clone_from(&asked.products);
            }
            let changes = CatalogChanges::between(&there, &after);
            assert_eq!(lists(&PricesInstallation::of(&has, &asked, &changes)), expected, "{force}");
        }
        let error = FieldError::new("products[0].unit", "entry_in_use", "It is priced.");
        let done = PricesInstallation::refused(&has, &has, &Refusal::unfit(error));
        assert_eq!(lists(&done), ["", "", "", "us eu cpu"]);
        assert_eq!(done.refused[2].errors[0].field, "unit");
        assert_eq!(done.refused[2].reason, "It is priced.");
        assert!(done.refused[0].reason.contains("some are refused: It is priced."));
    }
}
