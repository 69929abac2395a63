//! The compiler is another process: whatever it does, an error says so and nothing is left behind.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use planwright_domain::plugin::About;
use planwright_plugin_host::{Hook, HostConfig, PluginError, PluginHost};

use super::{IDENTITY, candidate, config, new_id, now};
use crate::components;
use crate::harness::process::PLANWRIGHT;

fn own_cache(folder: &Path) -> HostConfig {
    HostConfig { cache_dir: folder.to_owned(), ..config() }
}

fn compiler(command: &[&str]) -> Vec<OsString> {
    command.iter().map(OsString::from).collect()
}

async fn failure(config: HostConfig) -> String {
    let host = PluginHost::new(config).unwrap();
    let wanted = candidate(Hook::Identity, IDENTITY, "{}");
    let error = host.load(wanted, now()).await.unwrap_err();
    if !matches!(error, PluginError::Io { .. }) {
        assert_eq!(error.plugin(), Some("identity plugin 'candidate.wasm'"));
    }
    error.to_string()
}

#[tokio::test]
async fn a_compiler_that_fails_says_why() {
    let folder = tempfile::tempdir().unwrap();
    for (command, part) in [
        (&["/bin/sh", "-c", "echo 'no room' >&2; exit 1"][..], "no room"),
        (&["/bin/sh", "-c", "kill -6 $$"], "stopped by signal 6"),
        (&["/bin/sh", "-c", "exit 0"], "does not fit this host"),
        (&["/bin/cat"], "does not fit this host"),
        (&["/nowhere/compiler"], "could not start the compiler"),
        (&[], "no compiler command"),
    ] {
        let said =
            failure(HostConfig { compiler: compiler(command), ..own_cache(folder.path()) }).await;
        assert!(said.contains(part), "{command:?}: {said}");
    }
}

#[tokio::test]
async fn a_compiler_that_writes_without_end_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = own_cache(folder.path());
    config.compiler = compiler(&["/bin/cat", "/dev/zero"]);
    config.limits.compiled_bytes = 1 << 20;
    let said = failure(config).await;
    assert!(said.contains("larger than 1 MiB"), "{said}");
}

#[tokio::test]
async fn a_compiler_that_gets_nowhere_is_killed_and_its_component_not_blamed() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = own_cache(folder.path());
    let pid_file = folder.path().join("pid");
    let script = format!("echo $$ > {}; exec sleep 600", pid_file.display());
    config.compiler = compiler(&["/bin/sh", "-c", &script]);
    config.limits.compile_time = Duration::from_millis(500);
    config.limits.compile_patience = 1;
    let said = failure(config).await;
    assert!(
        said.contains("this server was too busy") && said.contains("Upload it again"),
        "{said}"
    );

    let pid = std::fs::read_to_string(pid_file).unwrap();
    let proc = Path::new("/proc").join(pid.trim());
    for _ in 0..500 {
        if !proc.exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the compiler runs on");
}

#[tokio::test]
async fn a_component_that_is_too_much_work_is_given_up_whoever_else_is_busy() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = own_cache(folder.path());
    config.limits.compile_time = Duration::from_secs(1);
    config.limits.compile_patience = 600;
    let host = PluginHost::new(config).unwrap();
    let said = prepare(&host, components::hostile(1)).await.unwrap_err().to_string();
    assert!(said.contains("took more than 1 seconds of a processor"), "{said}");
}

/// As an upload is.
async fn prepare(host: &PluginHost, component: Vec<u8>) -> Result<About, PluginError> {
    let component = Bytes::from(component);
    let turn = host.turn("acme", component.len()).await;
    let digest = host.inspect(component.clone()).await?.digest;
    host.prepare(turn, Hook::Validation, &digest, component, now()).await
}

