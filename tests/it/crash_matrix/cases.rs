//! The coordinates of the cases, and how many there must be.

use std::fmt;

use camunda_backup::procedures::journal::PutFault;
use camunda_backup::testing::Fault;

/// Where it strikes. Counted from 0, from the moment the run is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Request(usize),
    Put(usize),
}

/// What strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strike {
    /// `kill -9` before it leaves or is stored.
    DieBefore,
    /// `kill -9` when it has taken effect or is stored.
    DieAfter,
    /// The request meets this.
    Net(Fault),
    /// The record is not stored, or it is and nobody learns it.
    PutFails(PutFault),
    /// Nothing is stored any more from this record on.
    DiskFull,
}

/// What the caller does when it has struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    Waits,
    Drops,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) place: Place,
    pub(super) strike: Strike,
    pub(super) caller: Caller,
}

const DEATHS: [Strike; 2] = [Strike::DieBefore, Strike::DieAfter];
const NET: [Strike; 6] = [
    Strike::Net(Fault::LoseAfter),
    Strike::Net(Fault::LoseBefore),
    Strike::Net(Fault::Refuse),
    Strike::Net(Fault::Status(503)),
    Strike::Net(Fault::Envelope500),
    Strike::Net(Fault::Garbage),
];
const PUT: [Strike; 3] =
    [Strike::PutFails(PutFault::Before), Strike::PutFails(PutFault::After), Strike::DiskFull];

impl Case {
    /// Everything that can strike a run of this length.
    pub(super) fn all(requests: usize, puts: usize) -> impl Iterator<Item = Self> {
        let requests = (0..requests).flat_map(|n| Self::at(Place::Request(n), NET));
        requests.chain((0..puts).flat_map(|n| Self::at(Place::Put(n), PUT)))
    }

    /// A dead process has no caller: deaths come once, the other faults with both callers. Dying of a fault is in the
    /// product too: whoever is killed on a lost, refused or garbled answer has left the cluster and the journal as a death
    /// after or before the same request leaves them.
    fn at<const N: usize>(place: Place, faults: [Strike; N]) -> impl Iterator<Item = Self> {
        let deaths = DEATHS.into_iter().map(move |strike| Self { place, strike, caller: Caller::Waits });
        deaths.chain(faults.into_iter().flat_map(move |strike| {
            [Caller::Waits, Caller::Drops].map(|caller| Self { place, strike, caller })
        }))
    }
}

/// The size of the full product: two deaths, six network faults with two callers; two deaths, three journal faults with two.
pub(super) fn product(requests: usize, puts: usize) -> usize {
    requests * (2 + 6 * 2) + puts * (2 + 3 * 2)
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} × {:?} × caller {:?}", self.place, self.strike, self.caller)
    }
}

#[test]
fn every_case_is_listed_once() {
    let all: Vec<Case> = Case::all(3, 2).collect();
    assert_eq!(all.len(), product(3, 2));
    for (n, case) in all.iter().enumerate() {
        assert!(!all[..n].contains(case), "{case} comes twice");
    }
}
