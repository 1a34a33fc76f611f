//! The journal as a list of past runs, for whoever only looks.

use camunda_backup::procedures::journal::open_claims;
use camunda_backup::{RunOutcome, past_entries, past_runs};

use super::*;

#[tokio::test(start_paused = true)]
async fn the_runs_of_the_past_say_how_they_ended_and_what_they_owe() {
    let simulated = eight_six().await;
    let report = completed(&simulated, backup(&simulated).await);
    tokio::time::sleep(MINUTE).await; // virtual time: the next id
    crate::promise::die_paused(&simulated, simulated.config().unwrap()).await;
    let journal = simulated.journal();
    let puts = journal.puts();
    let [done, dead]: [_; 2] = past_runs(&journal, "camunda").await.unwrap().try_into().unwrap();
    assert_eq!(
        (done.id, done.outcome, done.owes.len()),
        (Some(report.id.unwrap()), Some(RunOutcome::Completed), 0)
    );
    assert_eq!((done.run.to_string(), done.trouble.len()), (report.run.clone(), 0));
    assert!(done.version.is_some() && done.last > Some(done.began), "{done:?}");
    assert!(
        done.to_string().contains(&format!("backup {}", report.id.unwrap()))
            && done.to_string().contains("COMPLETED")
    );
    assert_eq!((dead.outcome, dead.owes.len()), (None, 1), "{dead}");
    let claims = open_claims(&journal, "camunda").await.unwrap();
    assert_eq!(claims.len(), 1, "that of the dead process");
    assert_eq!(claims[0].holder.as_ref().unwrap().pid, std::process::id());
    let entries = past_entries(&journal, "camunda", &done.run).await.unwrap();
    let seen: Vec<_> = report.timeline.iter().map(|moment| &moment.entry).collect();
    let stored: Vec<_> = entries.iter().map(|moment| &moment.entry).collect();
    assert_eq!(stored[..seen.len()], seen, "and after what the report saw there is only the end");
    assert_eq!(stored.len(), seen.len() + 1);
    assert_eq!(journal.puts(), puts, "it only reads");
    serde_json::to_value(&done).unwrap();

    recover(simulated.config().unwrap(), simulated.connect_options()).await.unwrap();
    let dead = past_runs(&journal, "camunda").await.unwrap().pop().unwrap();
    assert_eq!((dead.outcome, dead.owes.len()), (Some(RunOutcome::Abandoned), 0), "{dead}");
    assert_eq!(open_claims(&journal, "camunda").await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn the_trouble_of_one_run_is_said_and_hides_no_other() {
    let simulated = eight_six().await;
    completed(&simulated, backup(&simulated).await);
    tokio::time::sleep(MINUTE).await; // virtual time: the next id
    completed(&simulated, backup(&simulated).await);
    let journal = simulated.journal();
    let first = past_runs(&journal, "camunda").await.unwrap().remove(0).run;
    let key = Key::new(format!("runs/camunda/{first}/00000001.json")).unwrap();
    assert!(journal.corrupt(&key, Vec::clear));
    let [damaged, whole]: [_; 2] = past_runs(&journal, "camunda").await.unwrap().try_into().unwrap();
    assert!(damaged.trouble[0].contains("00000001.json") && damaged.id.is_none(), "{damaged}");
    assert!(whole.trouble.is_empty() && whole.id.is_some(), "{whole}");
    let none = past_entries(&journal, "camunda", &"20250603t075341z-1-a".parse().unwrap()).await.unwrap_err();
    assert_eq!(none.kind(), ErrorKind::NotFound);
}
