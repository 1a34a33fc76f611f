//! What every case is done on: the servers, the proxy before them, and a backup that is ready to begin.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use camunda_backup::{
    BackupId, BackupSpec, Cluster, ClusterConfig, ConnectOptions, ErrorKind, Failure, Plan, Report, recover,
};
use camunda_backup_live::{
    Armed, Fault, LiveStack, Load, PauseWatch, Proxy, REPOSITORY, Seen, log, manifests, until, wait_for_phase,
};
use tokio::time::timeout;

use super::step::Step;
use crate::scenarios::proof;

/// Longer than any step of a small cluster on a busy machine.
pub const STEP: Duration = Duration::from_secs(180);
/// What a case before has begun may have to end by itself first.
const QUIET: Duration = Duration::from_secs(240);

pub const MAX_PAUSE: Duration = Duration::from_secs(40);
pub const MAX_RESUME: Duration = Duration::from_secs(15);
const GRACE: Duration = Duration::from_secs(15);

pub struct Fixture<'a> {
    pub stack: &'a mut LiveStack,
    pub proxy: Proxy,
}

/// Load, and a look from outside, while something is done.
pub struct Observation {
    load: Load,
    watch: PauseWatch,
    dead: Option<usize>,
}

impl Observation {
    /// A broker that is dead cannot be resumed, so its replicas are not counted.
    pub fn without(self, node: usize) -> Self {
        Self { dead: Some(node), ..self }
    }

    pub fn has_dead(&self) -> bool {
        self.dead.is_some()
    }

    /// How long each replica was seen paused.
    pub async fn stop(self) -> Result<BTreeMap<String, Duration>> {
        self.load.stop().await?;
        let mut paused = self.watch.stop().await?.by_replica();
        paused.retain(|replica, _| self.dead.is_none_or(|node| !replica.starts_with(&format!("{node}/"))));
        Ok(paused)
    }
}

