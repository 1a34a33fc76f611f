//! Elasticsearch 8.16: the store of the exporter, of Operate and of Tasklist.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::unistd::{Uid, User};
use serde_json::json;

use crate::http::Http;
use crate::ports::Ports;
use crate::server::{Server, command};
use crate::sources::Sources;
use crate::wait::{Seen, until};
use crate::workdir::{Workdir, give};

const READY: Duration = Duration::from_secs(180);
const JVM_OPTIONS: &str = "-Xms512m\n-Xmx512m\n-XX:+UseSerialGC\n-XX:TieredStopAtLevel=1\n\
    -XX:+ExitOnOutOfMemoryError\n-Djava.io.tmpdir=${ES_TMPDIR}\n";

pub struct Elasticsearch {
    pub url: String,
    pub server: Server,
}

impl Elasticsearch {
    /// Starts the server, waits until it answers, and registers a snapshot repository.
    pub async fn start(
        http: &Http,
        sources: &Sources,
        work: &Workdir,
        ports: &mut Ports,
        repository: &str,
    ) -> Result<Self> {
        let port = ports.next()?;
        let mut command = prepare(sources, work, port, ports.next()?)?;
        let server = Server::start("elasticsearch", &mut command, work.log("elasticsearch"))?;
        let this = Self { url: format!("http://127.0.0.1:{port}"), server };
        this.ready(http, repository).await.map_err(|e| this.server.explain(e))?;
        Ok(this)
    }

    async fn ready(&self, http: &Http, repository: &str) -> Result<()> {
        let health = format!("{}/_cluster/health", self.url);
        until("Elasticsearch", READY, async || {
            self.server.alive()?;
            Ok(match http.get(&health).await {
                Ok(answer) if answer.status == 200 => Seen::Done(()),
                Ok(answer) => Seen::NotYet(answer.short()),
                Err(error) => Seen::NotYet(format!("{error:#}")),
            })
        })
        .await?;
        let body = json!({"type": "fs", "settings": {"location": repository}});
        http.put(&format!("{}/_snapshot/{repository}", self.url), &body).await?.success()?;
        Ok(())
    }
}

/// Writes the configuration; returns the command. Root hands the files over to `nobody`, because Elasticsearch
/// refuses to run as root.
fn prepare(sources: &Sources, work: &Workdir, http_port: u16, transport_port: u16) -> Result<Command> {
    let folder = work.folder("elasticsearch")?;
    let config = work.folder("elasticsearch/config")?;
    let temp = work.folder("elasticsearch/tmp")?;
    let at = folder.display();
    let yml = format!(
        "cluster.name: live\n\
         node.name: live\n\
         path.data: {at}/data\n\
         path.logs: {at}/logs\n\
         path.repo: [\"{at}/repositories\"]\n\
         network.host: 127.0.0.1\n\
         http.port: {http_port}\n\
         transport.port: {transport_port}\n\
         discovery.type: single-node\n\
         cluster.routing.allocation.disk.threshold_enabled: false\n\
         xpack.security.enabled: false\n\
         xpack.security.enrollment.enabled: false\n"
    );
    fs::write(config.join("elasticsearch.yml"), yml)?;
    fs::write(config.join("jvm.options"), JVM_OPTIONS)?;
    let home = &sources.elasticsearch;
    fs::copy(home.join("config/log4j2.properties"), config.join("log4j2.properties"))?;

    let user = if Uid::effective().is_root() {
        let nobody = User::from_name("nobody")?.context("there is no user nobody")?;
        give(&folder, &nobody)?;
        Some(nobody)
    } else {
        None
    };
    // The distribution comes without its start script; this is what the script would do.
    let mut command = command(&sources.elasticsearch_java.join("bin/java"), user.as_ref());
    command
        .args(["-Xms4m", "-Xmx64m", "-XX:+UseSerialGC"])
        .args(["-Dcli.name=server", "-Dcli.script=bin/elasticsearch", "-Dcli.libs=lib/tools/server-cli"])
        .arg(format!("-Des.path.home={}", home.display()))
        .arg(format!("-Des.path.conf={}", config.display()))
        .arg("-Des.distribution.type=tar")
        .arg("-cp")
        .arg(format!("{0}/lib/*:{0}/lib/cli-launcher/*", home.display()))
        .arg("org.elasticsearch.launcher.CliToolLauncher")
        .current_dir(home)
        .env("ES_JAVA_HOME", &sources.elasticsearch_java)
        .env("ES_PATH_CONF", &config)
        .env("ES_TMPDIR", &temp);
    Ok(command)
}
