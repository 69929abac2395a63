//! From a component's text to what the host makes of it, with nothing but this crate.

use bytes::Bytes;
use planwright_domain::time::Timestamp;

use crate::{
    Candidate, Hook, HostConfig, Limits, PluginError, PluginHost, Reuse, compiler, engine,
};

/// What loading a component gives. Its compiler is a file with the right answer.
async fn load(text: &str) -> Result<(), PluginError> {
    let component = wat::parse_str(text).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let native = folder.path().join("native");
    let stack_bytes = Limits::default().stack_bytes;
    std::fs::write(&native, compiler::native_code(stack_bytes, &component).unwrap()).unwrap();
    let host = PluginHost::new(HostConfig {
        compiler: vec!["/bin/cat".into(), native.into()],
        cache_dir: folder.path().join("cache"),
        cache_is_shared: false,
        cache_key: [3; 32],
        limits: Limits::default(),
    })?;
    let candidate = Candidate {
        hook: Hook::Identity,
        label: "test.wasm".to_owned(),
        component: Bytes::from(component),
        settings: "{}".to_owned(),
        reuse: Reuse::Fresh,
    };
    host.load(candidate, Timestamp::UNIX_EPOCH).await.map(drop)
}

/// A component with the exports of an identity plugin by name, all of the type `() -> u32`. `inside` comes
/// first and makes `$module`, which exports `f`.
fn exporting(inside: &str) -> String {
    format!(
        r#"(component
            {inside}
            (func $f (result u32) (canon lift (core func $instance "f")))
            (instance $about (export "about" (func $f)) (export "configure" (func $f)))
            (instance $identity (export "new-id" (func $f)))
            (export "planwright:plugin/about@0.1.0" (instance $about))
            (export "planwright:plugin/identity@0.1.0" (instance $identity)))"#
    )
}

fn core_module(parts: &str) -> String {
    exporting(&format!(
        r#"(core module $module {parts} (func (export "f") (result i32) i32.const 1))
           (core instance $instance (instantiate $module))"#
    ))
}

#[tokio::test]
async fn functions_of_the_right_name_and_the_wrong_type_are_refused() {
    let error = load(&core_module("")).await.unwrap_err();
    assert_eq!(error.code(), "wrong_world", "{error}");
}

#[tokio::test]
async fn a_start_that_fails_is_the_plugins_fault() {
    for (start, part) in [
        ("(func $s unreachable) (start $s)", "it panicked"),
        ("(func $s (loop br 0)) (start $s)", "used up the instructions"),
        ("(func $s call $s) (start $s)", "nest too deep"),
        (
            "(memory 1) (func $s (i32.store (i32.const -1) (i32.const 1))) (start $s)",
            "broke a rule",
        ),
    ] {
        let error = load(&core_module(start)).await.unwrap_err();
        let said = error.to_string();
        assert_eq!(error.code(), "plugin_failed", "{said}");
        assert!(said.contains(part), "{start}: {said}");
    }
}

#[tokio::test]
async fn more_than_the_limits_from_the_start_is_refused() {
    for parts in [
        "(memory 2000)",
        "(table 1000000 funcref)",
        "(memory 1) (memory 1) (memory 1) (memory 1) (memory 1)",
    ] {
        let error = load(&core_module(parts)).await.unwrap_err();
        let named = Some("identity plugin 'test.wasm'");
        assert_eq!(error.plugin(), named, "{parts}: {error}");
    }
}

/// No fuel and no epoch ends a wait inside the host, so that a plugin that sleeps for an hour must not.
#[tokio::test]
async fn a_sleep_is_over_at_once() {
    let sleeping = exporting(
        r#"(import "wasi:io/poll@0.2.0" (instance $poll
                (export "pollable" (type $pollable (sub resource)))
                (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
           (alias export $poll "pollable" (type $pollable))
           (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
                (alias outer 1 $pollable (type $outer))
                (export "pollable" (type $pollable (eq $outer)))
                (export "subscribe-duration"
                    (func (param "when" u64) (result (own $pollable))))))
           (core func $subscribe (canon lower (func $clock "subscribe-duration")))
           (core func $block (canon lower (func $poll "[method]pollable.block")))
           (core module $module
                (import "host" "subscribe" (func $subscribe (param i64) (result i32)))
                (import "host" "block" (func $block (param i32)))
                (func $s (call $block (call $subscribe (i64.const 3600000000000))))
                (start $s)
                (func (export "f") (result i32) i32.const 1))
           (core instance $instance (instantiate $module (with "host" (instance
                (export "subscribe" (func $subscribe))
                (export "block" (func $block))))))"#,
    );
    // It started, slept its hour, and only then was found to be no plugin.
    let error = load(&sleeping).await.unwrap_err();
    assert_eq!(error.code(), "wrong_world", "{error}");
}

#[test]
fn this_machine_has_room_for_the_pool() {
    let engine = engine::running(&Limits::default()).unwrap();
    assert!(engine.pooling_allocator_metrics().is_some());
}
