//! What the library reads from gateway and brokers.

use camunda_backup_core::{BackupId, Result};
use camunda_backup_zeebe::{Health, detect_version};

use super::observed::Observed;
use super::stage::Stage;
use super::world::World;

pub(super) async fn run(world: &World) -> Observed {
    let mut stage = Stage::new(world, "zeebe: reads");
    let done = reads(&mut stage, world).await;
    stage.end(done)
}

async fn reads(stage: &mut Stage<'_>, world: &World) -> Result<()> {
    let (clients, handles) = (&world.clients, &world.handles);
    let line = |found: &camunda_backup_zeebe::DetectedVersion| match &found.version {
        Some(version) => format!("{:?}", version.line()),
        None => "not told".to_owned(),
    };
    stage.step("the version of the gateway", detect_version(&handles.zeebe), line).await?;
    for http in handles.brokers.values().take(1) {
        stage.step("the version of a broker", detect_version(http), line).await?;
    }
    let health = Health::new(handles.zeebe.clone(), clients.dialect);
    stage.step("whether it is ready", health.readiness(), |state| state.as_str().to_owned()).await?;
    if let Some(topology) = &clients.topology {
        let told = |topology: &camunda_backup_zeebe::Topology| topology.problems().join("; ");
        stage.step("the topology", topology.topology(), told).await?;
    }
    for partitions in clients.partitions.values().take(1) {
        let phases = |all: &std::collections::BTreeMap<_, camunda_backup_zeebe::PartitionStatus>| {
            let phases: Vec<String> =
                all.values().map(|status| format!("{:?}", status.exporter_phase)).collect();
            phases.join(", ")
        };
        stage.step("the partitions of a broker", partitions.statuses(), phases).await?;
    }
    if let Some(cluster) = &clients.cluster {
        let told = |state: &camunda_backup_zeebe::ClusterState| {
            format!("pending: {}", state.pending_change.is_some())
        };
        stage.step("the configured cluster", cluster.state(), told).await?;
    }
    if let Some(exporters) = &clients.exporters {
        let told = |all: &Vec<camunda_backup_zeebe::Exporter>| format!("{}", all.len());
        stage.step("the exporters", exporters.list(), told).await?;
    }
    stage.ask("what exporting does in the whole cluster", clients.exporting.status()).await;
    stage.ask("all backups", clients.runtime.list()).await;
    let unknown = clients.runtime.status(BackupId::new(1)?);
    stage.step("a backup that is not there", unknown, |backup| backup.state.to_string()).await?;
    stage.ask("the state of checkpoints", clients.runtime.checkpoint_state()).await;
    Ok(())
}
