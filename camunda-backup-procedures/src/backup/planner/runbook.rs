//! The runbook of a consistent backup, one function per order. Read it instead of the vendor's page.

use camunda_backup_core::{Component, Result};
use camunda_backup_zeebe::{PauseMode, records_snapshot_name};

use super::requests;
use crate::backup::task::{BackupOrder, BackupTask, Goal};
use crate::connection::clients::Clients;
use crate::facts::Facts;
use crate::obligation::Obligation;
use crate::plan::{Bracket, Stage, StepPlan};

pub(super) fn stages(facts: &Facts, clients: &Clients, task: &BackupTask) -> Result<Vec<Stage>> {
    let runbook = Runbook { facts, clients, task };
    match task.order {
        BackupOrder::HardPause => runbook.hard_pause(),
        BackupOrder::WebappsFirst => runbook.webapps_first(),
        BackupOrder::PauseFirst => runbook.pause_first(),
        BackupOrder::ZeebeOnly => runbook.zeebe_only(),
    }
}

struct Runbook<'a> {
    facts: &'a Facts,
    clients: &'a Clients,
    task: &'a BackupTask,
}

impl Runbook<'_> {
    /// (A) 8.1 – 8.5.0. Nothing is exported during a hard pause, so records and Zeebe may be backed up together.
    fn hard_pause(&self) -> Result<Vec<Stage>> {
        let mut last = self.records()?;
        last.extend(self.zeebe()?);
        let body = vec![self.record_positions(), last, self.hold(PauseMode::Hard)];
        Ok(Self::in_order([self.webapps_and_optimize()?], self.paused(PauseMode::Hard, body)?))
    }

    /// (B) 8.2.27 – 8.7. The importers' positions must not be newer than the records: web applications before the
    /// pause. Data still flows during a soft pause: the records strictly before Zeebe.
    fn webapps_first(&self) -> Result<Vec<Stage>> {
        let body = vec![
            self.record_positions(),
            self.records()?,
            self.record_positions_after(),
            self.zeebe()?,
            self.hold(PauseMode::Soft),
        ];
        Ok(Self::in_order([self.webapps_and_optimize()?], self.paused(PauseMode::Soft, body)?))
    }

    /// (C, and C′ over REST) 8.8 and later. The exporter writes the web applications' indices itself and nothing can
    /// be imported again: everything inside the pause, Optimize before the records that it reads.
    fn pause_first(&self) -> Result<Vec<Stage>> {
        let body = vec![
            self.record_positions(),
            self.webapps_and_optimize()?,
            self.records()?,
            self.record_positions_after(),
            self.zeebe()?,
            self.hold(PauseMode::Soft),
        ];
        Ok(Self::in_order([], self.paused(PauseMode::Soft, body)?))
    }

    /// Zeebe's own checkpoints make a consistent cut over all partitions; nothing has to be paused for that.
    fn zeebe_only(&self) -> Result<Vec<Stage>> {
        Ok(vec![Stage::Together(self.zeebe()?)])
    }

    fn in_order<const N: usize>(before: [Vec<StepPlan>; N], bracket: Bracket) -> Vec<Stage> {
        let before = before.into_iter().filter(|group| !group.is_empty()).map(Stage::Together);
        before.chain([Stage::Bracket(Box::new(bracket))]).collect()
    }

    fn paused(&self, mode: PauseMode, body: Vec<Vec<StepPlan>>) -> Result<Bracket> {
        let (name, why) = match mode {
            PauseMode::Soft => {
                ("soft-pause-exporting", "freezes the exporters' stored positions; data still flows")
            }
            _ => (
                "hard-pause-exporting",
                "this version has no soft pause; nothing is exported until the resume",
            ),
        };
        let pause = requests::pause(self.clients, mode)?;
        let resume = requests::resume(self.clients);
        Ok(Bracket {
            owes: Obligation::ResumeExporting {
                gateway: self.facts.gateway.clone(),
                version: self.facts.version.clone(),
                mode,
                replicas: self.task.pinned.replicas.clone(),
            },
            open: step(name, Component::Zeebe, &Goal::ExportingPaused { mode }, why, pause),
            body: body.into_iter().filter(|group| !group.is_empty()).map(Stage::Together).collect(),
            abort: None,
            close: step(
                "resume-exporting",
                Component::Zeebe,
                &Goal::ExportingResumed,
                "whatever happened, until every replica is seen exporting",
                resume,
            ),
        })
    }

    fn webapps_and_optimize(&self) -> Result<Vec<StepPlan>> {
        let mut steps = Vec::new();
        for client in &self.clients.history {
            let app = client.component().clone();
            let name = format!("back-up-{app}");
            let requests = requests::history(client, self.clients, self.task.id)?;
            let why = "its parts are made one after another, and count when the store has them all";
            steps.push(step(&name, app.clone(), &Goal::HistoryBackedUp { app }, why, requests));
        }
        if let Some(client) = &self.clients.optimize {
            let requests = requests::optimize(client, self.clients, self.task.id)?;
            let why = "reads the records, so it must not be newer than their snapshot";
            steps.push(step("back-up-optimize", Component::Optimize, &Goal::OptimizeBackedUp, why, requests));
        }
        Ok(steps)
    }

    fn records(&self) -> Result<Vec<StepPlan>> {
        let indices = self.facts.record_indices.seen().map(Vec::as_slice).unwrap_or_default();
        if indices.is_empty() || self.clients.store.is_none() {
            return Ok(Vec::new());
        }
        let snapshot = records_snapshot_name(self.task.id);
        let requests = requests::records(self.clients, &snapshot, indices)?;
        let why =
            "the exported records, with the templates in the global state; must end before Zeebe begins";
        let why =
            if self.task.order == BackupOrder::HardPause { "nothing is exported any more" } else { why };
        Ok(vec![step(
            "snapshot-records",
            Component::Store,
            &Goal::RecordsSnapshotted { snapshot },
            why,
            requests,
        )])
    }

    fn zeebe(&self) -> Result<Vec<StepPlan>> {
        let requests = requests::zeebe(self.clients, self.task.id)?;
        let why = match self.task.order {
            BackupOrder::ZeebeOnly => {
                "a consistent checkpoint over all partitions; nothing else is in this backup"
            }
            _ => "the cut that everything else must not be newer than",
        };
        Ok(vec![step("back-up-zeebe", Component::Zeebe, &Goal::ZeebeBackedUp, why, requests)])
    }

    fn record_positions(&self) -> Vec<StepPlan> {
        self.positions("read-record-positions", "what the records hold at least (N9)")
    }

    fn record_positions_after(&self) -> Vec<StepPlan> {
        self.positions("read-record-positions-again", "what the records hold at most (N10)")
    }

    fn positions(&self, name: &str, why: &str) -> Vec<StepPlan> {
        let readable =
            self.clients.store.is_some() && self.facts.record_indices.seen().is_some_and(|i| !i.is_empty());
        let requests = requests::positions(self.clients, &self.facts.record_prefix);
        let one = step(name, Component::Store, &Goal::RecordPositionsRead, why, requests);
        if readable { vec![one] } else { Vec::new() }
    }

    fn hold(&self, mode: PauseMode) -> Vec<StepPlan> {
        let why = "looked at again before the resume: a replica that joined or lost its pause has exported";
        vec![step(
            "confirm-pause-held",
            Component::Zeebe,
            &Goal::PauseHeld { mode },
            why,
            requests::look(self.clients),
        )]
    }
}

fn step(name: &str, component: Component, goal: &Goal, reason: &str, requests: Vec<String>) -> StepPlan {
    StepPlan::new(name, component, goal.to_value(), reason, requests)
}
