//! The plans in `docs/procedures/backup.md` are what the planner prints. `UPDATE_GOLDENS=1` writes them anew.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use camunda_backup::testing::{SimulatedCluster, SimulationOptions, StoreKind};
use camunda_backup::{BackupId, BackupSpec, Cluster};

/// One printed plan: its name in the page, the version, and what is special about it.
struct Printed {
    name: &'static str,
    version: &'static str,
    actuators: bool,
    zeebe_only: bool,
}

const fn plan(name: &'static str, version: &'static str) -> Printed {
    Printed { name, version, actuators: false, zeebe_only: false }
}

const PLANS: [Printed; 7] = [
    plan("A 8.1", "8.1.27"),
    plan("A 8.4.6", "8.4.6"),
    plan("B 8.6", "8.6.0"),
    plan("C 8.8", "8.8.0"),
    plan("C′ 8.10 REST", "8.10.0"),
    Printed { actuators: true, ..plan("C′ 8.10 actuators", "8.10.0") },
    Printed { zeebe_only: true, ..plan("Zeebe only", "8.6.0") },
];

/// What the planner prints for a usual installation: two brokers, two partitions, every application.
async fn printed(wanted: &Printed) -> String {
    let options = SimulationOptions::new(wanted.version.parse().unwrap(), StoreKind::Elasticsearch8);
    let simulated = SimulatedCluster::with(options);
    // In simulated time: the exporters need a moment to make every index.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let mut config = simulated.config().unwrap();
    config.prefer_actuators = wanted.actuators;
    let cluster = Cluster::connect_with(config, simulated.connect_options()).await.unwrap();
    let mut spec = BackupSpec::default();
    spec.id = Some(BackupId::new(1_780_473_600).unwrap());
    spec.zeebe_only = wanted.zeebe_only;
    cluster.plan_backup(spec).unwrap().to_string()
}

fn page() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/procedures/backup.md")
}

/// The page around the text of one plan: up to the fence, the text, and the rest.
fn split<'a>(page: &'a str, name: &str) -> (&'a str, &'a str, &'a str) {
    let opening = format!("<!-- plan {name} -->\n```text\n");
    let begin =
        page.find(&opening).unwrap_or_else(|| panic!("the page has no block for {name}")) + opening.len();
    let end = begin + page[begin..].find("```\n").expect("the block is closed");
    (&page[..begin], &page[begin..end], &page[end..])
}

#[tokio::test(start_paused = true)]
async fn the_plans_in_the_docs_are_what_the_planner_prints() {
    let update = std::env::var_os("UPDATE_GOLDENS").is_some();
    let original = fs::read_to_string(page()).unwrap();
    let mut text = original.clone();
    for wanted in &PLANS {
        let plan = printed(wanted).await;
        let (before, shown, after) = split(&text, wanted.name);
        if update {
            text = format!("{before}{plan}{after}");
        } else {
            assert_eq!(shown, plan, "{}: run the test with UPDATE_GOLDENS=1 and read the diff", wanted.name);
        }
    }
    assert_eq!(text.matches("<!-- plan ").count(), PLANS.len(), "a plan in the page that no test prints");
    if text != original {
        fs::write(page(), text).unwrap();
    }
}
