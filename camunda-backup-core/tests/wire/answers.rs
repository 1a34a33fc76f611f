//! Whole answers: statuses, headers, compression, redirects, limits.

use std::io::Write as _;

use camunda_backup_core::transport::TransportConfig;
use camunda_backup_core::{Auth, Call, Component, Effect, Endpoint, ErrorKind, HttpClient, Outcome, Secret};
use flate2::Compression;
use flate2::write::GzEncoder;
use mockito::Matcher;
use serde_json::{Value, json};

use crate::server::{OK, Server};
use crate::{client, get, once, transport};

fn gzip(pieces: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for piece in pieces {
        encoder.write_all(&piece).unwrap();
    }
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_request_carries_what_the_call_and_the_endpoint_say() {
    let mut server = mockito::Server::new_async().await;
    let mock = server
        .mock("POST", "/operate/actuator/backups")
        .match_query(Matcher::Exact("a=b%20c".to_owned()))
        .match_header("authorization", "Basic am86cEBzcw==")
        .match_header("accept", "application/json")
        .match_header("content-type", "application/json")
        .match_header("accept-encoding", "gzip")
        .match_header("user-agent", concat!("camunda-backup/", env!("CARGO_PKG_VERSION")))
        .match_header("cookie", Matcher::Missing)
        .match_body(Matcher::Json(json!({"backupId": 5})))
        .with_status(202)
        .with_header("x-seen", "yes")
        .with_body(r#"{"scheduledSnapshots":[]}"#)
        .create_async()
        .await;
    let url = format!("http://jo:p%40ss@{}/operate/", server.host_with_port());
    let call = Call::post("operate.backups.create", Effect::Once, "/actuator/backups")
        .query("a", "b c")
        .json(&json!({"backupId": 5}))
        .unwrap();
    let response = client(&url).send(call).await.unwrap();
    assert_eq!((response.status.as_u16(), &response.headers["x-seen"]), (202, &"yes".parse().unwrap()));
    assert_eq!(&response.body[..], br#"{"scheduledSnapshots":[]}"#);
    mock.assert_async().await;
}

#[tokio::test]
async fn every_kind_of_credentials_has_its_header() {
    for (auth, header) in [
        (Auth::Bearer(Secret::new("t")), "authorization: bearer t\r\n"),
        (Auth::ApiKey(Secret::new("k")), "authorization: apikey k\r\n"),
    ] {
        let server = Server::always(OK).await;
        let endpoint = Endpoint::new(&server.url()).unwrap().with_auth(auth);
        let client =
            HttpClient::new(transport(TransportConfig::default()), Component::Store, endpoint).unwrap();
        client.send(get()).await.unwrap();
        assert!(server.seen.requests()[0].contains(header), "{:?}", server.seen.requests());
    }
}

#[tokio::test]
async fn a_post_without_body_says_so() {
    let server = Server::always(OK).await;
    client(&server.url()).send(once()).await.unwrap();
    let request = server.seen.requests().remove(0);
    assert!(request.starts_with("post /x http/1.1\r\n"), "{request}");
    assert!(request.contains("content-length: 0\r\n") && !request.contains("content-type"), "{request}");
    assert!(!request.contains("authorization"), "{request}");
}

#[tokio::test]
async fn every_status_is_an_answer() {
    let mut server = mockito::Server::new_async().await;
    let client = client(&server.url());
    for status in [400, 401, 403, 404, 409, 429, 500, 502, 503, 504] {
        let mock = server
            .mock("POST", "/x")
            .with_status(status)
            .with_body(format!(r#"{{"message":"said {status}"}}"#))
            .create_async()
            .await;
        let error = client.send(once()).await.unwrap_err();
        assert_eq!(error.status().map(|got| usize::from(got.as_u16())), Some(status));
        assert_eq!(error.server_said(), Some(format!("said {status}").as_str()));
        mock.assert_async().await;
        server.reset();
    }
}

#[tokio::test]
async fn a_503_is_asked_again_and_a_500_is_not() {
    let mut server = mockito::Server::new_async().await;
    let client = client(&server.url());
    let twice = get().max_retries(1);
    for (status, hits) in [(503, 2), (500, 1)] {
        let mock = server.mock("GET", "/x").with_status(status).expect(hits).create_async().await;
        let error = client.send(twice.clone()).await.unwrap_err();
        assert_eq!(error.retries() as usize, hits - 1);
        mock.assert_async().await;
        server.reset();
    }
}

#[tokio::test]
async fn gzip_is_unpacked_and_counted_unpacked() {
    let mut server = mockito::Server::new_async().await;
    let packed = gzip(std::iter::once(br#"{"id":5}"#.to_vec()));
    let _small = server
        .mock("GET", "/x")
        .with_header("content-encoding", "gzip")
        .with_body(packed)
        .create_async()
        .await;
    let value: Value = client(&server.url()).json(get()).await.unwrap();
    assert_eq!(value, json!({"id": 5}));

    let bomb = gzip((0..64).map(|_| vec![b' '; 1024 * 1024]));
    assert!(bomb.len() < 100_000, "packed it is within the limit: {}", bomb.len());
    let _big = server
        .mock("GET", "/bomb")
        .with_header("content-encoding", "gzip")
        .with_body(bomb)
        .create_async()
        .await;
    let call = Call::get("test.get", "/bomb").max_body(1_000_000);
    let error = client(&server.url()).send(call).await.unwrap_err();
    assert_eq!((error.kind(), error.retries()), (ErrorKind::BodyTooLarge, 0));
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_accepted() {
    let mut server = mockito::Server::new_async().await;
    let _mock = server.mock("GET", "/x").with_body("x".repeat(1000)).expect(2).create_async().await;
    let client = client(&server.url());
    assert_eq!(client.send(get().max_body(1000)).await.unwrap().body.len(), 1000);
    let error = client.send(get().max_body(999)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BodyTooLarge);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_takes_no_credentials_along() {
    let other = Server::always(OK).await;
    let mut server = mockito::Server::new_async().await;
    for (status, effect) in [
        (301, Effect::Read),
        (302, Effect::Once),
        (303, Effect::Once),
        (307, Effect::Once),
        (308, Effect::Idempotent),
    ] {
        let _mock = server
            .mock("POST", "/x")
            .with_status(status)
            .with_header("location", &format!("{}/login?session=secret", other.url()))
            .create_async()
            .await;
        let url = format!("http://jo:p%40ss@{}", server.host_with_port());
        let error = client(&url).send(Call::post("test.post", effect, "/x")).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::WrongComponent, Outcome::Refused));
        let text = error.report();
        assert!(text.contains(&format!("a redirect to {}", other.address)), "{text}");
        assert!(!text.contains("session"), "{text}");
        server.reset();
    }
    assert_eq!((other.seen.connections(), other.seen.requests()), (0, vec![]));
}
