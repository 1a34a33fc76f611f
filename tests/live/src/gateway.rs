//! A stand-alone gateway: one more way into the same cluster, and one that can die without a broker.

use std::process::Command;

use anyhow::Result;

use crate::broker::{Broker, CLUSTER_NAME};
use crate::ports::Ports;
use crate::server::command;
use crate::stack_context::{StackContext, small_java};
use crate::web::Web;

pub const NAME: &str = "gateway";

/// Its addresses.
#[derive(Clone, Copy)]
pub struct Gateway {
    internal: u16,
    grpc: u16,
    pub web: Web,
}

impl Gateway {
    pub fn new(ports: &mut Ports) -> Result<Self> {
        Ok(Self { internal: ports.next()?, grpc: ports.next()?, web: Web::new(ports)? })
    }

    pub fn command(&self, context: &StackContext<'_>) -> Result<Command> {
        let temp = context.work.folder(&format!("{NAME}/tmp"))?;
        let contacts: Vec<String> = context.brokers.iter().map(Broker::internal_address).collect();
        let mut command = command(&context.sources.camunda.join("bin/gateway"), None);
        command
            .current_dir(context.work.folder(NAME)?)
            .env("JAVA_HOME", &context.sources.camunda_java)
            .env("JAVA_OPTS", small_java("192m", &temp))
            .envs(self.web.environment())
            .env("CAMUNDA_REST_ENABLED", "true")
            .env("ZEEBE_GATEWAY_NETWORK_HOST", "127.0.0.1")
            .env("ZEEBE_GATEWAY_NETWORK_PORT", self.grpc.to_string())
            .envs(membership(NAME, self.internal, &contacts.join(",")));
        Ok(command)
    }
}

/// What makes a process a node of the cluster's network: a gateway, or Operate and Tasklist, which have one inside.
pub fn membership(name: &str, port: u16, contacts: &str) -> [(String, String); 6] {
    [
        ("HOST", "127.0.0.1"),
        ("ADVERTISEDHOST", "127.0.0.1"),
        ("PORT", &port.to_string()),
        ("MEMBERID", name),
        ("CLUSTERNAME", CLUSTER_NAME),
        ("INITIALCONTACTPOINTS", contacts),
    ]
    .map(|(key, value)| (format!("ZEEBE_GATEWAY_CLUSTER_{key}"), value.to_owned()))
}
