//! Bodies, times and numbers of requests are bounded, and every refusal is a whole problem.

use std::time::Duration;

use planwright_server::outbound;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{ADMIN_PLANS, of_plan, plan};
use crate::harness::App;

#[tokio::test]
async fn a_body_that_is_too_large_is_413() {
    let app = App::with(|config| config.limits.body_bytes = 1_000).await;
    let body = format!("{{\"name\":\"{}\"}}", "x".repeat(1_000));
    let answer = app.admin().send(Method::POST, ADMIN_PLANS, &body).await;
    assert!(answer.problem(413).contains("1000 bytes"), "{}", answer.json);
}

#[tokio::test]
async fn malformed_json_is_400_with_the_field() {
    let app = App::start().await;
    for (body, field) in [
        ("", ""),
        ("{", ""),
        ("[]", ""),
        ("[null,\"A\",null]", ""),
        ("{\"quotas\":{\"images\":1,\"images\":2}}", "quotas"),
        ("{\"name\":}", ""),
        ("{\"name\":\"a\",\"name\":\"b\"}", "name"),
        ("{\"quotas\":{\"requests\":\"x\"}}", "quotas.requests"),
    ] {
        let answer = app.admin().send(Method::POST, ADMIN_PLANS, body).await;
        answer.problem(400);
        assert_eq!(answer.field_errors()[0].0, field, "{body}: {}", answer.json);
    }
}

#[tokio::test]
async fn a_body_that_says_that_it_is_no_json_is_not_read_as_json() {
    let app = App::start().await;
    let admin = app.admin();
    let body = json!({"name": "A", "price": 1, "interval": "month"}).to_string();
    let post = async |header: (&str, &str)| {
        admin.send_with(&[header], Method::POST, ADMIN_PLANS, &body).await
    };
    for header in [("content-type", "application/json; charset=utf-8"), ("x-other", "text/plain")] {
        post(header).await.ok(201);
    }
    for (name, value, field) in [
        ("content-type", "text/plain", "Content-Type"),
        ("content-type", "application/json; charset=utf-16", "Content-Type"),
        ("content-encoding", "gzip", "Content-Encoding"),
    ] {
        let answer = post((name, value)).await;
        answer.problem(400);
        assert_eq!(answer.field_errors()[0].0, field, "{value}");
    }
    // Where there is no body, it has no kind.
    admin.post(ADMIN_PLANS, plan("basic")).await.ok(201);
    let toggle = format!("{}/toggle", of_plan("basic"));
    admin.send_with(&[("content-type", "text/plain")], Method::PATCH, &toggle, "").await.ok(200);
}

#[tokio::test]
async fn fields_are_refused_where_nobody_heeds_them() {
    let app = App::start().await;
    let admin = app.admin();
    admin.post(ADMIN_PLANS, plan("basic")).await.ok(201);
    let toggle = format!("{}/toggle", of_plan("basic"));
    for (body, expected) in [
        ("", false),
        ("{}", true),
        ("{\"is_active\": true}", true),
        ("garbage", true),
        ("null", true),
        ("{\"x\": 1}", true),
        ("", false),
    ] {
        let answer = admin.send(Method::PATCH, &toggle, body).await;
        if body.len() > 2 {
            answer.problem(400);
        } else {
            assert_eq!(answer.ok(200)["is_active"], expected);
        }
    }
}

#[tokio::test]
async fn a_body_that_is_large_and_wrong_is_told_so_and_fails_no_plugin() {
    let app = App::start().await;
    let long = "x".repeat(100_000);
    let map = |value: &str| {
        let entries: Vec<String> = (0..30_000).map(|at| format!("\"k{at}\":{value}")).collect();
        entries.join(",")
    };
    for field in [
        format!("\"features\":[{}]", vec!["\"f\""; 100_000].join(",")),
        format!("\"quotas\":{{{}}}", map("1")),
        format!("\"metadata\":{{{}}}", map("\"v\"")),
        format!("\"overage\":{{{}}}", map("\"bill\"")),
        format!("\"quotas\":{{\"{long}\":1}}"),
        format!("\"metadata\":{{\"{long}\":\"{long}\"}}"),
        format!("\"description\":\"{}\"", long.repeat(9)),
        format!("\"currency\":\"{long}\""),
        format!("\"id\":\"{long}\""),
        "\"price\":92233720368547758.08".to_owned(),
        "\"price\":1e28".to_owned(),
        format!("\"features\":[{}]", vec!["\"f\""; 200_000].join(",")),
    ] {
        let body = format!("{{\"name\":\"A\",\"price\":1,\"interval\":\"month\",{field}}}");
        let answer = app.admin().send(Method::POST, ADMIN_PLANS, &body).await;
        answer.problem(400);
    }
    // A name is what the identity plugin sees first.
    let body = format!("{{\"name\":\"{}\",\"price\":1,\"interval\":\"month\"}}", long.repeat(10));
    app.admin().send(Method::POST, ADMIN_PLANS, &body).await.problem(400);
}

