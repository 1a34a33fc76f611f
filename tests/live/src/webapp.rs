//! Operate or Tasklist 8.6 as a process of its own.

use std::time::Duration;

use anyhow::Result;

use crate::broker::Broker;
use crate::gateway::membership;
use crate::http::Http;
use crate::ports::Ports;
use crate::server::{Server, command};
use crate::stack::REPOSITORY;
use crate::stack_context::{StackContext, small_java};
use crate::wait::{Seen, until};
use crate::web::Web;

const READY: Duration = Duration::from_secs(240);

pub struct Webapp {
    pub management: String,
    pub server: Server,
}

impl Webapp {
    /// Starts `operate` or `tasklist` beside a broker, and waits until it can list backups.
    pub async fn start(
        name: &str,
        http: &Http,
        context: &StackContext<'_>,
        broker: &Broker,
        ports: &mut Ports,
    ) -> Result<Self> {
        let web = Web::new(ports)?;
        let product = context.line.store.product.name();
        let temp = context.work.folder(&format!("{name}/tmp"))?;
        let mut command = command(&context.sources.camunda.join("bin").join(name), None);
        command
            .current_dir(context.work.folder(name)?)
            .env("JAVA_HOME", &context.sources.camunda_java)
            .env("JAVA_OPTS", small_java("512m", &temp))
            .envs(web.environment())
            .envs([
                ("CAMUNDA_DATABASE_TYPE", product),
                ("CAMUNDA_DATABASE_URL", context.store),
                // The archiver of Tasklist wants index lifecycle management, which our stores lack.
                ("CAMUNDA_TASKLIST_ARCHIVERENABLED", "false"),
            ])
            // Each also is a node of the cluster network; without an own port both take the broker's.
            .envs(membership(name, ports.next()?, &broker.internal_address()))
            .envs(
                [
                    ("DATABASE", product),
                    (&format!("{}_URL", product.to_uppercase()), context.store),
                    (&format!("ZEEBE{}_URL", product.to_uppercase()), context.store),
                    ("ZEEBE_GATEWAYADDRESS", &broker.grpc_address()),
                    ("BACKUP_REPOSITORYNAME", REPOSITORY),
                ]
                .map(|(key, value)| (format!("CAMUNDA_{}_{key}", name.to_uppercase()), value.to_owned())),
            );
        let server = Server::start(name, &mut command, context.work.log(name))?;
        let this = Self { management: web.management_url(), server };
        this.ready(http).await.map_err(|e| this.server.explain(e))?;
        Ok(this)
    }

    async fn ready(&self, http: &Http) -> Result<()> {
        let urls = ["health/readiness", "backups"].map(|end| format!("{}/actuator/{end}", self.management));
        until(&self.server.name, READY, async || {
            self.server.alive()?;
            for url in &urls {
                match http.get(url).await {
                    Ok(answer) if answer.status == 200 => {}
                    Ok(answer) => {
                        return Ok(Seen::NotYet(format!("{url}: {} {}", answer.status, answer.short())));
                    }
                    Err(error) => return Ok(Seen::NotYet(format!("{error:#}"))),
                }
            }
            Ok(Seen::Done(()))
        })
        .await
    }
}
