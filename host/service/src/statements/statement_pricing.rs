//! Asking what metered usage costs: the segments of a window by their price books, in as few questions as can be.

use std::collections::BTreeMap;
use std::sync::Arc;

use planwright_domain::Refusal;
use planwright_domain::billing_plan::charge::{
    Charge, MOST_LINES, UsageLine, UsageQuestion, UsageRefusal,
};
use planwright_domain::billing_plan::quote::QuotePlugin;
use planwright_domain::billing_plan::region::Region;
use planwright_domain::money::Currency;
use planwright_domain::period::Window;
use planwright_domain::plan::review::ReviewContext;
use planwright_domain::refusal::FieldError;
use planwright_domain::statement::asked::{Asked, Pricer};
use planwright_domain::statement::segment::{Quantities, Segment};
use planwright_domain::tenant::caller::TenantId;
use planwright_domain::usage::quantity::Quantity;
use planwright_plugin_host::Plugin;
use planwright_store::{Store, StoreError};

use crate::app::App;
use crate::billing_plans::book_cache::Book;
use crate::billing_plans::entry_records;
use crate::billing_plans::price_books::Standing;
use crate::error::Error;
use crate::keys::Keys;

/// What is put to the plugin of one user, and who the user is.
pub(crate) struct Pricing<'a, S: Store> {
    pub(crate) app: &'a App<S>,
    pub(crate) snapshot: &'a S::Snapshot,
    pub(crate) tenant: &'a TenantId,
    pub(crate) user_id: &'a str,
    pub(crate) standing: Standing,
    /// Of those that may price the user's usage the one of now.
    pub(crate) book_of_now: Option<u64>,
    pub(crate) changes: i64,
    pub(crate) plugin: Arc<Plugin>,
    pub(crate) pricer: Pricer,
}

/// A question with its answer.
pub(crate) type AskedUsage = Asked<UsageQuestion, Vec<Charge>>;

/// What a segment costs.
pub(crate) struct Priced {
    pub(crate) quantity: Quantity,
    pub(crate) charge: Charge,
    /// What is used, for people.
    pub(crate) label: String,
    /// By name.
    pub(crate) region: Option<String>,
    /// Which of the questions, and which line of it.
    pub(crate) at: (usize, usize),
    /// Who has calculated it.
    pub(crate) plugin: QuotePlugin,
}

/// A line on its way into a question.
struct Line {
    segment: Segment,
    quantity: Quantity,
    label: String,
    line: UsageLine,
}

impl<S: Store> Pricing<'_, S> {
    /// What quantities of a window cost. Questions are added to those that were asked already.
    pub(crate) async fn price(
        &self,
        window: Window,
        currency: Currency,
        wanted: &Quantities,
        questions: &mut Vec<AskedUsage>,
    ) -> Result<BTreeMap<Segment, Priced>, Error> {
        let mut by_region: BTreeMap<u64, Vec<Line>> = BTreeMap::new();
        for (segment, quantity) in wanted {
            let line = self.line(segment, *quantity, window).await?;
            by_region.entry(segment.region_id).or_default().push(line);
        }
        let mut priced = BTreeMap::new();
        for (region_id, lines) in by_region {
            let region = self.region(region_id).await?;
            for lines in lines.chunks(MOST_LINES) {
                let asked = self.ask(window, currency, region.clone(), lines).await?;
                let question = questions.len();
                for (place, (line, charge)) in lines.iter().zip(&asked.answer).enumerate() {
                    let found = Priced {
                        quantity: line.quantity,
                        charge: charge.clone(),
                        label: line.label.clone(),
                        region: region.clone(),
                        at: (question, place),
                        plugin: QuotePlugin::of(&self.pricer),
                    };
                    priced.insert(line.segment.clone(), found);
                }
                questions.push(asked);
            }
        }
        Ok(priced)
    }

    async fn line(
        &self,
        segment: &Segment,
        quantity: Quantity,
        window: Window,
    ) -> Result<Line, Error> {
        let book = self.book(segment).await?;
        let Book { plan, named } = book.as_ref();
        let external_id = segment.metric.as_str();
        let started = self.standing.phase_started.unwrap_or(window.start);
        let used = (external_id, quantity.exact());
        let line = plan.line_of_phase(named, used, segment.phase, started, window);
        let (Some(line), Some((_, product))) = (line, plan.priced(named, external_id)) else {
            let (name, phase) = (&plan.name, segment.phase.as_str());
            let message = format!(
                "Billing plan '{name}' does not price '{external_id}' in the phase {phase} any more. Add it again."
            );
            return Err(Refusal::unfit(FieldError::new("lines", "not_priced", &message)).into());
        };
        let label = product.label.clone();
        Ok(Line { segment: segment.clone(), quantity, label, line })
    }

    /// The billing plan that metered a segment, or where it is gone the one that prices the user now.
    async fn book(&self, segment: &Segment) -> Result<Arc<Book>, Error> {
        for id in [Some(segment.billing_plan_id), self.book_of_now].into_iter().flatten() {
            let books = &self.app.books;
            if let Some(book) = books.read(self.snapshot, self.tenant, id, self.changes).await? {
                return Ok(book);
            }
        }
        let (id, metric) = (segment.billing_plan_id, &segment.metric);
        let message = format!(
            "Billing plan {id}, which priced '{metric}', is gone. Give the user's group another one."
        );
        Err(Refusal::unfit(FieldError::new("lines", "no_billing_plan", &message)).into())
    }

    /// Where it was used, or where that is not known, where the user is now.
    async fn region(&self, id: u64) -> Result<Option<String>, StoreError> {
        if id == 0 {
            return Ok(self.standing.region.as_ref().map(|region| region.name.clone()));
        }
        let keys = Keys::of(self.tenant);
        let found = entry_records::find::<Region, _>(self.snapshot, &keys, id).await?;
        Ok(found.map(|(_, region)| region.name))
    }

    async fn ask(
        &self,
        window: Window,
        currency: Currency,
        region: Option<String>,
        lines: &[Line],
    ) -> Result<AskedUsage, Error> {
        let user_group = self.standing.group.as_ref().map(|group| group.name.clone());
        let lines = lines.iter().map(|line| line.line.clone()).collect();
        let question = UsageQuestion { user_group, region, currency, lines };
        // The same however late it is asked.
        let at = window.end;
        let context = ReviewContext {
            tenant: self.tenant.clone(),
            user_id: Some(self.user_id.to_owned()),
            at,
        };
        let answer = self.plugin.price_usage(&context, &question).await?.map_err(refused)?;
        Ok(Asked { pricer: self.pricer.clone(), at, question, answer })
    }
}

fn refused(no: UsageRefusal) -> Refusal {
    Refusal::unfit(FieldError { field: "lines".to_owned(), code: no.code, message: no.message })
}
