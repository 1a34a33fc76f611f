//! Through a proxy, which here is the server itself.

use camunda_backup_core::transport::TransportConfig;
use camunda_backup_core::transport::reqwest::ReqwestTransport;
use camunda_backup_core::{Auth, Endpoint, ErrorKind, Outcome, Secret};

use crate::server::{OK, Server, nobody};
use crate::{client_over, get, transport};

fn through(proxy: &str, no_proxy: Option<&str>) -> TransportConfig {
    TransportConfig {
        proxy: Some(Endpoint::new(proxy).unwrap()),
        no_proxy: no_proxy.map(str::to_owned),
        ..TransportConfig::default()
    }
}

#[tokio::test]
async fn plain_requests_go_to_the_proxy_with_its_credentials() {
    let proxy = Server::always(OK).await;
    let url = proxy.url().replace("http://", "http://jo:p%40ss@");
    let client = client_over(transport(through(&url, None)), "http://u:v@zeebe.invalid:9600/p");
    client.send(get()).await.unwrap();
    let request = proxy.seen.requests().remove(0);
    assert!(request.starts_with("get http://zeebe.invalid:9600/p/x http/1.1\r\n"), "{request}");
    assert!(request.contains("proxy-authorization: basic am86cebzcw==\r\n"), "{request}");
    assert!(request.contains("authorization: basic dtp2\r\n"), "{request}");
}

#[tokio::test]
async fn hosts_can_be_exempt_from_the_proxy() {
    let (proxy, server) = (Server::always(OK).await, Server::always(OK).await);
    let config = through(&proxy.url(), Some("10.0.0.0/8, 127.0.0.1"));
    client_over(transport(config), &server.url()).send(get()).await.unwrap();
    assert_eq!((proxy.seen.connections(), server.seen.requests().len()), (0, 1));
}

#[tokio::test]
async fn a_proxy_that_opens_no_tunnel_means_that_nothing_was_sent() {
    let refusing = "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
    let proxy = Server::always(refusing).await;
    let client = client_over(transport(through(&proxy.url(), None)), "https://zeebe.invalid:9600");
    let error = client.send(get()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Connect, Outcome::NotSent));
    let requests = proxy.seen.requests();
    assert!(requests[0].starts_with("connect zeebe.invalid:9600 http/1.1\r\n"), "{requests:?}");

    let client = client_over(transport(through(&proxy.url(), None)), "http://zeebe.invalid:9600");
    let error = client.send(get()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(error.advice().is_some_and(|advice| advice.contains("proxy")));
}

#[tokio::test]
async fn a_proxy_that_is_away_means_that_nothing_was_sent() {
    let client = client_over(transport(through(&nobody().await, None)), "http://zeebe.invalid:9600");
    let error = client.send(get()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Connect, Outcome::NotSent));
}

#[test]
fn a_proxy_takes_basic_credentials_only() {
    let proxy = Endpoint::new("http://proxy").unwrap().with_auth(Auth::Bearer(Secret::new("t")));
    let config = TransportConfig { proxy: Some(proxy), ..TransportConfig::default() };
    assert_eq!(ReqwestTransport::new(config).unwrap_err().kind(), ErrorKind::Config);
}
