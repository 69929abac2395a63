//! A receiver over TLS, as one out in the world is: who it is, is checked.

use serde_json::json;

use super::receiver::{Receiver, key};
use super::{WEBHOOKS, delivery_when, is_tried};
use crate::api::{ADMIN_PLANS, plan};
use crate::harness::process::Process;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_over_tls_goes_to_whom_the_system_trusts_and_to_nobody_else() {
    let receiver = Receiver::start_secure().await;
    let authority = key("tls-ca.pem");
    let allowed = ("PLANWRIGHT_WEBHOOKS_ALLOW_PRIVATE_NETWORKS", "true");
    let trusted = [allowed, ("SSL_CERT_FILE", authority.to_str().unwrap())];
    for environment in [&trusted[..], &trusted[..1]] {
        let folder = tempfile::tempdir().unwrap();
        let process = Process::start_with(folder.path(), environment);
        let admin = process.admin();
        let draft = json!({"url": receiver.secure_url(), "events": ["plan.created"]});
        let made = admin.post(WEBHOOKS, draft).await.ok(201);
        admin.post(ADMIN_PLANS, plan("pro")).await.ok(201);
        let tried = delivery_when(&admin, made["id"].as_str().unwrap(), is_tried(1)).await;
        let attempt = &tried["attempts"][0];
        if environment.len() == 2 {
            assert_eq!((&tried["state"], &attempt["status"]), (&json!("delivered"), &json!(200)));
            let calls = receiver.calls();
            assert_eq!((calls.len(), calls[0].kind().as_str()), (1, "plan.created"));
            assert!(calls[0].is_signed_by(made["secret"].as_str().unwrap()));
        } else {
            assert_eq!((&tried["state"], &attempt["status"]), (&json!("pending"), &json!(null)));
            let detail = attempt["detail"].as_str().unwrap();
            assert!(detail.contains("certificate"), "{detail}");
            assert_eq!(receiver.calls().len(), 1, "nothing is said to whom nobody knows");
        }
    }
}
