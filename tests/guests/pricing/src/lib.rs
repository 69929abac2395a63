//! A pricing plugin that prices usage as its settings say: `{"behaviour":"flat"}`. With `{}` a line costs 1, whatever
//! it is.
#![forbid(unsafe_code)]

use planwright_sdk::pricing::{
    Charge, FeeItem, FeeQuestion, Line, Step, UsageQuestion, UsageRefusal,
};
use planwright_sdk::types::Decimal;
use planwright_sdk::{Plugin, Pricing, Refusal};
use serde::Deserialize;

/// What the plugin is told to do.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Settings {
    behaviour: Behaviour,
}

/// In settings: the names in kebab case.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Behaviour {
    /// A line costs 1.
    #[default]
    Flat,
    /// Refuses the last line.
    RefuseLast,
    /// Refuses a line that nobody asked about.
    RefuseOther,
    /// Leaves a charge out.
    Short,
    /// Gives the charges in another order.
    Swap,
    /// Gives money back.
    Negative,
    /// Charges less than a cent.
    Fine,
    /// Charges by a phase that does not hold.
    OtherPhase,
    /// Explains a charge in a million steps.
    Flood,
    /// Panics.
    Panic,
    /// Panics where more than ten of something was used.
    PanicPastTen,
    /// The first line costs what all lines used, the others nothing.
    Together,
}

/// The plugin.
pub struct AsTold;

impl Plugin for AsTold {
    type Settings = Settings;
}

impl Pricing for AsTold {
    fn price_fee(_: &Settings, question: &FeeQuestion) -> Result<Vec<FeeItem>, Refusal> {
        let (kind, amount) = ("fee".to_owned(), question.plan.price);
        Ok(vec![FeeItem { kind, amount, steps: Vec::new() }])
    }

    fn price_usage(
        settings: &Settings,
        question: &UsageQuestion,
    ) -> Result<Vec<Charge>, UsageRefusal> {
        let no = || Refusal::new("as_told", "This line is refused, as asked.");
        let mut charges: Vec<Charge> = question.lines.iter().map(one).collect();
        match settings.behaviour {
            Behaviour::Flat => {}
            Behaviour::RefuseLast => {
                let last = question.lines.last().map_or(0, |line| line.reference);
                return Err(no().of_line(last));
            }
            Behaviour::RefuseOther => return Err(no().of_line(4_000)),
            Behaviour::Short => {
                charges.pop();
            }
            Behaviour::Swap => charges.reverse(),
            Behaviour::Negative => charges.iter_mut().for_each(|one| one.amount.coefficient = -1),
            Behaviour::Fine => charges.iter_mut().for_each(|one| one.amount.scale = 3),
            Behaviour::OtherPhase => {
                charges.iter_mut().for_each(|one| one.phase = "discount".to_owned());
            }
            Behaviour::Flood => {
                charges.iter_mut().for_each(|one| one.steps = vec![step(); 1_000_000]);
            }
            Behaviour::Panic => panic!("asked to panic"),
            Behaviour::PanicPastTen => {
                assert!(used(question).all(|whole| whole <= 10), "asked to panic past ten");
            }
            Behaviour::Together => {
                let all = used(question).sum();
                for (place, one) in charges.iter_mut().enumerate() {
                    one.amount.coefficient = if place == 0 { all } else { 0 };
                }
            }
        }
        Ok(charges)
    }
}

planwright_sdk::export_pricing!(AsTold);

/// Whole quantities, line by line.
fn used(question: &UsageQuestion) -> impl Iterator<Item = i64> {
    let whole = |of: Decimal| of.coefficient / 10_i64.pow(of.scale.into());
    question.lines.iter().map(move |line| whole(line.quantity))
}

const ONE: Decimal = Decimal { coefficient: 1, scale: 0 };

fn one(line: &Line) -> Charge {
    let phase = line.phases.first().map_or_else(String::new, |phase| phase.kind.clone());
    Charge { reference: line.reference, phase, amount: ONE, steps: vec![step()] }
}

fn step() -> Step {
    Step { quantity: ONE, unit_price: ONE, amount: ONE, note: "as told".to_owned() }
}
