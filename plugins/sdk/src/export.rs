//! From an author's traits to the exports of a component. Nothing here is for authors but the macros.

use std::marker::PhantomData;
use std::sync::OnceLock;

use crate::bindings::{about, identity, pricing, templates, validation};
use crate::pricing::{Charge, FeeItem, FeeQuestion, UsageQuestion, UsageRefusal};
use crate::templates::{Contents, Pack};
use crate::types::{Context, Refusal, Timestamp};
use crate::validation::{BillingPlanChange, Finding, PlanChange};
use crate::{About, Identity, Plugin, Pricing, Templates, Validation, settings};

/// Exports an [`Identity`] plugin: `planwright_sdk::export_identity!(Shop);`
#[macro_export]
macro_rules! export_identity {
    ($plugin:ty) => {
        $crate::__export!($plugin, identity);
    };
}

/// Exports a [`Validation`] plugin: `planwright_sdk::export_validation!(Shop);`
#[macro_export]
macro_rules! export_validation {
    ($plugin:ty) => {
        $crate::__export!($plugin, validation);
    };
}

/// Exports a [`Pricing`] plugin: `planwright_sdk::export_pricing!(Shop);`
#[macro_export]
macro_rules! export_pricing {
    ($plugin:ty) => {
        $crate::__export!($plugin, pricing);
    };
}

/// Exports a [`Templates`] pack: `planwright_sdk::export_templates!(Shop);`
#[macro_export]
macro_rules! export_templates {
    ($plugin:ty) => {
        $crate::__export!($plugin, templates);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    ($plugin:ty, $interface:ident) => {
        impl $crate::export::Exported for $plugin {
            fn slot() -> &'static ::std::sync::OnceLock<Self::Settings> {
                static SLOT: ::std::sync::OnceLock<<$plugin as $crate::Plugin>::Settings> =
                    ::std::sync::OnceLock::new();
                &SLOT
            }

            fn package() -> $crate::About {
                $crate::About {
                    name: env!("CARGO_PKG_NAME").to_owned(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    summary: env!("CARGO_PKG_DESCRIPTION").to_owned(),
                }
            }
        }

        // Native builds are for tests, and export nothing.
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Component = $crate::export::Component<$plugin>;
            $crate::bindings::about::export!(Component with_types_in $crate::bindings::about);
            $crate::bindings::$interface::export!(Component with_types_in $crate::bindings::$interface);
        };
    };
}

/// What the macros add to a plugin: a place for its settings, and the words of its `Cargo.toml`.
pub trait Exported: Plugin {
    fn slot() -> &'static OnceLock<Self::Settings>;
    fn package() -> About;
}

/// A plugin, seen as the component that the host loads.
pub struct Component<P>(PhantomData<P>);

/// The settings that `configure` left; a host that never configures gets those of `{}`.
fn settings<P: Exported>() -> &'static P::Settings {
    P::slot().get_or_init(|| match settings::parse("{}") {
        Ok(settings) => settings,
        Err(wrong) => {
            panic!("asked before it was configured, and it needs settings: {}", wrong.join(" "))
        }
    })
}

impl<P: Exported> about::exports::planwright::plugin::about::Guest for Component<P> {
    fn about() -> About {
        P::about(P::package())
    }

    fn configure(text: String) -> Result<(), Vec<String>> {
        #[cfg(target_arch = "wasm32")]
        crate::log::panics();
        let settings = settings::parse(&text)?;
        let wrong = P::check(&settings);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        P::slot()
            .set(settings)
            .map_err(|_| vec!["It has its settings already; make a new instance.".to_owned()])
    }
}

impl<P: Exported + Identity> identity::exports::planwright::plugin::identity::Guest
    for Component<P>
{
    fn new_id(kind: String, name: String, entropy: Vec<u8>) -> Result<String, Refusal> {
        P::new_id(settings::<P>(), &kind, &name, &entropy)
    }
}

impl<P: Exported + Validation> validation::exports::planwright::plugin::validation::Guest
    for Component<P>
{
    fn review_plan(context: Context, change: PlanChange) -> Vec<Finding> {
        P::review_plan(settings::<P>(), &context, &change)
    }

    fn review_billing_plan(context: Context, change: BillingPlanChange) -> Vec<Finding> {
        P::review_billing_plan(settings::<P>(), &context, &change)
    }
}

impl<P: Exported + Pricing> pricing::exports::planwright::plugin::pricing::Guest for Component<P> {
    fn price_fee(question: FeeQuestion) -> Result<Vec<FeeItem>, Refusal> {
        P::price_fee(settings::<P>(), &question)
    }

    fn price_usage(question: UsageQuestion) -> Result<Vec<Charge>, UsageRefusal> {
        P::price_usage(settings::<P>(), &question)
    }
}

impl<P: Exported + Templates> templates::exports::planwright::plugin::templates::Guest
    for Component<P>
{
    fn describe() -> Pack {
        P::describe(settings::<P>())
    }

    fn unpack(groups: Vec<String>, now: Timestamp) -> Result<Contents, Refusal> {
        P::unpack(settings::<P>(), &groups, now)
    }
}

#[cfg(test)]
mod tests {
    use super::about::exports::planwright::plugin::about::Guest as _;
    use super::identity::exports::planwright::plugin::identity::Guest as _;
    use super::*;

    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Prefix {
        prefix: String,
    }

    struct Prefixed;

    impl Plugin for Prefixed {
        type Settings = Prefix;

        fn check(settings: &Prefix) -> Vec<String> {
            if settings.prefix.len() > 3 {
                vec!["The prefix is too long.".to_owned()]
            } else {
                Vec::new()
            }
        }
    }

    impl Identity for Prefixed {
        fn new_id(settings: &Prefix, kind: &str, _: &str, _: &[u8]) -> Result<String, Refusal> {
            Ok(format!("{}{kind}", settings.prefix))
        }
    }

    crate::export_identity!(Prefixed);

    #[test]
    fn settings_are_remembered_once() {
        type Loaded = Component<Prefixed>;
        let configure = |text: &str| Loaded::configure(text.to_owned());
        assert!(configure(r#"{"prefx":"a_"}"#).unwrap_err()[0].contains("`prefx`"));
        assert_eq!(
            configure(r#"{"prefix":"long"}"#),
            Err(vec!["The prefix is too long.".to_owned()])
        );
        assert_eq!(configure(r#"{"prefix":"a_"}"#), Ok(()));
        assert!(configure("{}").unwrap_err()[0].contains("new instance"));
        assert_eq!(Loaded::new_id("plan".to_owned(), String::new(), Vec::new()).unwrap(), "a_plan");
    }

    #[test]
    fn a_plugin_is_named_by_its_manifest() {
        let about = Component::<Prefixed>::about();
        assert_eq!(
            (about.name.as_str(), about.version.as_str()),
            ("planwright-sdk", env!("CARGO_PKG_VERSION"))
        );
        assert!(!about.summary.is_empty());
    }
}
