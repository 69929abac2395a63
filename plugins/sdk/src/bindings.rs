//! What wit-bindgen makes of `wit/`, and nothing written by hand.
//!
//! Each half of a world (`about`, and the one interface that makes it an identity, validation, pricing or
//! template plugin) has bindings of its own, and a plugin exports two of them; the linker puts their worlds
//! together into the one that the contract names. Bindings by whole world would define `about` four times.
#![allow(missing_docs, reason = "the words are in wit/, and reach the types from there")]
#![allow(
    clippy::as_conversions,
    clippy::mem_forget,
    unreachable_pub,
    unused_qualifications,
    reason = "generated code hands memory over in its own way"
)]

/// The types that host and plugins share, defined once.
pub mod vocabulary {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package planwright:sdk;
            world vocabulary {
                import planwright:plugin/types@0.1.0;
                import planwright:plugin/price-book@0.1.0;
                import planwright:plugin/log@0.1.0;
            }
        ",
        generate_all,
        generate_unused_types: true,
        additional_derives: [PartialEq],
    });
}

pub mod about {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package planwright:sdk; world about { export planwright:plugin/about@0.1.0; }",
        pub_export_macro: true,
        additional_derives: [PartialEq],
    });
}

pub mod identity {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package planwright:sdk; world identity { export planwright:plugin/identity@0.1.0; }",
        with: {
            "planwright:plugin/types@0.1.0": crate::bindings::vocabulary::planwright::plugin::types,
        },
        pub_export_macro: true,
        additional_derives: [PartialEq],
    });
}

pub mod validation {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package planwright:sdk; world validation { export planwright:plugin/validation@0.1.0; }",
        with: {
            "planwright:plugin/types@0.1.0": crate::bindings::vocabulary::planwright::plugin::types,
            "planwright:plugin/price-book@0.1.0": crate::bindings::vocabulary::planwright::plugin::price_book,
        },
        pub_export_macro: true,
        additional_derives: [PartialEq],
    });
}

pub mod pricing {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package planwright:sdk; world pricing { export planwright:plugin/pricing@0.1.0; }",
        with: {
            "planwright:plugin/types@0.1.0": crate::bindings::vocabulary::planwright::plugin::types,
            "planwright:plugin/price-book@0.1.0": crate::bindings::vocabulary::planwright::plugin::price_book,
        },
        pub_export_macro: true,
        additional_derives: [PartialEq],
    });
}

pub mod templates {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package planwright:sdk; world templates { export planwright:plugin/templates@0.1.0; }",
        with: {
            "planwright:plugin/types@0.1.0": crate::bindings::vocabulary::planwright::plugin::types,
            "planwright:plugin/price-book@0.1.0": crate::bindings::vocabulary::planwright::plugin::price_book,
        },
        pub_export_macro: true,
        additional_derives: [PartialEq],
    });
}