/// The scheduling policy of every thread of a process, as Linux counts them.
#[cfg(target_os = "linux")]
fn policies(pid: &str) -> Vec<String> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let stats =
        threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("stat")).ok());
    // The name, in brackets, is the second field, and may have spaces in it; the policy is the 41st.
    let policy = |stat: String| stat.rsplit(") ").next()?.split(' ').nth(38).map(str::to_owned);
    stats.filter_map(policy).collect()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_uploaded_is_compiled_in_the_time_that_nobody_else_wants() {
    const IDLE: &str = "5";
    let folder = tempfile::tempdir().unwrap();
    let mut config = own_cache(folder.path());
    let pid_file = folder.path().join("pid");
    let script =
        format!("echo $$ > '{}'; exec '{PLANWRIGHT}' compile-component", pid_file.display());
    config.compiler = compiler(&["/bin/sh", "-c", &script]);
    let host = PluginHost::new(config).unwrap();
    let preparing =
        tokio::spawn(
            async move { prepare(&host, components::large(4_000_000, 1)).await.map(drop) },
        );
    let seen = async {
        loop {
            let pid = std::fs::read_to_string(&pid_file).unwrap_or_default();
            let threads = policies(pid.trim());
            // The first one reads, the other compiles.
            if threads.len() > 1 && threads.iter().all(|policy| policy == IDLE) {
                return;
            }
            assert!(!preparing.is_finished(), "it was compiled under {threads:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), seen).await.unwrap();
    preparing.abort();
}

#[tokio::test]
async fn a_small_component_that_takes_long_goes_on_where_it_is_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = own_cache(folder.path());
    let turns = folder.path().join("turns");
    // The first time it sleeps, and then it compiles. It says how many threads it may have.
    let script = format!(
        "echo $RAYON_NUM_THREADS >> '{0}'; [ $(wc -l < '{0}') = 1 ] && exec sleep 600; \
         exec '{PLANWRIGHT}' compile-component",
        turns.display()
    );
    config.compiler = compiler(&["/bin/sh", "-c", &script]);
    config.limits.light_compile_time = Duration::from_millis(300);
    config.limits.compile_patience = 1;
    let host = PluginHost::new(config).unwrap();
    let loaded = host.load(candidate(Hook::Identity, IDENTITY, "{}"), now()).await.unwrap();
    new_id(&loaded).await.unwrap();
    assert_eq!(std::fs::read_to_string(turns).unwrap(), "2\n1\n");
}

#[tokio::test]
async fn a_compiler_that_wants_too_much_memory_gets_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = own_cache(folder.path());
    config.limits.compile_memory_bytes = 24 << 20;
    let said = failure(config).await;
    assert!(said.contains("could not be compiled"), "{said}");
}

#[tokio::test]
async fn compiled_code_is_kept_and_a_forged_file_is_compiled_anew() {
    let folder = tempfile::tempdir().unwrap();
    let load = async |config| {
        let host = PluginHost::new(config).unwrap();
        host.load(candidate(Hook::Identity, IDENTITY, "{}"), now()).await
    };
    load(own_cache(folder.path())).await.unwrap();
    let without_compiler =
        HostConfig { compiler: compiler(&["/bin/false"]), ..own_cache(folder.path()) };
    let kept = load(without_compiler.clone()).await.unwrap();
    new_id(&kept).await.unwrap();

    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let path = files[0].as_ref().unwrap().path();
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    load(without_compiler.clone()).await.unwrap_err();
    load(own_cache(folder.path())).await.unwrap();
    load(without_compiler).await.unwrap();

    let other_key = HostConfig {
        compiler: compiler(&["/bin/false"]),
        cache_key: [8; 32],
        ..own_cache(folder.path())
    };
    load(other_key).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_that_share_a_cache_do_not_disturb_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let loads: Vec<_> = (0..4)
        .map(|_| {
            let host = PluginHost::new(own_cache(folder.path())).unwrap();
            let wanted = candidate(Hook::Identity, IDENTITY, "{}");
            tokio::spawn(async move { host.load(wanted, now()).await })
        })
        .collect();
    for load in loads {
        new_id(&load.await.unwrap().unwrap()).await.unwrap();
    }
}
