//! The folder of a store: settings, options of its Java, data and logs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::unistd::{Uid, User};

use crate::servers::{Launch, Product, Store};
use crate::sources::Sources;
use crate::workdir::{Workdir, give};

/// Small enough for two cores and a few gigabytes, and without a file in the system's temporary folder.
pub const SMALL_JAVA: [&str; 5] =
    ["-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"];

/// What has been written, and who has to read it.
pub struct Settings {
    pub folder: PathBuf,
    pub config: PathBuf,
    pub temp: PathBuf,
    /// Root hands the files over to `nobody`, because Elasticsearch and OpenSearch refuse to run as root.
    pub user: Option<User>,
}

pub fn write(
    store: &Store,
    sources: &Sources,
    work: &Workdir,
    http_port: u16,
    transport_port: u16,
) -> Result<Settings> {
    let name = store.product.name();
    let folder = work.folder(name)?;
    // The runner knows its settings by the number of the node.
    let config = work.folder(&match store.launch {
        Launch::Runner => format!("{name}/node_1/config"),
        _ => format!("{name}/config"),
    })?;
    let temp = work.folder(&format!("{name}/tmp"))?;
    let mut yml = yml(&folder, http_port, transport_port);
    if store.launch != Launch::Runner {
        let home = &sources.store;
        yml.push_str(&format!("path.data: {0}/data\npath.logs: {0}/logs\n", folder.display()));
        yml.push_str(security(store, home));
        fs::write(config.join("jvm.options"), jvm_options(home, &temp)?)?;
        fs::copy(home.join("config/log4j2.properties"), config.join("log4j2.properties"))
            .with_context(|| format!("copying log4j2.properties of {}", home.display()))?;
    }
    fs::write(config.join(format!("{name}.yml")), yml)?;
    let user = if Uid::effective().is_root() {
        let nobody = User::from_name("nobody")?.context("there is no user nobody")?;
        give(&folder, &nobody)?;
        Some(nobody)
    } else {
        None
    };
    Ok(Settings { folder, config, temp, user })
}

/// The circuit breaker counts no garbage, which the serial collector leaves lying: it would refuse requests for a moment, and
/// an application whose request for a part is refused gives up its backup.
fn yml(folder: &Path, http_port: u16, transport_port: u16) -> String {
    format!(
        "cluster.name: live\n\
         node.name: live\n\
         path.repo: [\"{}/repositories\"]\n\
         network.host: 127.0.0.1\n\
         http.port: {http_port}\n\
         transport.port: {transport_port}\n\
         discovery.type: single-node\n\
         cluster.routing.allocation.disk.threshold_enabled: false\n\
         indices.breaker.total.use_real_memory: false\n",
        folder.display()
    )
}

/// A setting of a module that is not there would be an error.
fn security(store: &Store, home: &Path) -> &'static str {
    let there = home.join("modules/x-pack-security").is_dir();
    match store.product {
        Product::Elasticsearch if there && store.version.starts_with("7.") => {
            "xpack.security.enabled: false\n"
        }
        Product::Elasticsearch if there => {
            "xpack.security.enabled: false\nxpack.security.enrollment.enabled: false\n"
        }
        _ => "",
    }
}

/// The distribution's own options, such as its agents, without its garbage collector and its files in the home.
fn jvm_options(home: &Path, temp: &Path) -> Result<String> {
    let own = home.join("config/jvm.options");
    let own = fs::read_to_string(&own).with_context(|| format!("reading {}", own.display()))?;
    let unwanted = ["GC", "-Xlog", "HeapDump", "ErrorFile", "logs/", "java.io.tmpdir"];
    let mut lines: Vec<&str> = own
        .lines()
        .filter(|line| !line.starts_with('#') && !unwanted.iter().any(|part| line.contains(part)))
        .collect();
    lines.extend(SMALL_JAVA);
    let temp = format!("-Djava.io.tmpdir={}", temp.display());
    lines.extend(["-XX:+ExitOnOutOfMemoryError", &temp]);
    Ok(lines.join("\n") + "\n")
}
