//! The reqwest transport and the HTTP client against real sockets. What mockito cannot do, a raw TCP server does.
#![allow(missing_docs)]
// Helpers outside `#[test]` functions may fail a test, too.
#![allow(clippy::unwrap_used, clippy::panic)]

mod answers;
mod broken;
mod certificates;
mod connections;
mod endpoint_tls;
mod oidc;
mod proxy;
mod server;
mod taint;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use camunda_backup_core::transport::reqwest::ReqwestTransport;
use camunda_backup_core::transport::{Timeouts, Transport, TransportConfig};
use camunda_backup_core::{Call, Component, Effect, Endpoint, HttpClient};

/// Limits that a healthy loopback never reaches and that a test need not wait for long.
const SHORT: Timeouts = Timeouts {
    connect: Duration::from_secs(5),
    read: Duration::from_millis(300),
    total: Duration::from_secs(20),
};

fn transport(config: TransportConfig) -> Arc<dyn Transport> {
    Arc::new(ReqwestTransport::new(config).unwrap())
}

fn client_over(transport: Arc<dyn Transport>, url: &str) -> HttpClient {
    HttpClient::new(transport, Component::Zeebe, Endpoint::new(url).unwrap()).unwrap()
}

fn client(url: &str) -> HttpClient {
    client_over(transport(TransportConfig::default()), url)
}

/// A GET that is sent once: these tests look at single exchanges.
fn get() -> Call {
    Call::get("test.get", "/x").max_retries(0)
}

fn once() -> Call {
    Call::post("test.post", Effect::Once, "/x")
}
