//! The operations of the clients by name, and the requests by which they are recognised on a socket.

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{Component, Error, Result};
use http::Method;
use url::Url;

use super::cluster::OTHER_STORE_HOST;

/// What a request is called that none of the clients makes.
pub(super) const UNKNOWN: &str = "unknown";
/// How many similar names an error lists.
const SIMILAR: usize = 5;

/// The servers that offer an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Server {
    /// The search store.
    Store,
    /// The gateway, on its management port or its REST port.
    Gateway,
    /// A broker, and a gateway that is part of one (8.8+).
    Broker,
    /// Operate, Tasklist, and the combined web applications.
    History,
    /// Optimize.
    Optimize,
    /// Everything that is Camunda's.
    Camunda,
}

/// One operation, one method and the paths that it is sent to. In a path `{}` is any segment and `{}*` is one that ends
/// with a star. With a `query`, the request has that text in its query.
#[derive(Clone, Copy)]
struct Row {
    name: &'static str,
    server: Server,
    method: &'static str,
    paths: &'static [&'static str],
    query: &'static str,
}

const fn row(
    name: &'static str,
    server: Server,
    method: &'static str,
    paths: &'static [&'static str],
) -> Row {
    Row { name, server, method, paths, query: "" }
}

const fn asking(query: &'static str, row: Row) -> Row {
    Row { query, ..row }
}

const HISTORY_ITEM: &[&str] =
    &["actuator/backup/{}", "actuator/backups/{}", "actuator/backupHistory/{}", "v2/backups/history/{}"];
const HISTORY: &[&str] =
    &["actuator/backup", "actuator/backups", "actuator/backupHistory", "v2/backups/history"];
const RUNTIME: &[&str] = &["actuator/backups", "actuator/backupRuntime", "v2/backups/runtime"];
const RUNTIME_ITEM: &[&str] = &["actuator/backups/{}", "actuator/backupRuntime/{}", "v2/backups/runtime/{}"];
const RUNTIME_STATE: &[&str] =
    &["actuator/backups/state", "actuator/backupRuntime/state", "v2/backups/runtime/state"];
const OPTIMIZE: &[&str] = &["actuator/backup", "actuator/backups"];
const OPTIMIZE_ITEM: &[&str] = &["actuator/backup/{}", "actuator/backups/{}"];

