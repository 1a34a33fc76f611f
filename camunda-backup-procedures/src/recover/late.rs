//! A pause of ours that comes true after it was resumed: its answer was never seen, and a gateway that hung may carry it out at
//! any time. Somebody else's pause in the same mode looks the same.

use std::time::Duration;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{Component, Error, Result, Timestamp};

use crate::connection::Connection;
use crate::connection::clients::Clients;
use crate::engine::Entry;
use crate::exporting::is_paused;
use crate::facts::discover::dialect_for;
use crate::journal::RunHistory;
use crate::obligation::Obligation;
use crate::run_record::{entries, may_come_late};

/// How long a pause that is found is taken for one of ours that came late.
const OURS_AFTER_ALL: Duration = Duration::from_secs(60 * 60);
/// How long it is named as one that could be ours. A pause that is found later is reported without naming a run.
const PERHAPS_OURS: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The step under which a recovery owes a pause that came late.
pub(super) const CAME_LATE: &str = "pause-that-came-late";
/// How far the clocks of two hosts may be apart without anybody calling one of them wrong.
const SKEW: Duration = Duration::from_secs(60);

/// What the exporting that is seen means for a run whose pause was never answered.
pub(super) enum Late {
    /// Exporting is not paused like that, or the run's pause was answered or seen.
    No,
    /// It is that run's pause.
    Ours(Obligation),
    /// It may be that run's pause, and nobody can tell: what to say to an operator.
    Perhaps(Error),
}

/// Looks whether a pause of this run came true after it was resumed.
///
/// The age of a run rests on wall clocks. It never decides that nothing has to be waited for; it only tells an old pause from
/// somebody else's, and only when it is plausible: `newest` is the time of the newest record in the journal, and a clock that is
/// behind it is wrong.
pub(super) async fn came_late(
    connection: &Connection,
    history: &RunHistory,
    newest: Timestamp,
) -> Result<Late> {
    let Ok(entries) = entries(history) else { return Ok(Late::No) };
    let Some((owed, sent)) = may_come_late(history, &entries) else { return Ok(Late::No) };
    let Obligation::ResumeExporting { gateway, version, mode, replicas } = &owed;
    let age = age(connection.clock.now(), sent, newest);
    if age.as_ref().is_ok_and(|age| *age > PERHAPS_OURS) || !connection.config.is_at(gateway) {
        return Ok(Late::No);
    }
    let clients = Clients::new(&connection.handles, dialect_for(&connection.config, version)?, None)?;
    if !is_paused(&clients, replicas, *mode, connection.clock.as_ref()).await {
        return Ok(Late::No);
    }
    let doubt = match age {
        _ if has_come_late(&entries) => "it came late once, and was resumed by a recovery".to_owned(),
        Ok(age) if age <= OURS_AFTER_ALL => return Ok(Late::Ours(owed)),
        Ok(age) => format!("{} minutes ago", age.as_secs() / 60),
        Err(implausible) => implausible,
    };
    let resume = clients.exporting.http().curl(&clients.exporting.resume_call());
    let message = format!(
        "exporting is paused, and run {} sent a pause that was never answered ({doubt})",
        history.run
    );
    Ok(Late::Perhaps(
        Error::new(ErrorKind::NeedsOperator, message)
            .with_component(Component::Zeebe)
            .with_advice(format!("if nobody else has paused it, it is that one: send\n    {resume}"))
            .with_requests([resume]),
    ))
}

/// One request pauses once. Whatever is paused after it came late and was resumed is somebody else's, or has to be looked into.
fn has_come_late(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| matches!(entry, Entry::Intent { step, .. } if step == CAME_LATE))
}

/// How long ago something was sent, or why that cannot be told.
fn age(now: Timestamp, sent: Timestamp, newest: Timestamp) -> Result<Duration, String> {
    let behind = newest.max(sent).since(now);
    if behind > SKEW {
        return Err(format!(
            "the age cannot be told: the clock shows {now}, and the journal has a record of {}",
            newest.max(sent)
        ));
    }
    Ok(now.since(sent))
}

/// The time of the newest record.
pub(super) fn newest(histories: &[RunHistory]) -> Timestamp {
    let records = histories.iter().flat_map(|history| &history.records).map(|record| record.at);
    records.max().unwrap_or(Timestamp::from_millis(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Timestamp {
        Timestamp::from_millis(1_780_000_000_000 + second * 1000)
    }

    #[test]
    fn an_age_is_told_only_by_a_clock_that_is_not_behind_the_journal() {
        assert_eq!(age(at(100), at(40), at(90)), Ok(Duration::from_secs(60)));
        // The skew of two hosts is no wrong clock, and makes no age negative.
        assert_eq!(age(at(100), at(160), at(160)), Ok(Duration::ZERO));
        for (sent, newest) in [(161, 161), (40, 161), (161, 40)] {
            let implausible = age(at(100), at(sent), at(newest)).unwrap_err();
            assert!(implausible.contains(&at(161).to_string()), "{implausible}");
        }
        assert!(age(Timestamp::from_millis(5_000), at(0), at(0)).is_err(), "a host that has just booted");
    }
}
