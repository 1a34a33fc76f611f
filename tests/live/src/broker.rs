//! A Camunda broker with its embedded gateway.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use serde_json::Value;

use crate::http::Http;
use crate::ports::Ports;
use crate::s3;
use crate::server::command;
use crate::servers::Product;
use crate::stack_context::{StackContext, small_java};
use crate::wait::Seen;
use crate::web::Web;
use crate::workdir::Workdir;

pub const CLUSTER_NAME: &str = "live";

/// The addresses of one broker.
#[derive(Clone, Copy)]
pub struct Broker {
    pub node: usize,
    command: u16,
    internal: u16,
    grpc: u16,
    pub web: Web,
}

impl Broker {
    pub fn new(node: usize, ports: &mut Ports) -> Result<Self> {
        Ok(Self {
            node,
            command: ports.next()?,
            internal: ports.next()?,
            grpc: ports.next()?,
            web: Web::new(ports)?,
        })
    }

    pub fn name(&self) -> String {
        format!("broker-{}", self.node)
    }

    pub fn internal_address(&self) -> String {
        format!("127.0.0.1:{}", self.internal)
    }

    pub fn grpc_address(&self) -> String {
        format!("127.0.0.1:{}", self.grpc)
    }

    /// The command that starts this broker as a member of the cluster.
    pub fn command(&self, context: &StackContext<'_>, partitions: usize) -> Result<Command> {
        self.configured("bin/broker", context, partitions)
    }

    /// The command that fills this broker's empty data folder from a backup. It wants the configuration of the broker.
    pub fn restore_command(&self, context: &StackContext<'_>, partitions: usize, id: i64) -> Result<Command> {
        let mut command = self.configured("bin/restore", context, partitions)?;
        command.arg(format!("--backupId={id}"));
        Ok(command)
    }

    /// Where it keeps everything that a restart needs.
    pub fn data(&self, work: &Workdir) -> Result<PathBuf> {
        Ok(work.folder(&self.name())?.join("data"))
    }

    fn configured(&self, program: &str, context: &StackContext<'_>, partitions: usize) -> Result<Command> {
        let folder = context.work.folder(&self.name())?;
        let temp = context.work.folder(&format!("{}/tmp", self.name()))?;
        let cluster = context.brokers;
        let contacts: Vec<String> = cluster.iter().map(Broker::internal_address).collect();
        let mut command = command(&context.sources.camunda.join(program), None);
        command
            .current_dir(&folder)
            // A relative path would mean a folder next to the program, shared by all brokers.
            .env("ZEEBE_BROKER_DATA_DIRECTORY", self.data(context.work)?)
            .env("JAVA_HOME", &context.sources.camunda_java)
            .env("JAVA_OPTS", small_java("384m", &temp))
            .envs(self.web.environment())
            .env("CAMUNDA_REST_ENABLED", "true")
            .envs(
                [
                    ("NETWORK_HOST", "127.0.0.1".to_owned()),
                    ("NETWORK_ADVERTISEDHOST", "127.0.0.1".to_owned()),
                    ("NETWORK_COMMANDAPI_PORT", self.command.to_string()),
                    ("NETWORK_INTERNALAPI_PORT", self.internal.to_string()),
                    ("GATEWAY_ENABLE", "true".to_owned()),
                    ("GATEWAY_NETWORK_HOST", "127.0.0.1".to_owned()),
                    ("GATEWAY_NETWORK_PORT", self.grpc.to_string()),
                    ("CLUSTER_CLUSTERNAME", CLUSTER_NAME.to_owned()),
                    ("CLUSTER_NODEID", self.node.to_string()),
                    ("CLUSTER_CLUSTERSIZE", cluster.len().to_string()),
                    ("CLUSTER_REPLICATIONFACTOR", cluster.len().to_string()),
                    ("CLUSTER_PARTITIONSCOUNT", partitions.to_string()),
                    ("CLUSTER_INITIALCONTACTPOINTS", contacts.join(",")),
                ]
                .map(zeebe),
            )
            .envs(
                [
                    ("THREADS_CPUTHREADCOUNT", "1"),
                    ("THREADS_IOTHREADCOUNT", "1"),
                    ("DATA_LOGSEGMENTSIZE", "16MB"),
                    ("DATA_SNAPSHOTPERIOD", "1m"),
                    ("DATA_DISK_FREESPACE_PROCESSING", "100MB"),
                    ("DATA_DISK_FREESPACE_REPLICATION", "50MB"),
                    ("EXPERIMENTAL_ROCKSDB_MEMORYLIMIT", "64MB"),
                ]
                .map(zeebe),
            )
            .envs(exporter(context))
            .env("ZEEBE_BROKER_DATA_BACKUP_STORE", "S3")
            .envs(
                [
                    ("BUCKETNAME", s3::BUCKET),
                    ("BASEPATH", CLUSTER_NAME),
                    ("ENDPOINT", &context.s3.url),
                    ("REGION", s3::REGION),
                    ("ACCESSKEY", s3::ACCESS_KEY),
                    ("SECRETKEY", s3::SECRET_KEY),
                    ("FORCEPATHSTYLEACCESS", "true"),
                ]
                .map(|(name, value)| zeebe((&format!("DATA_BACKUP_S3_{name}"), value))),
            );
        Ok(command)
    }
}

