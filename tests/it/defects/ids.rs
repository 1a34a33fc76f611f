//! Ids: which one is chosen, which are refused, and how they look on the wire.

use camunda_backup::testing::StoreKind;
use camunda_backup::{BackupId, BackupSpec, ErrorKind, FindingCode};

use crate::world::{
    backup, completed, connect, eight_six, overriding, plan, sent, snapshot, under_id, world,
};

#[tokio::test(start_paused = true)]
async fn d10_the_id_is_above_every_id_known_anywhere() {
    let simulated = eight_six().await;
    let seconds = plan(&connect(&simulated).await).id().unwrap();
    assert_eq!(seconds.to_string().len(), 10, "seconds, while nothing higher is known");
    // Known to the store only.
    let high = seconds.value() + 5_000;
    snapshot(&simulated, &format!("camunda_zeebe_records_backup_{high}"), serde_json::Value::Null);
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert_eq!(plan(&connect(&simulated).await).id().unwrap().value(), high + 1);
    // Known to Zeebe only, in milliseconds: ten digits are refused for ever.
    simulated.camunda().add_foreign_backup(1_700_000_000_000);
    let millis = plan(&connect(&simulated).await).id().unwrap();
    assert_eq!(millis.to_string().len(), 13);
    let report = completed(&simulated, backup(&simulated).await);
    assert!(report.id.unwrap() >= millis);
}

#[tokio::test(start_paused = true)]
async fn d10_used_and_lower_ids_are_refused_and_cannot_be_overridden() {
    let simulated = eight_six().await;
    simulated.camunda().add_foreign_backup(500);
    let cluster = connect(&simulated).await;
    for (id, words) in [(500, "is used already"), (499, "lower than 500")] {
        for overrides in [&[][..], &[FindingCode::IdTaken][..]] {
            let mut spec = overriding(overrides);
            spec.id = Some(BackupId::new(id).unwrap());
            let error = cluster.plan_backup(spec).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Blocked);
            assert!(error.to_string().contains(words) && error.to_string().contains("take 501"), "{error}");
        }
    }
    assert_eq!(cluster.plan_backup(under_id(501)).unwrap().id().unwrap().value(), 501);
    assert!(BackupId::new(0).is_err() && BackupId::new(-1).is_err());
}

#[tokio::test(start_paused = true)]
async fn d10_an_id_of_a_run_that_failed_is_not_used_again() {
    let simulated = eight_six().await;
    simulated.inject(
        camunda_backup::testing::Rule::operation(
            "zeebe.backups.create",
            camunda_backup::testing::Fault::Status(400),
        )
        .unwrap(),
    );
    let cluster = connect(&simulated).await;
    let (_, report) = crate::world::failed(cluster.run(plan(&cluster)).await);
    simulated.heal();
    cluster.abandon(report.id.unwrap()).await.unwrap();
    // Nothing of it exists any more; the journal remembers.
    assert!(plan(&connect(&simulated).await).id().unwrap() > report.id.unwrap());
}

#[tokio::test(start_paused = true)]
async fn d10_ids_are_numbers_on_the_wire_except_in_8_1() {
    for version in ["8.1.27", "8.2.29", "8.6.0", "8.8.0", "8.10.0"] {
        let simulated = world(version, StoreKind::Elasticsearch8).await;
        let report = completed(&simulated, backup(&simulated).await);
        let posts = sent(&simulated, "history.backups.create");
        assert!(!posts.is_empty());
        let quoted = format!("\"{}\"", report.id.unwrap());
        for post in posts {
            assert_eq!(post.body.contains(&quoted), version.starts_with("8.1."), "{version}: {}", post.body);
            assert!(post.body.contains(&report.id.unwrap().to_string()), "{version}: {}", post.body);
        }
    }
    assert_eq!(BackupSpec::default().id, None);
}
