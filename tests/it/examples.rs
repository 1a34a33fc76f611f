//! The examples never fall back to the simulated cluster in silence: a forgotten address must not end in a success.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The examples that can work on a real cluster.
const EXAMPLES: [&str; 3] = ["backup", "conformance", "recover_at_boot"];

fn built() -> PathBuf {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--locked"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    for example in EXAMPLES {
        build.args(["--example", example]);
    }
    assert!(build.status().unwrap().success());
    // This test is in `deps`, beside `examples`.
    std::env::current_exe().unwrap().parent().unwrap().with_file_name("examples")
}

/// An example, in an empty directory and with no variable of a cluster but those given.
fn example(name: &str, variables: &[(&str, &str)]) -> (Command, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new(built().join(name));
    for (variable, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CAMUNDA_"))
    {
        command.env_remove(variable);
    }
    command.envs(variables.iter().copied()).current_dir(directory.path()).stdin(Stdio::null());
    (command, directory)
}

#[test]
fn without_any_variable_the_first_line_says_that_the_cluster_is_simulated() {
    for name in EXAMPLES {
        let (mut command, _directory) = example(name, &[]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(first.starts_with("SIMULATED"), "{name}: {first}");
    }
}

#[test]
fn any_variable_without_the_address_is_an_error() {
    for name in EXAMPLES {
        for variable in ["CAMUNDA_STORE_URL", "CAMUNDA_REPOSITORY", "CAMUNDA_BACKUP_JOURNAL"] {
            let (mut command, _directory) = example(name, &[(variable, "http://store:9200")]);
            let ended = command.output().unwrap();
            let said = String::from_utf8_lossy(&ended.stderr);
            assert!(!ended.status.success(), "{name} with {variable}: {said}");
            assert!(said.contains("CAMUNDA_ZEEBE_URL"), "{name} with {variable}: {said}");
            let printed = String::from_utf8_lossy(&ended.stdout);
            assert!(!printed.contains("SIMULATED"), "{name} with {variable}: {printed}");
        }
    }
}
