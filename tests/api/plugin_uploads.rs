//! Plugins over REST: taken in, shown to whoever has them, and let go.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use planwright_server::config::Config;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::plugin_bindings::of_hook;
use super::{ADMIN_PLANS, AUDIT, plan};
use crate::components;
use crate::harness::process::PLANWRIGHT;
use crate::harness::{Actor, Answer, App, compiler};
use crate::worker::assert_agrees;

pub(crate) const PLUGINS: &str = "/api/v1/admin/plugins";

/// Reviews plans as its settings say.
pub(crate) const REVIEWER: &[u8] = include_bytes!(env!("WASM_PLANWRIGHT_TEST_VALIDATION"));
/// Makes ids as its settings say.
pub(crate) const MISBEHAVING: &[u8] = include_bytes!(env!("WASM_PLANWRIGHT_TEST_IDENTITY"));
/// Prices usage as its settings say.
pub(crate) const PRICING: &[u8] = include_bytes!(env!("WASM_PLANWRIGHT_TEST_PRICING"));
/// Holds plans as its settings say.
pub(crate) const OWN_PACK: &[u8] = include_bytes!(env!("WASM_PLANWRIGHT_TEST_TEMPLATES"));

pub(crate) const WASM: (&str, &str) = ("content-type", "application/wasm");

pub(crate) async fn upload(actor: &Actor, query: &str, component: &[u8]) -> Answer {
    actor.upload(&[WASM], &format!("{PLUGINS}{query}"), component.to_vec()).await
}

/// Uploads a plugin, waits until it is ready, and gives its digest.
pub(crate) async fn uploaded(actor: &Actor, query: &str, component: &[u8]) -> String {
    let answer = upload(actor, query, component).await;
    assert!([200, 201].contains(&answer.status.as_u16()), "{}", answer.json);
    let digest = answer.json["digest"].as_str().unwrap().to_owned();
    assert_eq!(settled(actor, query, &digest).await["state"], "ready");
    digest
}

