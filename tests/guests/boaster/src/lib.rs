//! An identity plugin whose name for itself is 10 MB long. The host asks for it before any settings, so that it
//! cannot be one of the behaviours of another guest.
#![forbid(unsafe_code)]

use planwright_sdk::{About, Identity, NoSettings, Plugin, Refusal};

/// The plugin.
pub struct Boaster;

impl Plugin for Boaster {
    type Settings = NoSettings;

    fn about(package: About) -> About {
        About { name: "great ".repeat(10 * 1024 * 1024 / 6), ..package }
    }
}

impl Identity for Boaster {
    fn new_id(_: &NoSettings, kind: &str, _: &str, _: &[u8]) -> Result<String, Refusal> {
        Ok(kind.to_owned())
    }
}

planwright_sdk::export_identity!(Boaster);