#[tokio::test]
async fn unknown_routes_and_methods_are_problems_too() {
    let app = App::start().await;
    let admin = app.admin();
    admin.get("/api/v1/nothing").await.problem(404);
    admin.get("/").await.problem(404);
    admin.get(&format!("{ADMIN_PLANS}/%FF")).await.problem(400);
    app.stranger().send(Method::POST, "/healthz", "").await.problem(405);
    let answer = admin.send(Method::DELETE, ADMIN_PLANS, "").await;
    answer.problem(405);
    assert_eq!(answer.headers["allow"], "GET,HEAD,POST");
}

#[tokio::test]
async fn health_needs_no_credentials() {
    let app = App::start().await;
    assert_eq!(app.stranger().get("/healthz").await.ok(200)["status"], "ok");
    app.ready().await;
    assert_eq!(app.stranger().get("/readyz").await.ok(200)["status"], "ready");
    app.covers(&["server_live", "server_ready"]);
}

#[tokio::test]
async fn a_server_whose_data_folder_is_gone_is_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let app = App::with(|config| config.server.data_dir = data.clone()).await;
    app.ready().await;
    let moved = folder.path().join("moved");
    std::fs::rename(&data, &moved).unwrap();
    let answer = app.stranger().get("/readyz").await.ok(503);
    assert_eq!(answer["reason"], "the data folder is gone, or another is in its place");
    app.stranger().get("/healthz").await.ok(200);
    std::fs::rename(&moved, &data).unwrap();
    app.stranger().get("/readyz").await.ok(200);
}

#[tokio::test]
async fn more_requests_than_there_are_places_for_are_told_to_come_again() {
    let app = App::with(|config| {
        config.limits.concurrent_requests = 1;
        config.limits.body_seconds = 5;
    })
    .await;
    let mut slow = slow_request(&app).await;
    // The slow one has the only place as soon as its head is read.
    let mut answer = app.admin().get(ADMIN_PLANS).await;
    for _ in 0..100 {
        if answer.status == 503 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        answer = app.admin().get(ADMIN_PLANS).await;
    }
    answer.problem(503);
    assert_eq!(answer.headers["retry-after"], "1");
    app.stranger().get("/healthz").await.ok(200);
    slow.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_408() {
    let app = App::with(|config| config.limits.body_seconds = 1).await;
    let mut slow = slow_request(&app).await;
    let mut answer = vec![0; 4_096];
    let count = slow.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..count]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn a_head_that_does_not_arrive_is_cut_off() {
    let app = App::with(|config| config.limits.header_seconds = 1).await;
    let mut slow = TcpStream::connect(app.address()).await.unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    let mut rest = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(30), slow.read_to_end(&mut rest)).await;
    assert!(read.is_ok(), "the connection is still open");
}

#[tokio::test]
async fn what_is_no_request_yet_is_answered_by_its_status_alone() {
    let app = App::start().await;
    let long = |length: usize| "x".repeat(length);
    let headers = |count: usize, value: &str| format!("X-More: {value}\r\n").repeat(count);
    for (line, more, status) in [
        ("GET /healthz HTTP/1.1", headers(90, "x"), "200"),
        ("GET /healthz HTTP/1.1", headers(1, &long(30 << 10)), "200"),
        ("GET /healthz", String::new(), "400"),
        ("GET /healthz HTTP/1.1", "X More: x\r\n".to_owned(), "400"),
        (&format!("GET /{} HTTP/1.1", long(65 << 10)), String::new(), "414"),
        ("GET /healthz HTTP/1.1", headers(101, "x"), "431"),
        ("GET /healthz HTTP/1.1", headers(1, &long(160 << 10)), "431"),
    ] {
        let mut stream = TcpStream::connect(app.address()).await.unwrap();
        let head = format!("{line}\r\nHost: x\r\nConnection: close\r\n{more}\r\n");
        // What is refused on the way is not read to its end.
        let _ = stream.write_all(head.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) =
            answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{line}: {answer}"));
        assert_eq!(
            head.split(' ').nth(1),
            Some(status),
            "{} bytes: {head}",
            line.len() + more.len()
        );
        assert_eq!(body.is_empty(), status != "200", "{status}: {body}");
    }
}

/// A POST whose body is promised and not sent.
async fn slow_request(app: &App) -> TcpStream {
    let admin = app.admin();
    let token = admin.token();
    let head = format!(
        "POST {ADMIN_PLANS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Length: 100\r\n\r\n"
    );
    let mut stream = TcpStream::connect(app.address()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let app = App::with(|config| config.limits.write_seconds = 1).await;
    let mut deaf = TcpStream::connect(app.address()).await.unwrap();
    let asked = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1_000);
    // The server reads on as long as its answers find room; then it waits, and no longer than it may.
    let cut_off = async { while deaf.write_all(&asked).await.is_ok() {} };
    let waited = tokio::time::timeout(Duration::from_secs(60), cut_off).await;
    assert!(waited.is_ok(), "the connection is still open");
}

#[tokio::test]
async fn a_request_id_is_taken_if_it_is_sound_and_made_if_not() {
    let app = App::start().await;
    let client = outbound::client().build().unwrap();
    for (given, taken) in [("abc-123", true), ("a b", false), (&"x".repeat(65), false)] {
        let url = format!("http://{}/nothing", app.address());
        let answer = client.get(url).header("x-request-id", given).send().await.unwrap();
        let id = answer.headers()["x-request-id"].to_str().unwrap();
        assert_eq!(id == given, taken, "{given}: {id}");
        assert!(!id.is_empty());
    }
}
