//! Which plugins priced something that is kept. They are never deleted: whatever they priced can be asked again.

use planwright_domain::asked::Pricer;
use planwright_domain::plugin::Digest;
use planwright_plugin_host::Plugin;
use planwright_store::StoreError;

/// Who a plugin is, to be kept beside what it said.
pub(crate) fn pricer(plugin: &Plugin) -> Result<Pricer, StoreError> {
    let digest = Digest::new(plugin.digest()).ok_or_else(|| StoreError::Corrupt {
        reason: format!("'{}' is the digest of no plugin", plugin.digest()),
    })?;
    let (name, settings) = (plugin.name().to_owned(), plugin.settings().to_owned());
    Ok(Pricer { name, digest, settings })
}
