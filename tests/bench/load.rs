//! Clients that send one request after another, each on a connection of its own.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// What every client sends, over and over.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) address: SocketAddr,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) token: String,
    pub(crate) body: Bytes,
    pub(crate) expected: StatusCode,
}

/// How it went.
pub(crate) struct Turn {
    pub(crate) a_second: f64,
    /// Latencies in microseconds, sorted.
    latencies: Vec<u64>,
}

impl Turn {
    /// The latency that this part of the requests stayed within, in microseconds.
    pub(crate) fn latency(&self, percent: usize) -> u64 {
        let at = self.latencies.len() * percent / 100;
        self.latencies.get(at).or(self.latencies.last()).copied().unwrap_or_default()
    }
}

/// Open connections, kept from one turn to the next.
pub(crate) struct Clients {
    ask: Ask,
    connections: Vec<SendRequest<Full<Bytes>>>,
}

impl Clients {
    pub(crate) async fn connect(ask: Ask, count: usize) -> Self {
        let mut connections = Vec::new();
        for _ in 0..count {
            let stream = TcpStream::connect(ask.address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            connections.push(sender);
        }
        Self { ask, connections }
    }

    /// The same clients on other connections: a server closes those that say nothing for long.
    pub(crate) async fn connect_again(&mut self) {
        *self = Self::connect(self.ask.clone(), self.connections.len()).await;
    }

    /// Each client sends once.
    pub(crate) async fn once(&mut self) {
        self.turn(Duration::ZERO).await;
    }

    /// All clients at once, for about as long as is asked.
    pub(crate) async fn turn(&mut self, time: Duration) -> Turn {
        let began = Instant::now();
        let mut working = tokio::task::JoinSet::new();
        for connection in self.connections.drain(..) {
            working.spawn(send_until(connection, self.ask.clone(), began + time));
        }
        let mut latencies = Vec::new();
        while let Some(done) = working.join_next().await {
            let (connection, own) = done.unwrap();
            self.connections.push(connection);
            latencies.extend(own);
        }
        let a_second = latencies.len() as f64 / began.elapsed().as_secs_f64();
        latencies.sort_unstable();
        Turn { a_second, latencies }
    }
}

async fn send_until(
    mut connection: SendRequest<Full<Bytes>>,
    ask: Ask,
    end: Instant,
) -> (SendRequest<Full<Bytes>>, Vec<u64>) {
    let mut latencies = Vec::new();
    loop {
        let request = Request::builder()
            .method(ask.method.clone())
            .uri(ask.path.as_str())
            .header(HOST, "bench")
            .header(AUTHORIZATION, format!("Bearer {}", ask.token))
            .header("content-type", "application/json")
            .body(Full::new(ask.body.clone()))
            .unwrap();
        let began = Instant::now();
        connection.ready().await.unwrap();
        let response = connection.send_request(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(status, ask.expected, "{}", String::from_utf8_lossy(&body));
        latencies.push(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
        if Instant::now() >= end {
            return (connection, latencies);
        }
    }
}
