//! Looks into a store that no server has: `planwright check` holds its parts against each other, and what is
//! particular to these writers is counted here.

use std::collections::BTreeSet;
use std::path::Path;

use planwright_service::check;
use planwright_store::{Key, LogScan, Options, Part, RedbStore, Scan, Snapshot, Space, Store};
use serde_json::Value;

/// Whose subscription is live, after everything in the store was found to agree.
pub(super) async fn live_users(path: &Path) -> BTreeSet<String> {
    let store = RedbStore::open(path, Options::default()).unwrap();
    let report = check::run(&store, |_| {}).await.unwrap();
    assert!(report.is_clean(), "{:#?}", report.disagreements);

    let snapshot = store.snapshot().await.unwrap();
    let of = |family: &str| Key::in_space(&Space::Tenant("default".to_owned()), family);
    let all =
        async |name| snapshot.scan(&of(name).prefix(), Scan::first(usize::MAX)).await.unwrap();
    let entries = snapshot.log(&of("audit").key(), LogScan::oldest(usize::MAX)).await.unwrap();
    let grants = entries
        .iter()
        .filter(|entry| entry.decode::<Value>().unwrap()["action"] == "subscription_granted");
    let grants = grants.count();
    // Every user was given one plan, once.
    let live = all("live-subscription").await;
    assert_eq!(live.len(), grants, "live subscriptions against the audit log");
    assert_eq!(all("subscription").await.len(), grants, "subscriptions against the audit log");

    // The check is not blind: it has walked all that is here, and the tenant.
    let plans = all("plan").await.len();
    let walked = (usize::try_from(report.records), usize::try_from(report.log_entries));
    // A subscription has a record, a pointer, 3 places, what is due, its user, and the user's history.
    assert_eq!(walked, (Ok(plans + 8 * grants + 1), Ok(entries.len())));
    live.iter().map(|(key, _)| user_of(key)).collect()
}

fn user_of(key: &Key) -> String {
    match key.parts().first() {
        Some(Part::Text(user)) => user.clone(),
        other => panic!("{key:?} begins with {other:?}"),
    }
}
