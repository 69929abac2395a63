//! The contract in `wit/` as Rust: generated, typed, one copy of every shared type.
//!
//! One world that only the host has names every interface a plugin may export. Each plugin exports
//! `about` and its hook's own; which one is looked up interface by interface.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::clone_on_ref_ptr,
    clippy::needless_pass_by_value,
    unused_qualifications,
    reason = "generated; the documentation is in wit/"
)]

wasmtime::component::bindgen!({
    path: "../../wit",
    inline: "
        package planwright:host;

        world everything {
            import planwright:plugin/log@0.1.0;
            export planwright:plugin/about@0.1.0;
            export planwright:plugin/identity@0.1.0;
            export planwright:plugin/validation@0.1.0;
            export planwright:plugin/pricing@0.1.0;
            export planwright:plugin/templates@0.1.0;
        }
    ",
    world: "planwright:host/everything",
    // A plugin that floods the log is stopped.
    imports: { default: trappable },
});
