//! What follows from what the replicas say: one change to four replicas that all export, in each row.

use serde_json::json;

use super::*;

type Seen = BTreeMap<BrokerId, BTreeMap<PartitionId, PartitionStatus>>;

fn broker(n: u32) -> BrokerId {
    BrokerId::from(n)
}

fn status(role: &str, phase: Option<&str>) -> PartitionStatus {
    serde_json::from_value(json!({ "role": role, "exporter_phase": phase })).unwrap()
}

/// Two brokers, each with a replica of both partitions, each leading one.
fn all(phase: &str) -> Seen {
    let replicas = |leads: u32| {
        (1..=2)
            .map(|n| {
                let role = if n == leads { "LEADER" } else { "FOLLOWER" };
                (PartitionId(n), status(role, Some(phase)))
            })
            .collect()
    };
    BTreeMap::from([(broker(1), replicas(1)), (broker(2), replicas(2))])
}

fn expected() -> Replicas {
    let both: BTreeSet<PartitionId> = [PartitionId(1), PartitionId(2)].into();
    BTreeMap::from([(broker(1), both.clone()), (broker(2), both)])
}

fn set(seen: &mut Seen, at: u32, partition: u32, to: PartitionStatus) {
    seen.get_mut(&broker(at)).unwrap().insert(PartitionId(partition), to);
}

/// What one row changes, and what follows.
type Row = (&'static str, fn(&mut Seen), fn(&Exporting) -> bool);

const EXPORTING: Option<&str> = Some("EXPORTING");

#[test]
fn every_replica_counts() {
    let rows: [Row; 11] = [
        ("nothing", |_| {}, |found| *found == Exporting::Everywhere),
        (
            "a paused follower",
            |seen| set(seen, 2, 1, status("FOLLOWER", Some("SOFT_PAUSED"))),
            |found| matches!(found, Exporting::Mixed(how) if how.contains("2/1")),
        ),
        (
            "a paused leader",
            |seen| set(seen, 1, 1, status("LEADER", Some("PAUSED"))),
            |found| matches!(found, Exporting::Mixed(_)),
        ),
        (
            "a phase that is no pause",
            |seen| set(seen, 1, 1, status("LEADER", Some("CLOSED"))),
            |found| matches!(found, Exporting::Stopped(how) if how.contains("CLOSED")),
        ),
        (
            "a phase that nobody knows",
            |seen| set(seen, 2, 2, status("LEADER", Some("RESTING"))),
            |found| matches!(found, Exporting::Stopped(how) if how.contains("RESTING")),
        ),
        (
            "two leaders",
            |seen| set(seen, 2, 1, status("LEADER", EXPORTING)),
            |found| matches!(found, Exporting::Unseen(why) if why.contains("both say that they lead partition 1")),
        ),
        (
            "a replica without a phase",
            |seen| set(seen, 1, 2, status("FOLLOWER", None)),
            |found| matches!(found, Exporting::Unseen(why) if why.contains("no phase for partition 2")),
        ),
        (
            "a replica that its broker does not show",
            |seen| drop(seen.get_mut(&broker(2)).unwrap().remove(&PartitionId(1))),
            |found| matches!(found, Exporting::Unseen(why) if why.contains("broker 2 does not show partition 1")),
        ),
        (
            "a broker without partitions",
            |seen| seen.get_mut(&broker(2)).unwrap().clear(),
            |found| matches!(found, Exporting::Unseen(_)),
        ),
        (
            "all paused softly",
            |seen| *seen = all("SOFT_PAUSED"),
            |found| *found == Exporting::Paused(PauseMode::Soft),
        ),
        ("all paused", |seen| *seen = all("PAUSED"), |found| *found == Exporting::Paused(PauseMode::Hard)),
    ];
    for (what, change, follows) in rows {
        let mut seen = all("EXPORTING");
        change(&mut seen);
        let found = from_replicas(&seen, &expected(), &[], true);
        assert!(follows(&found), "{what}: {found:?}");
    }
}

#[test]
fn who_did_not_answer_is_unseen_whatever_the_others_say() {
    for phase in ["EXPORTING", "SOFT_PAUSED"] {
        let found = from_replicas(&all(phase), &expected(), &["broker 3 is silent".to_owned()], true);
        assert!(matches!(&found, Exporting::Unseen(why) if why.contains("broker 3")), "{found:?}");
    }
}

#[test]
fn where_followers_show_no_phase_each_partition_needs_one_that_does() {
    let mut seen = all("EXPORTING");
    set(&mut seen, 2, 1, status("FOLLOWER", None));
    set(&mut seen, 1, 2, status("FOLLOWER", None));
    assert_eq!(from_replicas(&seen, &expected(), &[], false), Exporting::Everywhere);
    set(&mut seen, 2, 2, status("FOLLOWER", None));
    let found = from_replicas(&seen, &expected(), &[], false);
    assert!(matches!(&found, Exporting::Unseen(why) if why.contains("partition 2")), "{found:?}");
    set(&mut seen, 2, 2, status("LEADER", None));
    assert!(matches!(from_replicas(&seen, &expected(), &[], false), Exporting::Unseen(_)));
}

#[test]
fn a_status_of_the_cluster_is_believed_only_where_it_is_known() {
    let status = |word: &str| serde_json::from_value::<ExportingStatus>(json!(word)).unwrap();
    assert_eq!(from_status(&status("EXPORTING")), Exporting::Everywhere);
    assert_eq!(from_status(&status("PAUSED")), Exporting::Paused(PauseMode::Hard));
    assert_eq!(from_status(&status("SOFT_PAUSED")), Exporting::Paused(PauseMode::Soft));
    assert!(matches!(from_status(&status("RESTING")), Exporting::Stopped(how) if how.contains("RESTING")));
}

#[test]
fn only_more_replicas_are_newcomers() {
    let one: BTreeSet<PartitionId> = [PartitionId(1)].into();
    let mut seen = expected();
    assert!(!are_more(&seen, &expected()));
    seen.insert(broker(2), one.clone());
    assert!(!are_more(&seen, &expected()), "one that left is no newcomer");
    seen.insert(broker(3), one);
    assert!(are_more(&seen, &expected()), "a broker");
    let mut seen = expected();
    seen.get_mut(&broker(1)).unwrap().insert(PartitionId(3));
    assert!(are_more(&seen, &expected()), "a partition");
}
