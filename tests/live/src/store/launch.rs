//! The commands that start the stores.

use std::ops::RangeInclusive;
use std::path::Path;
use std::process::Command;

use super::settings::{SMALL_JAVA, Settings};
use crate::server::command;
use crate::servers::{Launch, Product, Store};
use crate::sources::Sources;

/// Where the runner opens its HTTP port; it refuses higher ones, and does not read the one in the settings.
pub const RUNNER_PORTS: RangeInclusive<u16> = 9201..=9299;

pub fn command_of(store: &Store, sources: &Sources, settings: &Settings, http_port: u16) -> Command {
    let home = &sources.store;
    let java = sources.store_java.join("bin/java");
    let start = |program: &Path| command(program, settings.user.as_ref());
    let mut command = match store.launch {
        Launch::Script => start(&home.join("bin").join(store.product.name())),
        Launch::CliLauncher => cli_launcher(start(&java), home, settings),
        Launch::ServerLauncher => server_launcher(start(&java), home, &java, &settings.temp),
        Launch::Runner => runner(start(&java), home, settings, http_port),
    };
    let prefix = match store.product {
        Product::Elasticsearch => "ES",
        Product::OpenSearch => "OPENSEARCH",
    };
    if store.launch != Launch::Runner {
        command
            .current_dir(home)
            .env(format!("{prefix}_JAVA_HOME"), &sources.store_java)
            .env(format!("{prefix}_PATH_CONF"), &settings.config)
            .env(format!("{prefix}_TMPDIR"), &settings.temp);
    }
    command.env("LIBFFI_TMPDIR", &settings.temp);
    command
}

/// For the program that reads the settings and then starts the server: it needs next to nothing, but leaves files.
fn launcher_java(temp: &Path) -> [String; 5] {
    let temp = format!("-Djava.io.tmpdir={}", temp.display());
    ["-Xms4m", "-Xmx64m", "-XX:+UseSerialGC", "-XX:-UsePerfData", &temp].map(str::to_owned)
}

fn cli_launcher(mut java: Command, home: &Path, settings: &Settings) -> Command {
    java.args(launcher_java(&settings.temp))
        .args(["-Dcli.name=server", "-Dcli.script=bin/elasticsearch", "-Dcli.libs=lib/tools/server-cli"])
        .arg(format!("-Des.path.home={}", home.display()))
        .arg(format!("-Des.path.conf={}", settings.config.display()))
        .arg("-Des.distribution.type=tar")
        .arg("-cp")
        .arg(format!("{0}/lib/*:{0}/lib/cli-launcher/*", home.display()))
        .arg("org.elasticsearch.launcher.CliToolLauncher");
    java
}

fn server_launcher(mut java: Command, home: &Path, program: &Path, temp: &Path) -> Command {
    java.args(launcher_java(temp))
        .arg("-cp")
        .arg(format!("{}/lib/tools/server-launcher/*", home.display()))
        .arg("org.elasticsearch.server.launcher.ServerLauncher")
        .env("ES_HOME", home)
        .env("ES_DISTRIBUTION_TYPE", "tar")
        .env("JAVA", program)
        .env("JAVA_TYPE", "ES_JAVA_HOME")
        .env("CLI_JAVA_OPTS", launcher_java(temp).join(" "));
    java
}

fn runner(mut java: Command, home: &Path, settings: &Settings, http_port: u16) -> Command {
    let node = 1; // it adds the number of the node to the port
    java.args(SMALL_JAVA)
        .arg(format!("-Djava.io.tmpdir={}", settings.temp.display()))
        .arg("-cp")
        .arg(format!("{}/lib/*", home.display()))
        .arg("org.codelibs.opensearch.runner.OpenSearchRunner")
        .arg("-basePath")
        .arg(&settings.folder)
        .args(["-clusterName", "live", "-numOfNode", &node.to_string(), "-printOnFailure"])
        .args(["-baseHttpPort", &(http_port - node).to_string()])
        .current_dir(&settings.folder);
    java
}
