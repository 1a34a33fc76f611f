//! Elasticsearch or OpenSearch: the store of the exporter, of Operate and of Tasklist.

mod launch;
mod settings;

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use crate::http::Http;
use crate::line::Line;
use crate::ports::Ports;
use crate::server::Server;
use crate::servers::Launch;
use crate::sources::Sources;
use crate::wait::{Seen, until};
use crate::workdir::Workdir;

const READY: Duration = Duration::from_secs(180);

pub struct SearchStore {
    pub url: String,
    pub server: Server,
}

impl SearchStore {
    /// Starts the server, waits until it answers, and registers a snapshot repository.
    pub async fn start(
        line: Line,
        http: &Http,
        sources: &Sources,
        work: &Workdir,
        ports: &mut Ports,
        repository: &str,
    ) -> Result<Self> {
        let port = match line.store.launch {
            Launch::Runner => Ports::within(&launch::RUNNER_PORTS)?,
            _ => ports.next()?,
        };
        Self::launch(line, http, sources, work, [port, ports.next()?], repository).await
    }

    /// The same at ports that are known; what an earlier one has left in `work` is its data.
    pub async fn launch(
        line: Line,
        http: &Http,
        sources: &Sources,
        work: &Workdir,
        [port, transport_port]: [u16; 2],
        repository: &str,
    ) -> Result<Self> {
        let name = line.store.product.name();
        let settings = settings::write(line.store, sources, work, port, transport_port)?;
        let server = Server::start(
            name,
            &mut launch::command_of(line.store, sources, &settings, port),
            work.log(name),
        )?;
        let this = Self { url: format!("http://127.0.0.1:{port}"), server };
        this.ready(http, repository).await.map_err(|e| this.server.explain(e))?;
        Ok(this)
    }

    /// Health needs an elected master, and the registration of a repository is refused unless it can be written.
    /// `GET /` would not do: it answers before both, and stripped builds do not have it.
    async fn ready(&self, http: &Http, repository: &str) -> Result<()> {
        let health = format!("{}/_cluster/health", self.url);
        until(&self.server.name, READY, async || {
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
