//! Brokers die and return, and leadership follows.

use std::time::Duration;

use crate::testing::state::partition::Phase;
use crate::testing::state::world::World;

/// From the start of a broker until it has joined its partitions.
const BROKER_START: Duration = Duration::from_secs(4);
/// Until another broker leads, or a leader without majority steps down.
const ELECTION: Duration = Duration::from_secs(7);

impl World {
    /// Leaders die with their brokers, and after a while others take over, if there is a majority.
    pub(crate) fn elect_leaders(&mut self) {
        for index in 0..self.partitions.len() {
            let majority = self.has_majority(index);
            let leader = self.partitions[index].leader;
            let settled = majority && leader.is_some_and(|id| self.is_ready(id));
            if settled {
                self.partitions[index].disturbed_at = None;
                continue;
            }
            let since = *self.partitions[index].disturbed_at.get_or_insert(self.now);
            if leader.is_some_and(|id| !self.is_ready(id)) || (!majority && self.now >= since + ELECTION) {
                self.partitions[index].leader = None;
            }
            if majority && self.now >= since + ELECTION && self.partitions[index].leader.is_none() {
                self.take_over(index);
            }
        }
    }

    fn take_over(&mut self, index: usize) {
        let candidates = self.partitions[index].replicas.clone();
        let Some(next) = candidates.into_iter().find(|id| self.is_ready(*id)) else { return };
        let now = self.now;
        let partition = &mut self.partitions[index];
        partition.leader = Some(next);
        partition.last_leader = next;
        partition.disturbed_at = None;
        partition.led_since = now;
        partition.restart_exporter();
        let id = partition.id;
        self.backups.leader_changed(id, now);
    }

    pub(crate) fn kill_broker(&mut self, id: u32) {
        let now = self.now;
        if let Some(broker) = self.brokers.iter_mut().find(|broker| broker.id == id && broker.alive) {
            broker.alive = false;
            broker.died_at = now;
        }
        self.backups.broker_died(id);
        self.elect_leaders();
    }

    /// Starts a dead broker, or restarts a living one. Phases come back from the marker files.
    pub(crate) fn start_broker(&mut self, id: u32) {
        let now = self.now;
        if let Some(broker) = self.brokers.iter_mut().find(|broker| broker.id == id) {
            broker.alive = true;
            broker.ready_at = now + BROKER_START;
        }
        self.backups.broker_died(id);
        self.other_phases.retain(|(broker, _), _| *broker != id);
        let keeps_configuration = self.dialect.keeps_pause_in_configuration();
        for ((_, _), replica) in self.replicas.iter_mut().filter(|((broker, _), _)| *broker == id) {
            if !keeps_configuration {
                replica.phase = Phase::from_marker(replica.marker.as_deref());
            }
        }
        self.elect_leaders();
    }
}
