//! Who takes payments, as use cases know it: three questions, and what went wrong with them.

use std::future::Future;
use std::pin::Pin;

use planwright_domain::payment::payment_settings::Credentials;
use planwright_domain::payment::{PaymentOrder, PaymentTold, RefundTold};

/// What a provider answers, in its time.
pub type Answering<'a, T> = Pin<Box<dyn Future<Output = Result<T, ProviderError>> + Send + 'a>>;

/// A payment provider. Every question ends within a bounded time.
pub trait PaymentProvider: Send + Sync {
    /// Has it take a payment on. The same order again is the same payment.
    fn create_payment<'a>(
        &'a self,
        shop: &'a Credentials,
        order: &'a PaymentOrder,
    ) -> Answering<'a, PaymentTold>;

    /// Where a payment stands.
    fn payment<'a>(&'a self, shop: &'a Credentials, id: &'a str) -> Answering<'a, PaymentTold>;

    /// Where a refund stands.
    fn refund<'a>(&'a self, shop: &'a Credentials, id: &'a str) -> Answering<'a, RefundTold>;
}

/// Why a provider did not say what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ProviderError {
    /// It did not answer, not in time, or not as it should: nobody knows whether it did what was asked. Trying again
    /// helps.
    #[error("it gives no answer that counts: {reason}")]
    Unavailable {
        /// For the log.
        reason: String,
    },
    /// It knows no such thing, or not in this shop.
    #[error("it knows no such thing: {reason}")]
    Unknown {
        /// For the log.
        reason: String,
    },
    /// It does not do what was asked, and will not do it when it is asked again.
    #[error("it refuses ({code}): {reason}")]
    Refused {
        /// In its own words.
        code: String,
        /// For the log.
        reason: String,
    },
}
