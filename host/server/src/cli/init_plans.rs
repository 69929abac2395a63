//! `planwright init-plans`

use clap::Args;
use planwright_domain::plan::template::{Install, Installation, Outcome, PricesOutcome};
use planwright_domain::tenant::caller::TenantId;
use planwright_service::plans::template_packs;
use reqwest::Method;

use super::Failure;
use super::out::{print, print_line};
use super::place::{Found, Place};
use super::remote::Ask;

pub(super) const EXAMPLES: &str = "\
Examples:
  planwright init-plans --server http://127.0.0.1:8080 --token \"$TOKEN\"
  planwright init-plans --include-annual --include-promo --dry-run
  PLANWRIGHT_URL=http://127.0.0.1:8080 PLANWRIGHT_TOKEN=$TOKEN planwright init-plans --force

With --server (or PLANWRIGHT_URL) it asks a running server, for the token's tenant. Otherwise
it works on the data folder itself, which no server may be using then, for the tenant 'default'.";

/// The pack that the command installs, and its groups.
const PACK: &str = "saas-tiers";
const DEFAULT: &str = "default";
const ANNUAL: &str = "annual";
const PROMO: &str = "promo";

#[derive(Args)]
pub(super) struct Arguments {
    /// Install the annual plans, too.
    #[arg(long)]
    include_annual: bool,
    /// Install the promotional plans, too.
    #[arg(long)]
    include_promo: bool,
    /// Update plans that are there, under the same rules as by hand.
    #[arg(long)]
    force: bool,
    /// Say what would happen, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let done = install(arguments)?;
    tell(&done, arguments.json)
}

/// Shows what an installation did. What was refused is a failure of the command.
pub(super) fn tell(done: &Installation, json: bool) -> Result<(), Failure> {
    show(done, json)?;
    if !done.price_catalog.refused.is_empty() {
        return Err("the pack's prices were refused; the reasons are above".into());
    }
    match done.refused.len() {
        0 => Ok(()),
        1 => Err("1 plan was refused; the reason is above".into()),
        many => Err(format!("{many} plans were refused; the reasons are above").into()),
    }
}

fn install(arguments: &Arguments) -> Result<Installation, Failure> {
    let groups =
        [(DEFAULT, true), (ANNUAL, arguments.include_annual), (PROMO, arguments.include_promo)];
    let groups = groups.into_iter().filter(|(_, wanted)| *wanted).map(|(name, _)| name.to_owned());
    let install = Install {
        groups: Some(groups.collect()),
        force: arguments.force,
        dry_run: arguments.dry_run,
    };
    match arguments.place.find()? {
        Found::Server(server) => {
            let answer = server.ask(Ask {
                method: Method::POST,
                path: &["template-packs", PACK, "install"],
                tenant: None,
                body: Some(serde_json::to_value(&install)?),
                query: None,
            })?;
            Ok(serde_json::from_value(answer)?)
        }
        Found::Folder(folder) => {
            let tenant = TenantId::default();
            folder.work("init-plans", &tenant, None, async |app, by| {
                template_packs::install(app, by, PACK, &install).await
            })
        }
    }
}

fn show(done: &Installation, json: bool) -> Result<(), Failure> {
    if json {
        return print_line(&serde_json::to_string_pretty(done)?);
    }
    print(&report(done))
}

/// A line for each thing, and a summary of the plans.
fn report(done: &Installation) -> String {
    let prices = &done.price_catalog;
    let mut report = String::new();
    for (what, list) in [
        ("created", &prices.created),
        ("updated", &prices.updated),
        ("skipped", &prices.skipped),
        ("refused", &prices.refused),
    ] {
        for PricesOutcome { kind, name, reason, warnings, .. } in list {
            let warnings: String =
                warnings.iter().map(|text| format!(" Warning: {text}")).collect();
            report += &format!("{what}  {} {name}: {reason}{warnings}\n", kind.noun());
        }
    }
    let lists = [
        ("created", &done.created),
        ("updated", &done.updated),
        ("skipped", &done.skipped),
        ("refused", &done.refused),
    ];
    let width = lists.iter().flat_map(|(_, plans)| *plans).map(|plan| plan.id.as_str().len()).max();
    let width = width.unwrap_or(0);
    let line = |what: &str, Outcome { id, reason, warnings, .. }: &Outcome| {
        let warnings: String = warnings.iter().map(|text| format!(" Warning: {text}")).collect();
        format!("{what}  {:width$}  {reason}{warnings}\n", id.as_str())
    };
    report.extend(lists.iter().flat_map(|(what, plans)| plans.iter().map(|plan| line(what, plan))));
    let counts = lists.map(|(what, plans)| format!("{} {what}", plans.len()));
    report += &format!("{}.\n", counts.join(", "));
    if let Some(id) = &done.default_plan {
        report += &format!("The default plan, for users without a subscription, is '{id}'.\n");
    }
    if done.dry_run {
        report += "This was a dry run: nothing was changed.\n";
    }
    report
}

#[cfg(test)]
mod tests {
    use planwright_domain::plan::plan_id::PlanId;

    use super::*;

    #[test]
    fn a_report_has_a_line_for_each_plan_and_a_summary() {
        let outcome = |id: &str, reason: &str| Outcome::new(&PlanId::new(id).unwrap(), reason);
        let warned = Outcome { warnings: vec!["Dear.".to_owned()], ..outcome("pro", "New.") };
        let done = Installation {
            created: vec![outcome("starter", "New."), warned],
            refused: vec![outcome("free", "No.")],
            default_plan: PlanId::new("pro").ok(),
            dry_run: true,
            ..Installation::default()
        };
        assert_eq!(
            report(&done),
            "created  starter  New.\n\
             created  pro      New. Warning: Dear.\n\
             refused  free     No.\n\
             2 created, 0 updated, 0 skipped, 1 refused.\n\
             The default plan, for users without a subscription, is 'pro'.\n\
             This was a dry run: nothing was changed.\n"
        );
    }
}
