//! Why a use case did not do what was asked: what the caller may see, what the log keeps, and whether
//! asking again helps.

use planwright_domain::Refusal;
use planwright_plugin_host::PluginError;
use planwright_store::{CommitError, StoreError};

use crate::payments::provider::ProviderError;

/// Everything that can go wrong in a use case.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The asker's to mend.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A plugin failed, so nothing was decided and nothing done. Its text may be shown: it names the
    /// plugin, and nothing else of the inside.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// The payment provider did not say what was asked. Trying again helps, or an operator does; what it said is for
    /// the log.
    #[error("the payment provider: {0}")]
    Provider(#[from] ProviderError),
    /// Nobody takes payments for the tenant.
    #[error(
        "Payments are not set up. An admin names the shop with PUT /api/v1/admin/settings (payments.yookassa), or the \
         operator in the configuration."
    )]
    NoShop,
    /// A payment was begun with a shop whose key nobody has any more.
    #[error(
        "This payment was begun with the shop '{shop_id}', whose key is not there any more. The operator names it in the \
         configuration again, or an admin in the settings; until then nobody knows whether it is paid."
    )]
    OtherShop {
        /// As the provider calls it.
        shop_id: String,
    },
    /// Others changed the same things again and again. Nothing was done; asking again helps.
    #[error("Too many changes at once to the same things. Try again.")]
    Contended,
    /// What was read was not to be had, or not understood.
    #[error("reading the store: {0}")]
    Store(#[from] StoreError),
    /// The commit did not go through, or nobody knows whether it did.
    #[error("committing to the store: {0}")]
    Commit(#[from] CommitError),
}