/// The plugin once it is not being compiled any more.
async fn settled(actor: &Actor, query: &str, digest: &str) -> Value {
    for _ in 0..1_200 {
        let plugin = actor.get(&format!("{PLUGINS}/{digest}{query}")).await.ok(200);
        if plugin["state"] != "compiling" {
            return plugin;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{digest} is being compiled for ever");
}

/// The same plugin with another digest: with a custom section, which means nothing.
pub(crate) fn variant(component: &[u8], number: u8) -> Vec<u8> {
    [component, &[0, 3, 1, b'x', number]].concat()
}

async fn digests(actor: &Actor, query: &str) -> Vec<String> {
    let page = actor.get(&format!("{PLUGINS}{query}")).await.ok(200);
    let items = page["items"].as_array().unwrap();
    assert_eq!(page["total"], items.len());
    items.iter().map(|plugin| plugin["digest"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_plugin_is_taken_in_shown_and_let_go() {
    let app = App::start().await;
    let admin = app.admin();
    let answer = upload(&admin, "", REVIEWER).await;
    let digest = answer.json["digest"].as_str().unwrap().to_owned();
    answer.ok(201);
    let shown = settled(&admin, "", &digest).await;
    let imports = shown["imports"].as_array().unwrap();
    assert!(imports.iter().all(|import| import.as_str().unwrap().contains('@')), "{shown}");
    let expected = json!({
        "digest": digest, "hook": "validation", "name": "planwright-test-validation",
        "version": "0.1.0", "summary": shown["summary"], "imports": imports,
        "size": REVIEWER.len(), "state": "ready", "reason": null, "compiling_since": null,
        "waiting": null, "source": "tenant", "uploaded_by": "root", "created_at": 1_738_742_400,
    });
    assert_eq!(shown, expected);

    assert_eq!(upload(&admin, "", REVIEWER).await.ok(200), shown, "the same bytes again");
    assert_eq!(digests(&admin, "").await, [&*digest]);
    app.clock.advance(60);
    let newer = uploaded(&admin, "", OWN_PACK).await;
    assert_eq!(digests(&admin, "").await, [newer, digest.clone()], "newest first");

    let one = format!("{PLUGINS}/{digest}");
    admin.delete(&one).await.ok(204);
    assert!(admin.get(&one).await.problem(404).contains(&digest));
    admin.delete(&one).await.problem(404);
    admin.get(&format!("{PLUGINS}/nothing")).await.problem(404);
    let log = admin.get(&format!("{AUDIT}?entity_id={digest}")).await.ok(200);
    let actions: Vec<&Value> =
        log["items"].as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["plugin_deleted", "plugin_uploaded"]);
    // Its bytes are gone, so it is a new one.
    upload(&admin, "", REVIEWER).await.ok(201);
    app.covers(&["plugins_upload", "plugins_list", "plugins_get", "plugins_delete"]);
}

#[tokio::test]
async fn what_cannot_be_a_plugin_is_refused_with_the_reason() {
    let app = App::with(|config| config.limits.plugin_bytes = 2_000_000).await;
    let admin = app.admin();
    let import = {
        let name = "wasi:sockets/tcp@0.2.0";
        let length = u8::try_from(name.len()).unwrap();
        let mut component = b"\0asm\x0d\0\x01\0".to_vec();
        component.extend([7, 3, 1, 0x42, 0, 10, length + 5, 1, 0, length]);
        component.extend(name.as_bytes());
        component.extend([5, 0]);
        component
    };
    for (component, part) in [
        (b"text".to_vec(), "does not begin as WebAssembly does"),
        (b"\0asm\x01\0\0\0".to_vec(), "it is a core module"),
        (b"\0asm\x0d\0\x01\0".to_vec(), "none of the interfaces that a hook calls"),
        (import, "imports 'wasi:sockets/tcp@0.2.0'"),
        (REVIEWER[..REVIEWER.len() / 2].to_vec(), "unexpected"),
    ] {
        let answer = upload(&admin, "", &component).await;
        assert!(answer.problem(422).contains(part), "{}", answer.json);
    }
    upload(&admin, "", &vec![0; 2_000_001]).await.problem(413);
    // Others take no more than before, and this one nothing but components.
    let long = json!({"name": "x".repeat(1_100_000)});
    admin.post(ADMIN_PLANS, long.clone()).await.problem(413);
    let answer = admin.post(PLUGINS, long).await;
    assert_eq!((answer.problem(400).len() > 20, answer.field_errors().len()), (true, 1));
    assert_eq!(digests(&admin, "").await, [""; 0], "nothing is kept");
}

#[tokio::test]
async fn a_tenant_sees_its_own_and_the_hosts_and_never_anothers() {
    let app = App::start().await;
    app.make_tenants(&["acme", "beta"]).await;
    let (acme, beta) = (app.of_tenant("acme", "a", "admin"), app.of_tenant("beta", "b", "admin"));
    let operator = app.operator();
    let digest = uploaded(&acme, "", REVIEWER).await;
    assert_eq!(digests(&beta, "").await, [""; 0]);
    beta.get(&format!("{PLUGINS}/{digest}")).await.problem(404);
    beta.delete(&format!("{PLUGINS}/{digest}")).await.problem(404);

    // The same bytes are new to another tenant, and each lets go of its own.
    app.clock.advance(60);
    let theirs = upload(&beta, "", REVIEWER).await.ok(201);
    assert_eq!(
        (&theirs["uploaded_by"], &theirs["created_at"]),
        (&json!("b"), &json!(1_738_742_460))
    );
    acme.delete(&format!("{PLUGINS}/{digest}")).await.ok(204);
    acme.get(&format!("{PLUGINS}/{digest}")).await.problem(404);
    assert_eq!(beta.get(&format!("{PLUGINS}/{digest}")).await.ok(200)["state"], "ready");

    let shared = uploaded(&operator, "?tenant=*", OWN_PACK).await;
    let seen = acme.get(&format!("{PLUGINS}/{shared}")).await.ok(200);
    assert_eq!(seen["source"], "host");
    assert_eq!(digests(&operator, "?tenant=*").await, [&*shared]);
    assert_eq!(digests(&beta, "").await.len(), 2);
    let answer = acme.delete(&format!("{PLUGINS}/{shared}")).await;
    assert!(answer.problem(401).contains("operator"), "{}", answer.json);
    // What was done for the host is in the log of the operator's own tenant.
    let log = operator.get(&format!("{AUDIT}?action=plugin_uploaded")).await.ok(200);
    assert!(log["items"][0]["description"].as_str().unwrap().ends_with("for the host"), "{log}");

    // A tenant's own is shown before the host's of the same bytes.
    upload(&acme, "", OWN_PACK).await.ok(201);
    assert_eq!(acme.get(&format!("{PLUGINS}/{shared}")).await.ok(200)["source"], "tenant");
    assert_eq!(digests(&acme, "").await, [shared]);
}

#[tokio::test]
async fn the_host_is_the_operators_and_stands_for_a_tenant_on_these_routes_alone() {
    let app = App::start().await;
    for role in ["user", "service", "admin"] {
        let actor = app.actor("a", role);
        upload(&actor, "?tenant=*", REVIEWER).await.problem(401);
        actor.get(&format!("{PLUGINS}?tenant=*")).await.problem(401);
    }
    let operator = app.operator();
    operator.get(&format!("{}?tenant=*", of_hook("pricing"))).await.ok(200);
    operator.get(&format!("{ADMIN_PLANS}?tenant=*")).await.problem(404);
    operator.get(&format!("{PLUGINS}?tenant=*&tenant=default")).await.problem(400);
    operator.get(&format!("{PLUGINS}?tenant=*&colour=red")).await.problem(400);
}

#[tokio::test]
async fn a_tenant_has_so_many_plugins_and_no_more() {
    let app = App::with(|config| config.plugins.most_uploaded = 1).await;
    app.make_tenants(&["acme"]).await;
    let admin = app.admin();
    let digest = uploaded(&admin, "", REVIEWER).await;
    let answer = upload(&admin, "", OWN_PACK).await;
    assert!(answer.problem(409).contains("There are 1 plugins"), "{}", answer.json);
    upload(&admin, "", REVIEWER).await.ok(200);
    upload(&app.of_tenant("acme", "a", "admin"), "", OWN_PACK).await.ok(201);
    upload(&app.operator(), "?tenant=*", OWN_PACK).await.ok(201);
    admin.delete(&format!("{PLUGINS}/{digest}")).await.ok(204);
    upload(&admin, "", OWN_PACK).await.ok(201);
}

#[tokio::test]
async fn an_upload_that_comes_again_is_done_once() {
    let app = App::start().await;
    let admin = app.admin();
    let keyed = [WASM, ("idempotency-key", "k")];
    let send = async |component: &[u8]| admin.upload(&keyed, PLUGINS, component.to_vec()).await;
    let first = send(REVIEWER).await.ok(201);
    let again = send(REVIEWER).await.ok(201);
    assert_eq!(first["digest"], again["digest"]);
    assert!(send(OWN_PACK).await.problem(422).contains("Idempotency-Key"));
    let log = admin.get(&format!("{AUDIT}?action=plugin_uploaded")).await.ok(200);
    assert_eq!(log["total"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_bytes_uploaded_by_many_in_the_same_instant_are_each_ones() {
    let app = App::start().await;
    let tenants = ["a", "b", "c", "d"];
    app.make_tenants(&tenants).await;
    for round in 0..5 {
        let component = variant(REVIEWER, round);
        let uploads = tenants.map(|tenant| {
            let (actor, component) = (app.of_tenant(tenant, "x", "admin"), component.clone());
            tokio::spawn(async move {
                let digest = uploaded(&actor, "", &component).await;
                actor.delete(&format!("{PLUGINS}/{digest}")).await.ok(204);
                uploaded(&actor, "", &component).await
            })
        });
        for upload in uploads {
            upload.await.unwrap();
        }
    }
    for tenant in tenants {
        assert_eq!(digests(&app.of_tenant(tenant, "x", "admin"), "").await.len(), 5);
    }
}

/// A compiler that waits while there is a file `hold`, and fails while there is a file `fail`.
fn obedient(folder: &Path) -> Vec<OsString> {
    let compile = compiler().into_iter().nth(1).unwrap();
    let script = format!(
        "cd '{}'; while [ -e hold ]; do sleep 0.05; done; \
         [ -e fail ] && {{ echo 'no room' >&2; exit 1; }}; exec '{PLANWRIGHT}' '{}'",
        folder.display(),
        compile.to_str().unwrap()
    );
    ["/bin/sh", "-c", &script].map(OsString::from).into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_is_being_compiled_is_not_bound_and_is_taken_up_at_the_next_start() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let compiler = obedient(folder.path());
    let hold = folder.path().join("hold");
    let app = App::with_compiler(Arc::clone(&folder), compiler.clone()).await;
    app.make_tenants(&["acme"]).await;
    std::fs::write(&hold, "").unwrap();
    let admin = app.admin();
    let first = upload(&admin, "", REVIEWER).await.ok(201);
    assert_eq!((&first["state"], &first["waiting"]), (&json!("compiling"), &json!(false)));
    assert_eq!((&first["compiling_since"], &first["name"]), (&json!(1_738_742_400), &Value::Null));
    // A tenant has one turn at a time, and another is not behind it.
    let second = upload(&admin, "", &variant(REVIEWER, 2)).await.ok(201);
    assert_eq!(second["waiting"], true);
    let theirs = upload(&app.of_tenant("acme", "a", "admin"), "", &variant(REVIEWER, 3)).await;
    assert_eq!(theirs.ok(201)["waiting"], false);
    let digest = first["digest"].as_str().unwrap();
    let wanted = json!({"plugins": [{"digest": digest}]});
    let answer = admin.put(&of_hook("validation"), wanted.clone()).await;
    assert!(answer.problem(409).contains("is compiling"), "{}", answer.json);
    // Nobody else's request waits for it.
    admin.post(ADMIN_PLANS, plan("basic")).await.ok(201);

    app.stop().await;
    std::fs::remove_file(&hold).unwrap();
    let app = App::with_compiler(folder, compiler).await;
    let admin = app.admin();
    for plugin in [&first, &second] {
        let digest = plugin["digest"].as_str().unwrap();
        assert_eq!(settled(&admin, "", digest).await["state"], "ready");
    }
    admin.put(&of_hook("validation"), wanted).await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_fails_says_why_and_is_tried_again_when_it_is_uploaded_again() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let app = App::with_compiler(Arc::clone(&folder), obedient(folder.path())).await;
    let admin = app.admin();
    let fail = folder.path().join("fail");
    std::fs::write(&fail, "").unwrap();
    let failed = upload(&admin, "", REVIEWER).await.ok(201);
    let digest = failed["digest"].as_str().unwrap();
    let failed = settled(&admin, "", digest).await;
    assert_eq!(failed["state"], "failed");
    assert!(failed["reason"].as_str().unwrap().contains("no room"), "{failed}");
    let wanted = json!({"plugins": [{"digest": digest}]});
    let answer = admin.put(&of_hook("validation"), wanted).await;
    assert!(answer.problem(409).contains("is failed"), "{}", answer.json);

    std::fs::remove_file(&fail).unwrap();
    upload(&admin, "", REVIEWER).await.ok(200);
    let ready = settled(&admin, "", digest).await;
    assert_eq!((&ready["state"], &ready["reason"]), (&json!("ready"), &Value::Null));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_bound_is_compiled_anew_where_its_native_code_is_gone() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let compiler = obedient(folder.path());
    let app = App::with_compiler(Arc::clone(&folder), compiler.clone()).await;
    let admin = app.admin();
    let digest = uploaded(&admin, "", REVIEWER).await;
    let no_99 = json!({"plugins": [{"digest": digest, "settings": {"behaviour": "no-99"}}]});
    admin.put(&of_hook("validation"), no_99).await.ok(200);
    app.stop().await;
    // The cache of the defaults lies in the data folder.
    let cache = planwright_server::data_dir::DataDir::open(&folder.path().join("data")).unwrap();
    let mut removed = 0;
    for file in std::fs::read_dir(cache.plugin_cache()).unwrap() {
        let file = file.unwrap();
        if file.file_name().to_str().unwrap().starts_with(&digest) {
            std::fs::remove_file(file.path()).unwrap();
            removed += 1;
        }
    }
    assert_eq!(removed, 1);

    let hold = folder.path().join("hold");
    std::fs::write(&hold, "").unwrap();
    let started = tokio::spawn(App::with_compiler(folder, compiler));
    let app = started.await.unwrap();
    let admin = app.admin();
    let answer = admin.post(ADMIN_PLANS, plan("basic")).await;
    let detail = answer.problem(503);
    assert!(detail.contains("planwright-test-validation"), "{detail}");
    assert!(detail.contains("is being compiled"), "{detail}");
    admin.get("/api/v1/admin/template-packs").await.ok(200);
    // Whoever looks is told, and it is not bound a second time meanwhile.
    for path in [format!("{PLUGINS}/{digest}"), PLUGINS.to_owned()] {
        let shown = admin.get(&path).await.ok(200);
        let plugin = shown["items"].get(0).unwrap_or(&shown);
        assert_eq!((&plugin["state"], &plugin["reason"]), (&json!("compiling"), &Value::Null));
    }
    let mut unready = app.stranger().get("/readyz").await;
    while unready.json["reason"] == "the plugins are being looked through" {
        tokio::time::sleep(Duration::from_millis(10)).await;
        unready = app.stranger().get("/readyz").await;
    }
    assert_eq!(unready.status, 503);
    assert_eq!(unready.json["reason"], "plugins that are bound are being compiled: 1");
    let wanted = json!({"plugins": [{"digest": digest}]});
    let answer = admin.put(&of_hook("validation"), wanted).await;
    assert!(answer.problem(409).contains("is compiling"), "{}", answer.json);

    std::fs::remove_file(&hold).unwrap();
    assert_eq!(settled(&admin, "", &digest).await["state"], "ready");
    app.ready().await;
    admin.post(ADMIN_PLANS, plan("basic")).await.ok(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_component_is_kept_in_small_commits_and_others_commit_between_them() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let app = App::with_compiler(Arc::clone(&folder), obedient(folder.path())).await;
    std::fs::write(folder.path().join("hold"), "").unwrap();
    let admin = app.admin();
    let component = components::large(3_000_000, 1);
    let before = app.change_sets();
    let digest = {
        let (by, component) = (admin.clone(), component.clone());
        let uploading = tokio::spawn(async move { upload(&by, "", &component).await });
        while app.change_sets() == before {
            tokio::task::yield_now().await;
        }
        for number in 0..10 {
            admin.post(ADMIN_PLANS, plan(&format!("p{number}"))).await.ok(201);
        }
        assert!(!uploading.is_finished());
        uploading.await.unwrap().ok(201)["digest"].as_str().unwrap().to_owned()
    };
    // Each part, the mark before them, what names them, and the plans.
    let parts = u64::try_from(component.len().div_ceil(124 << 10)).unwrap();
    assert_eq!(app.change_sets() - before, parts + 2 + 10);
    assert_eq!(admin.get(&format!("{PLUGINS}/{digest}")).await.ok(200)["state"], "compiling");
    let (_folder, file) = app.stop().await;
    assert_agrees(&file).await;
}

/// Uploads that were promised and hang.
async fn hanging(actor: &Actor, app: &App, count: usize) -> Vec<TcpStream> {
    let token = actor.token();
    let head = format!(
        "POST {PLUGINS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/wasm\r\nContent-Length: 100000\r\n\r\n0123456789"
    );
    let mut hanging = Vec::new();
    for _ in 0..count {
        let mut stream = TcpStream::connect(app.address()).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        hanging.push(stream);
    }
    hanging
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_hangs_holds_up_nobody_elses() {
    let app = App::start().await;
    app.make_tenants(&["acme", "bakery"]).await;
    let [acme, bakery] = ["acme", "bakery"].map(|tenant| app.of_tenant(tenant, "a", "admin"));
    let held = hanging(&acme, &app, 12).await;
    // All of them are there by the time of an answer that came after them.
    acme.get(PLUGINS).await.ok(200);
    for number in 0..4 {
        let began = Instant::now();
        upload(&bakery, "", &variant(REVIEWER, number)).await.ok(201);
        assert!(began.elapsed() < Duration::from_secs(15), "it waited for acme's");
    }
    drop(held);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_uploads_at_once_wait_for_one_another() {
    let app = App::start().await;
    let mut uploads = tokio::task::JoinSet::new();
    for number in 0..12 {
        let admin = app.admin();
        uploads.spawn(async move { upload(&admin, "", &variant(REVIEWER, number)).await.ok(201) });
    }
    assert_eq!(uploads.join_all().await.len(), 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_nobody_has_bound_keeps_no_server_from_being_ready() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let app = App::with_compiler(Arc::clone(&folder), obedient(folder.path())).await;
    let hold = folder.path().join("hold");
    std::fs::write(&hold, "").unwrap();
    upload(&app.admin(), "", REVIEWER).await.ok(201);
    app.stranger().get("/readyz").await.ok(200);
    std::fs::remove_file(&hold).unwrap();
}

#[tokio::test]
async fn uploads_may_be_switched_off() {
    let app = App::with(|config: &mut Config| config.plugins.most_uploaded = 0).await;
    let answer = upload(&app.admin(), "", REVIEWER).await;
    assert!(answer.problem(409).contains("There are 0 plugins"), "{}", answer.json);
}