/// The first row that fits is the operation: what is more special stands above what is more general.
static ROWS: &[Row] = &[
    row(
        "zeebe.exporting.pause",
        Server::Gateway,
        "POST",
        &["actuator/exporting/pause", "v2/exporting/pause"],
    ),
    row(
        "zeebe.exporting.resume",
        Server::Gateway,
        "POST",
        &["actuator/exporting/resume", "v2/exporting/resume"],
    ),
    row("zeebe.exporting.status", Server::Gateway, "GET", &["v2/exporting"]),
    row("zeebe.exporters.list", Server::Gateway, "GET", &["actuator/exporters"]),
    row("zeebe.cluster.state", Server::Gateway, "GET", &["actuator/cluster"]),
    row("zeebe.backups.create", Server::Gateway, "POST", RUNTIME),
    // 8.1 has the id in the path.
    row("zeebe.backups.create", Server::Gateway, "POST", &["actuator/backups/{}"]),
    row("zeebe.backups.checkpoint-state", Server::Gateway, "GET", RUNTIME_STATE),
    row("zeebe.backups.status", Server::Gateway, "GET", RUNTIME_ITEM),
    row("zeebe.backups.list", Server::Gateway, "GET", RUNTIME),
    row("zeebe.backups.delete", Server::Gateway, "DELETE", RUNTIME_ITEM),
    row("rest.topology", Server::Gateway, "GET", &["v1/topology", "v2/topology"]),
    row("broker.partitions.statuses", Server::Broker, "GET", &["actuator/partitions"]),
    row(
        "broker.partitions.resume-exporting",
        Server::Broker,
        "POST",
        &["actuator/partitions/resumeExporting"],
    ),
    row("history.backups.create", Server::History, "POST", HISTORY),
    row("history.backups.status", Server::History, "GET", HISTORY_ITEM),
    row("history.backups.list", Server::History, "GET", HISTORY),
    row("history.backups.delete", Server::History, "DELETE", HISTORY_ITEM),
    row("optimize.backups.create", Server::Optimize, "POST", OPTIMIZE),
    row("optimize.backups.status", Server::Optimize, "GET", OPTIMIZE_ITEM),
    row("optimize.backups.list", Server::Optimize, "GET", OPTIMIZE),
    row("optimize.backups.delete", Server::Optimize, "DELETE", OPTIMIZE_ITEM),
    row("actuator.info", Server::Camunda, "GET", &["actuator/info"]),
    row("actuator.links", Server::Camunda, "GET", &["actuator"]),
    row("health.readiness", Server::Camunda, "GET", &["actuator/health/readiness", "ready"]),
    row("store.info", Server::Store, "GET", &[""]),
    asking("roles", row("store.nodes.roles", Server::Store, "GET", &["_nodes"])),
    row("store.nodes", Server::Store, "GET", &["_nodes"]),
    row("store.disk", Server::Store, "GET", &["_cat/allocation"]),
    row("store.settings", Server::Store, "GET", &["_cluster/settings"]),
    row("store.health", Server::Store, "GET", &["_cluster/health"]),
    row("store.aliases.list", Server::Store, "GET", &["{}/_alias"]),
    row("store.indices.list", Server::Store, "GET", &["_cat/indices/{}"]),
    row("store.indices.block_writes", Server::Store, "PUT", &["{}/_settings"]),
    row("store.indices.close", Server::Store, "POST", &["{}/_close"]),
    row("store.indices.open", Server::Store, "POST", &["{}/_open"]),
    row("store.max_by_group", Server::Store, "POST", &["{}/_search"]),
    row("store.refresh", Server::Store, "POST", &["{}/_refresh"]),
    row("store.recovery", Server::Store, "GET", &["{}/_recovery"]),
    row("store.repositories.list", Server::Store, "GET", &["_snapshot"]),
    row("store.repositories.find", Server::Store, "GET", &["_snapshot/{}"]),
    row("store.repositories.create", Server::Store, "PUT", &["_snapshot/{}"]),
    row("store.repositories.verify", Server::Store, "POST", &["_snapshot/{}/_verify"]),
    row("store.repositories.cleanup", Server::Store, "POST", &["_snapshot/{}/_cleanup"]),
    row("store.repositories.delete", Server::Store, "DELETE", &["_snapshot/{}"]),
    asking("sort=name", row("store.snapshots.page", Server::Store, "GET", &["_snapshot/{}/{}"])),
    row("store.snapshots.progress", Server::Store, "GET", &["_snapshot/{}/{}/_status"]),
    row("store.snapshots.list", Server::Store, "GET", &["_snapshot/{}/_all", "_snapshot/{}/{}*"]),
    row("store.snapshots.find", Server::Store, "GET", &["_snapshot/{}/{}"]),
    row("store.snapshots.create", Server::Store, "PUT", &["_snapshot/{}/{}"]),
    row("store.snapshots.restore", Server::Store, "POST", &["_snapshot/{}/{}/_restore"]),
    row("store.snapshots.delete", Server::Store, "DELETE", &["_snapshot/{}/{}"]),
    row("store.index_templates.list", Server::Store, "GET", &["_index_template"]),
    row("store.component_templates.list", Server::Store, "GET", &["_component_template"]),
    row("store.legacy_templates.list", Server::Store, "GET", &["_template"]),
    row("store.lifecycle_policies.list", Server::Store, "GET", &["_ilm/policy", "_plugins/_ism/policies"]),
    row("store.indices.settings", Server::Store, "GET", &["{}/_settings"]),
    row("store.indices.delete", Server::Store, "DELETE", &["{}"]),
];

/// The names of all operations that the clients of this library send to a cluster, sorted: what
/// [`Rule::operation`](super::Rule::operation) takes.
pub fn operations() -> Vec<&'static str> {
    let mut names: Vec<_> = ROWS.iter().map(|row| row.name).collect();
    // Sent to the same path as `actuator.info`, after an endpoint was missing: only the sender can tell them apart.
    names.push("actuator.look");
    names.sort_unstable();
    names.dedup();
    names
}

