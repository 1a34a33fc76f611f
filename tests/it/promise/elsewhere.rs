//! Applications that write their backups to another repository or another store, before there is any backup to tell it by.

use camunda_backup::testing::{SimulatedCluster, SimulationOptions, StoreKind};
use camunda_backup::{Component, Error};

use super::Duration;
use crate::world::{
    assert_running, backup, completed, connect_with, failed, longest_pause, plan, sent, tuned,
};

type Tune = fn(&mut SimulationOptions, Component);

const SETUPS: [(&str, Tune); 2] = [
    ("another repository", |options, app| {
        options.camunda.repository_of.insert(app, "of-its-own".to_owned());
    }),
    ("another store", |options, app| {
        options.on_another_store.push(app);
    }),
];

async fn first_backup(version: &str, app: &Component, tune: Tune) -> (SimulatedCluster, Error) {
    let simulated = tuned(version, StoreKind::Elasticsearch8, |options| tune(options, app.clone())).await;
    // Without any part of the application in our store its live indices are elsewhere, too, so what is seen is its first part.
    simulated.store().set_snapshot_duration(|_, _| Duration::from_secs(3));
    simulated.start_recording();
    let (error, _) = failed(backup(&simulated).await);
    (simulated, error)
}

fn assert_says_what_is_not_supported(error: &Error, app: &str, what: &str) {
    let words = error.to_string();
    for part in [app, "another repository or to another store", "one of each", "REPOSITORY"] {
        assert!(words.contains(part), "{what}: {part} is missing: {words}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_application_that_writes_elsewhere_is_noticed_at_its_first_part_before_the_pause() {
    for (what, tune) in SETUPS {
        for version in ["8.2.29", "8.6.0"] {
            for (app, name) in [
                (Component::Operate, "operate"),
                (Component::Tasklist, "tasklist"),
                (Component::Optimize, "optimize"),
            ] {
                let (simulated, error) = first_backup(version, &app, tune).await;
                assert_says_what_is_not_supported(&error, name, what);
                assert!(sent(&simulated, "zeebe.exporting.pause").is_empty(), "{what} {version} {name}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn inside_the_pause_it_is_noticed_within_seconds() {
    for (what, tune) in SETUPS {
        for (app, name) in [(Component::Webapps, "webapps"), (Component::Optimize, "optimize")] {
            let (simulated, error) = first_backup("8.8.0", &app, tune).await;
            assert_says_what_is_not_supported(&error, name, what);
            assert_running(&simulated);
            let paused = longest_pause(&simulated);
            assert!(paused < Duration::from_secs(15), "{what} {name}: {paused:?}");
        }
    }
}

/// Where all applications write to one repository and the records to another, nothing of any application is here.
#[tokio::test(start_paused = true)]
async fn all_applications_in_another_repository_than_the_records_are_noticed() {
    for version in ["8.1.27", "8.6.0"] {
        let simulated = tuned(version, StoreKind::Elasticsearch8, |options| {
            options.camunda.repository = "of-the-applications".to_owned();
        })
        .await;
        simulated.store().register_repository("of-the-records", false);
        let cluster = connect_with(&simulated, |config| {
            config.repository = Some("of-the-records".parse().unwrap());
        });
        let cluster = cluster.await.unwrap();
        simulated.start_recording();
        let (error, _) = failed(cluster.run(plan(&cluster)).await);
        assert!(error.to_string().contains("another repository or to another store"), "{version}: {error}");
        assert!(sent(&simulated, "zeebe.exporting.pause").is_empty(), "{version}");
    }
}

#[tokio::test(start_paused = true)]
async fn long_parts_in_the_right_repository_are_no_sign_of_another() {
    for version in ["8.6.0", "8.8.0"] {
        let simulated = tuned(version, StoreKind::Elasticsearch8, |_| {}).await;
        simulated.store().set_snapshot_duration(|_, _| Duration::from_secs(20));
        completed(&simulated, backup(&simulated).await);
    }
}
