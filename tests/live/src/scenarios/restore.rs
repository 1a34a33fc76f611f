//! What a backup is for: everything is lost, the parts are put back by hand, and what comes back is one moment.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use camunda_backup::{BackupSpec, Cluster, Report};
use camunda_backup_live::{LiveStack, REPOSITORY, Seen, key, log, until, wait_for_phase};
use serde_json::{Value, json};

use super::{backup, proof};
use crate::finding::Finding;

/// For importers and exporters that have to catch up on a busy machine.
const CAUGHT_UP: Duration = Duration::from_secs(180);
/// Names of indices in one request; with all of them it gets too long.
const AT_ONCE: usize = 30;

pub async fn run(stack: &mut LiveStack) -> Result<Finding> {
    let load = stack.load().await?;
    load.more(50).await?;
    backup::exported(stack).await?;
    let before = load.accepted();
    let cluster = Cluster::connect(stack.config()?).await?;
    let report = cluster.run(cluster.plan_backup(BackupSpec::default())?).await?;
    proof::of_report(&report, stack.zeebe_management().len())?;
    let at_its_end = load.accepted().len();
    load.more(50).await?;
    let all = load.stop().await?;
    let after = &all[at_its_end..];
    log(format!(
        "{} instances before backup {}, {} after it",
        before.len(),
        proof::id_of(&report)?,
        after.len()
    ));

    stack.lose_brokers()?;
    lose_indices(stack).await?;
    restore_snapshots(stack, &report).await?;
    stack.restore_brokers(proof::id_of(&report)?.value()).await?;
    wait_for_phase(stack.http(), &stack.zeebe_management(), "EXPORTING").await?;

    let _commands = stack.background_commands(&before);
    let back = running(stack, &all).await?;
    let lost: Vec<&u64> = before.iter().filter(|key| !back.contains(key)).collect();
    ensure!(lost.is_empty(), "accepted before the backup, and not restored: {lost:?}");
    let late: Vec<&u64> = after.iter().filter(|key| back.contains(key)).collect();
    ensure!(late.is_empty(), "accepted after the backup, and there all the same: {late:?}");
    for place in places(stack) {
        place.has_exactly(stack, &all, &back).await?;
    }

    let next = backup::the_next(stack).await?;
    let found = format!(
        "all {} instances of before the backup are back, none of the {} after it; brokers{} have the same {}; next \
         backup {}",
        before.len(),
        after.len(),
        places(stack).map(|place| format!(", {}", place.name)).collect::<String>(),
        back.len(),
        next.verdict
    );
    log(&found);
    Ok(Finding { found, paused: report.paused })
}

/// Deletes the indices of Camunda by their names; templates stay.
async fn lose_indices(stack: &LiveStack) -> Result<()> {
    let (http, store) = (stack.http(), stack.store());
    let all = http.get(&format!("{store}/_cat/indices?h=index&format=json")).await?.success()?;
    let names = all.as_array().into_iter().flatten().filter_map(|row| row["index"].as_str());
    let ours = ["operate", "tasklist", "camunda", "zeebe-record"];
    let lost: Vec<&str> = names.filter(|name| ours.iter().any(|prefix| name.starts_with(prefix))).collect();
    ensure!(!lost.is_empty(), "no index to delete: {all}");
    for names in lost.chunks(AT_ONCE) {
        http.delete(&format!("{store}/{}", names.join(","))).await?.success()?;
    }
    log(format!("{} indices are gone", lost.len()));
    Ok(())
}

/// Every snapshot that the report names, and every shard of it.
async fn restore_snapshots(stack: &LiveStack, report: &Report) -> Result<()> {
    for name in report.snapshots() {
        let url =
            format!("{}/_snapshot/{REPOSITORY}/{name}/_restore?wait_for_completion=true", stack.store());
        let restored = stack.http().post(&url, &json!({})).await?.success().with_context(|| name.clone())?;
        let shards = &restored["snapshot"]["shards"];
        let whole = shards["total"].is_u64() && shards["total"] == shards["successful"];
        ensure!(whole, "{name} was not restored completely: {restored}");
    }
    log("the store's part is restored");
    Ok(())
}

/// Which of these instances the brokers have.
async fn running(stack: &LiveStack, keys: &[u64]) -> Result<BTreeSet<u64>> {
    let mut running = BTreeSet::new();
    for key in keys {
        let there = until("whether an instance runs", CAUGHT_UP, async || {
            Ok(match stack.has_instance(*key).await {
                Ok(there) => Seen::Done(there),
                Err(error) => Seen::NotYet(format!("{error:#}")),
            })
        });
        if there.await? {
            running.insert(*key);
        }
    }
    Ok(running)
}

/// Where else process instances are: documents of the store that name one.
struct Place {
    name: &'static str,
    indices: &'static str,
    /// Of the documents that stand for one instance each.
    filter: Value,
    /// The instance's key.
    field: &'static str,
}

fn places(stack: &LiveStack) -> impl Iterator<Item = Place> {
    let records = Place {
        name: "exported records",
        indices: "zeebe-record_process-instance-creation*",
        filter: json!({"term": {"intent": "CREATED"}}),
        field: "value.processInstanceKey",
    };
    let operate = Place {
        name: "Operate",
        indices: "operate-list-view-*",
        filter: json!({"term": {"joinRelation": "processInstance"}}),
        field: "processInstanceKey",
    };
    let tasklist = Place {
        name: "Tasklist",
        indices: "tasklist-task-*",
        filter: json!({"match_all": {}}),
        field: "processInstanceId",
    };
    let applications = stack.line().web_applications.then_some([operate, tasklist]);
    std::iter::once(records).chain(applications.into_iter().flatten())
}

impl Place {
    /// Waits until those of the `known` instances are here that are running, and no other.
    async fn has_exactly(&self, stack: &LiveStack, known: &[u64], running: &BTreeSet<u64>) -> Result<()> {
        until(self.name, CAUGHT_UP, async || {
            let here = self.instances(stack, known).await?;
            let (missing, more) = (running.difference(&here).count(), here.difference(running).count());
            Ok(if missing + more == 0 {
                Seen::Done(())
            } else {
                Seen::NotYet(format!("{missing} of {} are missing, {more} are too many", running.len()))
            })
        })
        .await?;
        log(format!("{} has the same {} instances as the brokers", self.name, running.len()));
        Ok(())
    }

    async fn instances(&self, stack: &LiveStack, known: &[u64]) -> Result<BTreeSet<u64>> {
        let (field, size) = (self.field, known.len());
        let query = json!({
            "size": size,
            "_source": [field],
            "query": {"bool": {"filter": [self.filter, {"terms": {field: known}}]}},
        });
        let url = format!("{}/{}/_search", stack.store(), self.indices);
        let found = stack.http().post(&url, &query).await?.success()?;
        let hits = found["hits"]["hits"].as_array().with_context(|| found.to_string())?;
        let pointer = format!("/_source/{}", field.replace('.', "/"));
        hits.iter()
            .map(|hit| {
                let found = hit.pointer(&pointer).and_then(key);
                found.with_context(|| format!("{}: no key in {hit}", self.name))
            })
            .collect()
    }
}
