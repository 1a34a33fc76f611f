//! The token dance over real sockets; its timing is tested where it is written.

use camunda_backup_core::transport::TransportConfig;
use camunda_backup_core::{Auth, Call, Component, Endpoint, ErrorKind, HttpClient, Outcome};
use camunda_backup_core::{Secret, http_client::OidcConfig};

use crate::server::{OK, Server};
use crate::{once, transport};

const REFUSED: &str = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";

fn answer(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Hands out `token-1`, `token-2` … by connection and request.
async fn provider() -> Server {
    Server::start(|number, mut connection| async move {
        let mut count = 0;
        while connection.request().await.is_some() {
            count += 1;
            let token = format!(r#"{{"access_token":"token-{number}-{count}","expires_in":3600}}"#);
            connection.write(answer(&token)).await;
        }
    })
    .await
}

fn client(server: &Server, provider: &str) -> HttpClient {
    let mut config = OidcConfig::new(&format!("{provider}/token"), "me", Secret::new("s")).unwrap();
    config.audience = Some("zeebe api".to_owned());
    let endpoint = Endpoint::new(&server.url()).unwrap().with_auth(Auth::Oidc(config));
    HttpClient::new(transport(TransportConfig::default()), Component::Rest, endpoint).unwrap()
}

#[tokio::test]
async fn fifty_calls_take_one_token() {
    let (server, provider) = (Server::always(OK).await, provider().await);
    let client = client(&server, &provider.url());
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let client = client.clone();
        calls.spawn(async move { client.send(Call::get("test.get", "/x")).await.map(drop) });
    }
    while let Some(result) = calls.join_next().await {
        result.unwrap().unwrap();
    }
    let asked = provider.seen.requests();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].starts_with("post /token http/1.1\r\n"), "{asked:?}");
    assert!(asked[0].contains("content-type: application/x-www-form-urlencoded\r\n"), "{asked:?}");
    let form = "grant_type=client_credentials&client_id=me&client_secret=s&audience=zeebe+api";
    assert!(asked[0].ends_with(form), "{asked:?}");
    let used = server.seen.requests();
    assert_eq!(used.len(), 50);
    assert!(used.iter().all(|request| request.contains("authorization: bearer token-1-1\r\n")), "{used:?}");
}

#[tokio::test]
async fn an_expired_token_is_renewed_once_and_the_request_sent_again() {
    let server = Server::start(|_, mut connection| async move {
        while let Some(request) = connection.request().await {
            connection.write(if request.contains("token-1-1") { REFUSED } else { OK }).await;
        }
    })
    .await;
    let provider = provider().await;
    client(&server, &provider.url()).send(once()).await.unwrap();
    assert_eq!((server.seen.requests().len(), provider.seen.requests().len()), (2, 2));
}

#[tokio::test]
async fn a_provider_that_is_away_keeps_the_request_from_leaving() {
    let server = Server::always(OK).await;
    let error = client(&server, &crate::server::nobody().await).send(once()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Unavailable, Outcome::NotSent));
    assert_eq!(error.component(), Some(&Component::IdentityProvider));
    assert_eq!(server.seen.connections(), 0);
}
