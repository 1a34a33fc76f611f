//! Clients over an ordered script, for tests.

use std::sync::Arc;

use camunda_backup_core::transport::script::ScriptedTransport;
use camunda_backup_core::{BackupId, Component, Endpoint, HttpClient};

use crate::dialect::Dialect;

pub(crate) fn http(script: &ScriptedTransport, component: Component) -> HttpClient {
    let endpoint = Endpoint::new("http://camunda:9600").unwrap();
    HttpClient::new(Arc::new(script.clone()), component, endpoint).unwrap()
}

pub(crate) fn dialect(version: &str) -> Dialect {
    Dialect::for_version(&version.parse().unwrap()).unwrap()
}

pub(crate) fn id(id: i64) -> BackupId {
    BackupId::new(id).unwrap()
}

/// A script of one exchange.
pub(crate) fn one(request_line: &str, status: u16, body: &str) -> ScriptedTransport {
    ScriptedTransport::new().answer(request_line, status, body)
}