/// The operation of this name.
pub(super) fn named(name: &str) -> Result<&'static str> {
    let all = operations();
    all.iter().find(|known| **known == name).copied().ok_or_else(|| misspelt(name, &all))
}

fn misspelt(name: &str, all: &[&'static str]) -> Error {
    let mut near: Vec<(usize, &str)> = all.iter().map(|known| (distance(name, known), *known)).collect();
    near.sort_unstable();
    let near: Vec<String> = near.iter().take(SIMILAR).map(|(_, known)| format!("`{known}`")).collect();
    Error::new(ErrorKind::Config, format!("no operation is called `{name}`"))
        .with_component(Component::Library)
        .with_advice(format!(
            "the most similar names are {}; `camunda_backup::testing::operations()` lists all {}",
            near.join(", "),
            all.len()
        ))
}

/// How many characters must be changed, added or removed to get from one text to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, character) in from.chars().enumerate() {
        let mut next = vec![index + 1];
        for (position, other) in to.iter().enumerate() {
            let changed = row[position] + usize::from(character != *other);
            next.push(changed.min(row[position + 1] + 1).min(next[position] + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// For whom a request to a simulated address is, and which operation it is.
pub(super) fn recognise(method: &Method, url: &Url) -> (Component, &'static str) {
    let (host, rest) = (url.host_str().unwrap_or_default(), url.port() == Some(8080));
    let component = match host {
        "store.sim" | OTHER_STORE_HOST => Component::Store,
        "operate.sim" => Component::Operate,
        "tasklist.sim" => Component::Tasklist,
        "optimize.sim" => Component::Optimize,
        _ => match broker(host) {
            Some(component) => component,
            None if is_history(url.path()) => Component::Webapps,
            None if rest => Component::Rest,
            None => Component::Zeebe,
        },
    };
    let found = ROWS.iter().find(|row| {
        row.method == method.as_str()
            && offers(row.server, &component)
            && url.query().unwrap_or_default().contains(row.query)
            && row.paths.iter().any(|pattern| fits(pattern, url.path()))
    });
    (component, found.map_or(UNKNOWN, |row| row.name))
}

fn broker(host: &str) -> Option<Component> {
    let id = host.strip_prefix("broker-")?.strip_suffix(".sim")?;
    camunda_backup_core::BrokerId::new(id).ok().map(Component::Broker)
}

/// The combined web applications answer at the gateway's addresses.
fn is_history(path: &str) -> bool {
    path.starts_with("/actuator/backupHistory") || path.starts_with("/v2/backups/history")
}

fn offers(server: Server, component: &Component) -> bool {
    match server {
        Server::Store => *component == Component::Store,
        Server::Gateway => matches!(component, Component::Zeebe | Component::Rest),
        Server::Broker => matches!(component, Component::Broker(_) | Component::Zeebe),
        Server::History => {
            matches!(component, Component::Operate | Component::Tasklist | Component::Webapps)
        }
        Server::Optimize => *component == Component::Optimize,
        Server::Camunda => *component != Component::Store,
    }
}

fn fits(pattern: &str, path: &str) -> bool {
    let path = path.strip_prefix('/').unwrap_or(path);
    let (mut wanted, mut found) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return true,
            (Some("{}"), Some(segment)) if !segment.is_empty() => {}
            (Some("{}*"), Some(segment)) if segment.ends_with('*') => {}
            (Some(literal), Some(segment)) if literal == segment => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::backup::spec::BackupSpec;
    use crate::testing::{SeenRequest, SimulatedCluster, StoreKind};

    /// What a backup of a cluster sends, with the names that the clients give.
    async fn traffic(version: &str, store: StoreKind) -> Vec<SeenRequest> {
        let simulated = SimulatedCluster::new(version, store).unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(10)).await; // virtual
        let (config, options) = (simulated.config().unwrap(), simulated.connect_options());
        let cluster = crate::Cluster::connect_with(config, options).await.unwrap();
        let plan = cluster.plan_backup(BackupSpec::default()).unwrap();
        cluster.run(plan).await.unwrap();
        simulated.requests()
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_over_a_socket_has_the_name_that_its_client_gives_it() {
        let mut seen = BTreeSet::new();
        for version in
            ["8.1.27", "8.2.29", "8.3.13", "8.4.9", "8.5.8", "8.6.0", "8.7.1", "8.8.0", "8.9.0", "8.10.0"]
        {
            for store in [StoreKind::Elasticsearch8, StoreKind::OpenSearch2] {
                for request in traffic(version, store).await {
                    let (method, url) = request.line.split_once(' ').unwrap();
                    let (method, url) = (method.parse().unwrap(), Url::parse(url).unwrap());
                    let (component, operation) = recognise(&method, &url);
                    seen.insert(request.operation);
                    assert_eq!(operation, request.operation, "{version}: {}", request.line);
                    // Zeebe and the web applications share an address from 8.8 on.
                    if !operation.starts_with("actuator.") || request.component != Component::Webapps {
                        assert_eq!(component, request.component, "{version}: {}", request.line);
                    }
                }
            }
        }
        assert!(seen.len() > 20, "{seen:?}");
        let listed: BTreeSet<_> = operations().into_iter().collect();
        assert!(seen.is_subset(&listed), "{seen:?}");
    }

    #[test]
    fn requests_that_no_client_makes_are_unknown() {
        for url in ["http://store.sim:9200/_cat/nodes", "http://zeebe.sim:9600/actuator/exporting/stop"] {
            assert_eq!(recognise(&Method::GET, &Url::parse(url).unwrap()).1, UNKNOWN, "{url}");
        }
        let url = Url::parse("http://operate.sim:8080/actuator/backups/").unwrap();
        assert_eq!(recognise(&Method::GET, &url).1, UNKNOWN, "an empty segment is no id");
    }

    #[test]
    fn a_misspelt_name_is_an_error_that_lists_the_names_near_it() {
        for (misspelt, meant) in [
            ("zeebe.exporting.pauze", "zeebe.exporting.pause"),
            ("history.backup.create", "history.backups.create"),
            ("store.snapshot.create", "store.snapshots.create"),
            ("ZEEBE.backups.list", "zeebe.backups.list"),
            ("operate.backups.create", "optimize.backups.create"),
        ] {
            let error = named(misspelt).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            let report = error.report();
            assert!(report.contains(misspelt) && report.contains(&format!("`{meant}`")), "{report}");
        }
        assert_eq!(named("zeebe.exporting.pause").unwrap(), "zeebe.exporting.pause");
    }

    /// Every name that the clients' source gives to a call is listed.
    #[test]
    fn all_operations_of_the_clients_are_listed() {
        let listed = operations();
        let mut found = BTreeSet::new();
        for library in ["camunda-backup-es", "camunda-backup-zeebe"] {
            let source =
                std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(library).join("src");
            let mut folders = vec![source];
            while let Some(folder) = folders.pop() {
                for entry in std::fs::read_dir(folder).unwrap() {
                    let path = entry.unwrap().path();
                    if path.is_dir() && path.file_name().unwrap() != "testing" {
                        folders.push(path);
                    } else if path.extension().is_some_and(|extension| extension == "rs") {
                        found.extend(names_in(&std::fs::read_to_string(path).unwrap()));
                    }
                }
            }
        }
        assert!(found.len() > 40, "{found:?}");
        for name in found {
            assert!(listed.contains(&name.as_str()), "{name} is missing in the table");
        }
    }

    /// Texts that look like an operation's name, such as "store.disk", and are in a constant or in a call.
    fn names_in(source: &str) -> Vec<String> {
        let families = ["store.", "zeebe.", "rest.", "broker.", "history.", "optimize.", "actuator."];
        let name = |text: &&str| {
            families.iter().any(|family| text.starts_with(family))
                && !text.contains(".sim")
                && !text.ends_with('.')
                && text.chars().all(|c| c.is_ascii_lowercase() || "._-".contains(c))
        };
        source
            .split("#[cfg(test)]")
            .take(1)
            .flat_map(|code| code.split('"').skip(1).step_by(2))
            .filter(name)
            .map(str::to_owned)
            .collect()
    }
}
