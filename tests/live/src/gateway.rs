//! A stand-alone gateway: one more way into the same cluster, and one that can die without a broker.

use std::process::Command;

use anyhow::Result;

use crate::around::{Around, small_java};
use crate::broker::{Broker, CLUSTER_NAME};
use crate::ports::Ports;
use crate::server::command;

pub const NAME: &str = "gateway";

/// Its addresses.
#[derive(Clone, Copy)]
pub struct Gateway {
    internal: u16,
    grpc: u16,
    rest: u16,
    management: u16,
}

impl Gateway {
    pub fn new(ports: &mut Ports) -> Result<Self> {
        Ok(Self {
            internal: ports.next()?,
            grpc: ports.next()?,
            rest: ports.next()?,
            management: ports.next()?,
        })
    }

    pub fn rest_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.rest)
    }

    pub fn management_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.management)
    }

    pub fn command(&self, around: &Around<'_>) -> Result<Command> {
        let temp = around.work.folder(&format!("{NAME}/tmp"))?;
        let contacts: Vec<String> = around.brokers.iter().map(Broker::internal_address).collect();
        let mut command = command(&around.sources.camunda.join("bin/gateway"), None);
        command
            .current_dir(around.work.folder(NAME)?)
            .env("JAVA_HOME", &around.sources.camunda_java)
            .env("JAVA_OPTS", small_java("192m", &temp))
            .envs([
                ("SERVER_ADDRESS", "127.0.0.1".to_owned()),
                ("SERVER_PORT", self.rest.to_string()),
                ("MANAGEMENT_SERVER_ADDRESS", "127.0.0.1".to_owned()),
                ("MANAGEMENT_SERVER_PORT", self.management.to_string()),
                ("CAMUNDA_REST_ENABLED", "true".to_owned()),
            ])
            .envs(
                [
                    ("NETWORK_HOST", "127.0.0.1".to_owned()),
                    ("NETWORK_PORT", self.grpc.to_string()),
                    ("CLUSTER_HOST", "127.0.0.1".to_owned()),
                    ("CLUSTER_ADVERTISEDHOST", "127.0.0.1".to_owned()),
                    ("CLUSTER_PORT", self.internal.to_string()),
                    ("CLUSTER_MEMBERID", NAME.to_owned()),
                    ("CLUSTER_CLUSTERNAME", CLUSTER_NAME.to_owned()),
                    ("CLUSTER_INITIALCONTACTPOINTS", contacts.join(",")),
                ]
                .map(|(key, value)| (format!("ZEEBE_GATEWAY_{key}"), value)),
            );
        Ok(command)
    }
}
