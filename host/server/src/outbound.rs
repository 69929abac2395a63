//! Calls to other servers, over HTTP and HTTPS.

use reqwest::{ClientBuilder, redirect};

/// A client that goes to the server that it is told, and to no other: it follows no redirect and asks no proxy. Who
/// is on the other side is checked against the certificates that the operating system trusts.
pub fn client() -> ClientBuilder {
    // Whoever came first has installed the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(redirect::Policy::none()).no_proxy()
}
