//! Somebody's endpoint: notes what it is sent, and answers as it is told. Signatures are checked by what Standard
//! Webhooks says, with nothing of ours.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use sha2::Sha256;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How it answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    Status(u16),
    /// To another path of its own.
    Redirect,
    /// Not at all.
    Hang,
}

/// What it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) path: String,
    pub(crate) id: String,
    timestamp: String,
    pub(crate) signatures: Vec<String>,
    body: String,
}

impl Call {
    /// Whether one of its signatures is by a secret.
    pub(crate) fn is_signed_by(&self, secret: &str) -> bool {
        let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{}.{}.{}", self.id, self.timestamp, self.body).as_bytes());
        let expected = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
        self.signatures.contains(&expected)
    }

    pub(crate) fn payload(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn kind(&self) -> String {
        self.payload()["type"].as_str().unwrap().to_owned()
    }

    pub(crate) fn timestamp(&self) -> i64 {
        self.timestamp.parse().unwrap()
    }
}

#[derive(Default)]
struct Notes {
    calls: Mutex<Vec<Call>>,
    /// One for each call; 200 when there are no more.
    answers: Mutex<VecDeque<How>>,
}

/// A running endpoint.
#[derive(Clone)]
pub(crate) struct Receiver {
    address: SocketAddr,
    notes: Arc<Notes>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let notes = Arc::<Notes>::default();
        let router = Router::new().fallback(take).with_state(Arc::clone(&notes));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, notes }
    }

    /// Over TLS, as `localhost`, with a certificate that only the tests' own authority vouches for.
    pub(crate) async fn start_secure() -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let notes = Arc::<Notes>::default();
        let router = Router::new().fallback(take).with_state(Arc::clone(&notes));
        let listener = Secure { tcp, acceptor: acceptor() };
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, notes }
    }

    /// Where one over TLS is.
    pub(crate) fn secure_url(&self) -> String {
        format!("https://localhost:{}/hooks", self.address.port())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    /// By a name that leads to this machine.
    pub(crate) fn named_url(&self) -> String {
        format!("http://localhost:{}/hooks", self.address.port())
    }

    /// How the next calls are answered.
    pub(crate) fn answers(&self, answers: &[How]) {
        self.notes.answers.lock().unwrap().extend(answers);
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.notes.calls.lock().unwrap().clone()
    }

    /// What it was sent, once that is so much.
    pub(crate) async fn calls_when(&self, count: usize) -> Vec<Call> {
        let began = Instant::now();
        loop {
            let calls = self.calls();
            if calls.len() >= count {
                return calls;
            }
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "{count} calls, and only {calls:#?}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Connections over TLS; who does not want one is let go.
struct Secure {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Secure {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, from) = Listener::accept(&mut self.tcp).await;
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, from);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(key("tls.pem")).unwrap();
    let private_key = PrivateKeyDer::from_pem_file(key("tls.private.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], private_key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// A file of those that tests sign with.
pub(crate) fn key(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("keys").join(name)
}

async fn take(
    State(notes): State<Arc<Notes>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    assert_eq!(
        (method, headers["content-type"].to_str().unwrap()),
        (Method::POST, "application/json")
    );
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    let call = Call {
        path: uri.path().to_owned(),
        id: text("webhook-id"),
        timestamp: text("webhook-timestamp"),
        signatures: text("webhook-signature").split(' ').map(str::to_owned).collect(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    notes.calls.lock().unwrap().push(call);
    let how = notes.answers.lock().unwrap().pop_front();
    match how.unwrap_or(How::Status(200)) {
        How::Status(status) => {
            (axum::http::StatusCode::from_u16(status).unwrap(), "said so").into_response()
        }
        How::Redirect => axum::response::Redirect::temporary("/elsewhere").into_response(),
        How::Hang => std::future::pending().await,
    }
}