/// Whether the gateway there sees `brokers` brokers and one healthy leader for each partition, and can list
/// backups. Its readiness endpoint says yes much too early.
pub async fn sees_all(
    http: &Http,
    web: Web,
    topology: &str,
    brokers: usize,
    partitions: usize,
) -> Result<Seen<()>> {
    let topology = match http.get(&format!("{}{topology}", web.rest_url())).await {
        Ok(answer) if answer.status == 200 => answer.body,
        Ok(answer) => return Ok(Seen::NotYet(answer.short())),
        Err(error) => return Ok(Seen::NotYet(format!("{error:#}"))),
    };
    let seen = topology["brokers"].as_array().map_or(0, Vec::len);
    let leaders: Vec<usize> = (1..=partitions).map(|id| healthy_leaders(&topology, id)).collect();
    if seen != brokers || leaders.iter().any(|count| *count != 1) {
        return Ok(Seen::NotYet(format!("{seen} brokers, healthy leaders per partition {leaders:?}")));
    }
    Ok(match http.get(&format!("{}/actuator/backups", web.management_url())).await {
        Ok(answer) if answer.status == 200 => Seen::Done(()),
        Ok(answer) => Seen::NotYet(format!("list of backups: {} {}", answer.status, answer.short())),
        Err(error) => Seen::NotYet(format!("{error:#}")),
    })
}

/// The exporter to the store, which sends what it has every second.
fn exporter(context: &StackContext<'_>) -> [(String, String); 5] {
    let (name, class) = match context.line.store.product {
        Product::Elasticsearch => ("ELASTICSEARCH", "io.camunda.zeebe.exporter.ElasticsearchExporter"),
        Product::OpenSearch => ("OPENSEARCH", "io.camunda.zeebe.exporter.opensearch.OpensearchExporter"),
    };
    [
        ("CLASSNAME", class),
        ("ARGS_URL", context.store),
        ("ARGS_BULK_DELAY", "1"),
        ("ARGS_BULK_SIZE", "200"),
        ("ARGS_INDEX_NUMBEROFREPLICAS", "0"),
    ]
    .map(|(key, value)| zeebe((&format!("EXPORTERS_{name}_{key}"), value)))
}

fn zeebe<V: ToString>((name, value): (&str, V)) -> (String, String) {
    (format!("ZEEBE_BROKER_{name}"), value.to_string())
}

fn healthy_leaders(topology: &Value, partition: usize) -> usize {
    let brokers = topology["brokers"].as_array().into_iter().flatten();
    brokers
        .flat_map(|broker| broker["partitions"].as_array().into_iter().flatten())
        .filter(|p| p["partitionId"] == partition && p["role"] == "leader" && p["health"] == "healthy")
        .count()
}