impl Fixture<'_> {
    pub fn config(&self) -> Result<ClusterConfig> {
        self.stack.config_through(&self.proxy)
    }

    /// From here on the cluster is reached through a stand-alone gateway.
    pub async fn through_the_gateway(&mut self) -> Result<()> {
        self.stack.start_gateway().await?;
        self.proxy = Proxy::start(self.stack).await?;
        Ok(())
    }

    pub async fn observe(&self) -> Result<Observation> {
        let load = self.stack.load().await?;
        let watch = PauseWatch::start(self.stack.http().clone(), self.stack.zeebe_management());
        Ok(Observation { load, watch, dead: None })
    }

    /// A plan, as soon as nothing that an earlier case has begun is in its way. Short limits: what does not come here
    /// does not come later either.
    pub async fn planned(&self, config: &ClusterConfig) -> Result<(Cluster, Plan)> {
        let mut spec = BackupSpec::default();
        spec.limits.max_pause = MAX_PAUSE;
        spec.limits.max_resume = MAX_RESUME;
        spec.limits.grace = GRACE;
        until("a backup that nothing is in the way of", QUIET, async || {
            let cluster = match Cluster::connect(config.clone()).await {
                Ok(cluster) => cluster,
                Err(error) => return Ok(Seen::NotYet(error.to_string())),
            };
            Ok(match cluster.plan_backup(spec.clone()) {
                Ok(plan) => Seen::Done((cluster, plan)),
                Err(error) => Seen::NotYet(error.to_string()),
            })
        })
        .await
    }

    pub fn arm(&self, step: Step, fault: Fault) -> Armed {
        self.proxy.arm(step.matches(), step.earlier(), fault)
    }

    /// I10: while a run is alive, nobody else may touch what it owes, and is told who it is.
    pub async fn second_is_refused(config: ClusterConfig, pid: u32) -> Result<()> {
        let Err(error) = recover(config, ConnectOptions::default()).await else {
            bail!("I10: recovered from a living run")
        };
        let words = error.to_string();
        ensure!(
            error.kind() == ErrorKind::Claimed && words.contains(&format!("process {pid} ")),
            "I10: {words}"
        );
        Ok(())
    }

    /// Runs the plan; when the fault has struck, a second one is refused, and then `then` is done.
    pub async fn run(
        config: &ClusterConfig,
        (cluster, plan): (Cluster, Plan),
        mut armed: Armed,
        then: impl AsyncFnOnce() -> Result<()>,
    ) -> Result<Result<Report, Failure>> {
        let run = cluster.start(plan).await;
        let mut ended = tokio::spawn(run.finished());
        tokio::select! {
            early = &mut ended => bail!("the run ended before the fault: {:?}", early?.map(|r| r.outcome)),
            struck = armed.struck(STEP) => struck?,
        }
        let second = Self::second_is_refused(config.clone(), std::process::id()).await;
        let then = then().await;
        armed.release();
        let ended = timeout(STEP + MAX_PAUSE + MAX_RESUME, ended).await??;
        second.and(then)?;
        match &ended {
            Ok(report) => log(format!("{:?}, {}", report.outcome, report.verdict)),
            Err(failure) => log(failure),
        }
        Ok(ended)
    }

    /// Removes the parts of a backup, so that the next case and the disk are not burdened with it. A run that did not
    /// complete has to do it itself, and nothing may be left but what it was `refused`: that is not known to be its own.
    pub async fn clean_up(
        &self,
        config: &ClusterConfig,
        id: BackupId,
        completed: bool,
        refused: bool,
    ) -> Result<()> {
        if completed {
            return self.delete_parts(id).await;
        }
        let cluster = Cluster::connect(config.clone()).await?;
        until("nothing left behind", QUIET, async || {
            Ok(match cluster.abandon(id).await {
                Ok(abandoned) if abandoned.remaining.is_empty() => Seen::Done(()),
                Ok(abandoned) => Seen::NotYet(abandoned.to_string()),
                Err(error) => Seen::NotYet(error.to_string()),
            })
        })
        .await?;
        if refused {
            until("what was refused stays", STEP, async || {
                let there = !self.parts_of(id).await?.is_empty();
                Ok(if there { Seen::Done(()) } else { Seen::NotYet("it is not there".to_owned()) })
            })
            .await?;
            return self.delete_parts(id).await;
        }
        let left = self.parts_of(id).await?;
        ensure!(left.is_empty(), "abandoned, and still there: {left:?}");
        Ok(())
    }

    /// What is there of a backup, in the repository and in the bucket.
    async fn parts_of(&self, id: BackupId) -> Result<Vec<String>> {
        let mut parts: Vec<String> = proof::snapshots_of(self.stack, id.value()).await?.into_keys().collect();
        parts.extend(manifests(self.stack.s3_dir(), id.value())?.into_iter().map(|(path, _)| path));
        Ok(parts)
    }

    async fn delete_parts(&self, id: BackupId) -> Result<()> {
        let http = self.stack.http();
        let names: Vec<String> = proof::snapshots_of(self.stack, id.value()).await?.into_keys().collect();
        if !names.is_empty() {
            let url = format!("{}/_snapshot/{REPOSITORY}/{}", self.stack.store(), names.join(","));
            http.delete(&url).await?.success()?;
        }
        let backup = format!("{}/actuator/backups/{id}", self.stack.zeebe_management().remove(0));
        until("Zeebe's backup deleted", STEP, async || {
            let answer = http.delete(&backup).await?;
            let gone = answer.status == 204;
            Ok(if gone { Seen::Done(()) } else { Seen::NotYet(answer.short()) })
        })
        .await
    }

    /// Whatever a case has left: the next one begins with every server there, exporting running and nothing owed.
    pub async fn put_right(&mut self) -> Result<()> {
        self.stack.start_missing().await?;
        let (http, brokers) = (self.stack.http(), self.stack.zeebe_management());
        recover(self.config()?, ConnectOptions::default()).await?; // a debt is known by the gateway's address
        for broker in &brokers {
            http.post(&format!("{broker}/actuator/exporting/resume"), &serde_json::Value::Null).await?;
        }
        wait_for_phase(http, &brokers, "EXPORTING").await
    }
}
