//! What cannot be a plugin is refused when it is loaded, with the reason.

use bytes::Bytes;
use planwright_plugin_host::{Candidate, Hook, PluginError};

use super::{
    BOASTER, IDENTITY, MISBEHAVING, PRICING, REVIEWER, VALIDATION, candidate, host, misbehaving,
    now,
};

#[tokio::test]
async fn the_standard_plugins_load_and_say_who_they_are() {
    let host = host();
    for (hook, component, name) in [
        (Hook::Identity, IDENTITY, "planwright-identity"),
        (Hook::Validation, VALIDATION, "planwright-validation"),
        (Hook::Pricing, PRICING, "planwright-pricing"),
    ] {
        let plugin = host.load(candidate(hook, component, "{}"), now()).await.unwrap();
        assert_eq!((plugin.hook(), plugin.name()), (hook, name));
        assert_eq!(plugin.version(), env!("CARGO_PKG_VERSION"));
        assert_eq!(plugin.digest().len(), 64);
        assert!(!plugin.summary().is_empty(), "{name}");
        assert!(!plugin.imports().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn what_is_no_component_is_said_to_be_none() {
    let host = host();
    let whole = MISBEHAVING;
    for (what, bytes, part) in [
        ("nothing", Bytes::new(), "does not begin as WebAssembly does"),
        ("text", Bytes::from_static(b"{\"name\":\"x\"}"), "does not begin as WebAssembly does"),
        ("zeros", Bytes::from(vec![0; 4_096]), "does not begin as WebAssembly does"),
        ("a core module", Bytes::from_static(b"\0asm\x01\0\0\0"), "it is a core module"),
        ("the head of one", Bytes::from_static(&whole[..8]), "does not export"),
        ("a part of one", Bytes::from_static(&whole[..whole.len() / 2]), "unexpected"),
    ] {
        let wanted = Candidate { component: bytes, ..candidate(Hook::Identity, b"", "{}") };
        let error = host.load(wanted, now()).await.unwrap_err();
        let said = error.to_string();
        assert!(said.starts_with("identity plugin 'candidate.wasm'"), "{what}: {said}");
        assert!(said.contains(part), "{what}: {said}");
    }
}

#[tokio::test]
async fn a_component_with_a_byte_changed_never_does_harm() {
    let host = host();
    // Anywhere: in the header, the types, the code. Each is refused, fails when it starts, or still works.
    for tenth in 0..10 {
        let mut bytes = MISBEHAVING.to_vec();
        let place = bytes.len() / 10 * tenth + 9;
        bytes[place] ^= 0x55;
        let wanted = Candidate { component: bytes.into(), ..candidate(Hook::Identity, b"", "{}") };
        if let Err(error) = host.load(wanted, now()).await {
            assert!(error.plugin().is_some(), "{error}");
            assert!(error.to_string().len() < 2_000, "{error}");
        }
    }
}

#[tokio::test]
async fn a_plugin_for_another_hook_is_told_what_it_lacks() {
    let error = host().load(candidate(Hook::Identity, REVIEWER, "{}"), now()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "identity plugin 'candidate.wasm' is not a plugin for the hook 'identity': it does not export \
         'planwright:plugin/identity@0.1.0'. Build it for the world 'identity-plugin' of \
         planwright:plugin@0.1.0."
    );
}

#[tokio::test]
async fn an_import_that_no_plugin_gets_is_refused_by_its_name() {
    let host = host();
    for import in [
        "wasi:sockets/tcp@0.2.0",
        "wasi:http/outgoing-handler@0.2.0",
        "wasi:cli/exit@0.3.0",
        "planwright:plugin/pricing@0.1.0",
    ] {
        let wanted = Candidate {
            component: importing(import).into(),
            ..candidate(Hook::Identity, b"", "{}")
        };
        match host.load(wanted, now()).await.unwrap_err() {
            PluginError::ForbiddenImport { import: named, .. } => assert_eq!(named, import),
            error => panic!("{import}: {error}"),
        }
    }
}

#[tokio::test]
async fn the_hook_of_an_upload_is_found_from_what_it_exports() {
    let host = host();
    for (component, hook) in
        [(IDENTITY, Hook::Identity), (REVIEWER, Hook::Validation), (PRICING, Hook::Pricing)]
    {
        let found = host.inspect(Bytes::from_static(component)).await.unwrap();
        assert_eq!(found.hook, hook);
        assert!(found.imports.iter().any(|import| import.starts_with("wasi:")), "{hook}");
    }
    for (component, code, part) in [
        (b"\0asm\x0d\0\x01\0".to_vec(), "no_hook", "none of the interfaces"),
        (importing("wasi:sockets/tcp@0.2.0"), "forbidden_import", "'wasi:sockets/tcp@0.2.0'"),
        (b"text".to_vec(), "not_a_component", "does not begin as WebAssembly does"),
    ] {
        let error = host.inspect(component.into()).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
}

/// A component that imports an empty instance of that name and does nothing else.
fn importing(name: &str) -> Vec<u8> {
    let length = u8::try_from(name.len()).unwrap();
    let mut component = b"\0asm\x0d\0\x01\0".to_vec();
    // One type: an instance without exports.
    component.extend([7, 3, 1, 0x42, 0]);
    // One import: of that type.
    component.extend([10, length + 5, 1, 0, length]);
    component.extend(name.as_bytes());
    component.extend([5, 0]);
    component
}

#[tokio::test]
async fn settings_that_a_plugin_refuses_never_go_live() {
    let host = host();
    let name = "identity plugin 'planwright-test-identity' 0.1.0";
    for (behaviour, code, part) in [
        ("refuse-settings", "bad_settings", "These settings are refused, as asked."),
        ("refuse-settings-at-length", "plugin_failed", ""),
        ("loop-in-configure", "plugin_failed", "used up the instructions"),
        ("panic-in-configure", "plugin_failed", "it panicked"),
        ("no-such-behaviour", "bad_settings", "no-such-behaviour"),
    ] {
        let error = misbehaving(&host, behaviour).await.unwrap_err();
        let said = error.to_string();
        assert_eq!(error.code(), code, "{behaviour}: {said}");
        assert!(said.starts_with(name) && said.contains(part), "{behaviour}: {said}");
        assert!(said.len() < 2_000, "{behaviour}");
    }
}

#[tokio::test]
async fn a_name_of_ten_megabytes_is_nobodys_name() {
    let error = host().load(candidate(Hook::Identity, BOASTER, "{}"), now()).await.unwrap_err();
    let said = error.to_string();
    assert!(said.starts_with("identity plugin 'candidate.wasm'"), "{said}");
    assert!(said.contains("more data than one call may"), "{said}");
}
