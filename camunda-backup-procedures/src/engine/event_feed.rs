//! The events of one run in memory: written once, read by any number of subscribers, each from the start.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use super::events::{RunEvent, RunEventKind};

/// How many events are kept for subscribers. A whole backup has fewer but for its signs of life.
const KEPT: usize = 256;

/// What is shared by the run and its subscribers.
#[derive(Debug, Default)]
pub(super) struct Feed(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<RunEvent>,
    wakers: BTreeMap<u64, Waker>,
    subscribers: u64,
    ended: bool,
}

impl Feed {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event for every subscriber.
    pub(super) fn push(&self, event: RunEvent) {
        let woken = {
            let mut kept = self.kept();
            if kept.events.len() >= KEPT {
                kept.forget_one();
            }
            kept.events.push_back(event);
            std::mem::take(&mut kept.wakers)
        };
        woken.into_values().for_each(Waker::wake);
    }

    /// No event follows.
    pub(super) fn end(&self) {
        let woken = {
            let mut kept = self.kept();
            kept.ended = true;
            std::mem::take(&mut kept.wakers)
        };
        woken.into_values().for_each(Waker::wake);
    }

    /// A subscriber that gets everything from the start.
    pub(super) fn subscribe(self: &Arc<Self>) -> Events {
        let mut kept = self.kept();
        kept.subscribers += 1;
        Events { feed: Arc::clone(self), subscriber: kept.subscribers, next: 1 }
    }
}

impl Kept {
    /// The oldest sign of life goes first: the one after it says the same and more.
    fn forget_one(&mut self) {
        let waiting = |event: &RunEvent| matches!(event.kind, RunEventKind::Waiting { .. });
        let place = self.events.iter().position(waiting).unwrap_or(0);
        self.events.remove(place);
    }

    /// The first event from a number on, or the mark of what was lost before it.
    fn from(&self, next: u64) -> Option<RunEvent> {
        let place = self.events.partition_point(|event| event.number < next);
        let event = self.events.get(place)?.clone();
        if event.number == next {
            return Some(event);
        }
        let (number, count) = (event.number - 1, event.number - next);
        Some(RunEvent { number, step: None, kind: RunEventKind::Lost { count }, ..event })
    }
}

/// The events of one run, from its start on: a [`Stream`], and an async `next` for those who do not use streams.
///
/// It ends when the run has ended. A subscriber that comes late or reads slowly gets [`RunEventKind::Lost`] in the place of
/// what is not kept any more: the last 256 events are, and signs of life are given up first.
///
/// ```
/// # use camunda_backup_procedures as camunda_backup;
/// use camunda_backup::testing::{SimulatedCluster, StoreKind};
/// use camunda_backup::{BackupSpec, Cluster, RunEventKind};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), camunda_backup::Failure> {
/// let simulated = SimulatedCluster::new("8.6.0", StoreKind::Elasticsearch8)?;
/// tokio::time::sleep(std::time::Duration::from_secs(10)).await;
/// let cluster = Cluster::connect_with(simulated.config()?, simulated.connect_options()).await?;
/// let run = cluster.start(cluster.plan_backup(BackupSpec::default())?).await;
/// let mut events = run.events();
/// run.finished().await?;
/// // Subscribers get everything from the start, even after the end.
/// let first = events.next().await.map(|event| event.kind);
/// assert!(matches!(first, Some(RunEventKind::Started { .. })));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Events {
    feed: Arc<Feed>,
    subscriber: u64,
    next: u64,
}

impl Events {
    /// The next event; `None` when the run has ended and everything was read.
    ///
    /// # Cancellation
    /// Safe: no event is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<RunEvent> {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &Context<'_>) -> Poll<Option<RunEvent>> {
        let mut kept = self.feed.kept();
        match kept.from(self.next) {
            Some(event) => {
                self.next = event.number + 1;
                Poll::Ready(Some(event))
            }
            None if kept.ended => Poll::Ready(None),
            None => {
                kept.wakers.insert(self.subscriber, context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Clone for Events {
    /// One more subscriber, at the same place.
    fn clone(&self) -> Self {
        let mut another = self.feed.subscribe();
        another.next = self.next;
        another
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.feed.kept().wakers.remove(&self.subscriber);
    }
}

impl Stream for Events {
    type Item = RunEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<RunEvent>> {
        self.poll(context)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use camunda_backup_core::Timestamp;

    use super::*;

    fn event(number: u64, kind: RunEventKind) -> RunEvent {
        let (at, cluster, run) = (Timestamp::from_millis(0), "c".into(), None);
        RunEvent { number, at, cluster, run, backup_id: None, step: None, kind }
    }

    fn waiting(number: u64) -> RunEvent {
        let (step, text) = ("s".to_owned(), "t".to_owned());
        event(number, RunEventKind::Waiting { step, text, amount: None, waited: Duration::ZERO })
    }

    async fn all(mut events: Events) -> Vec<RunEventKind> {
        let mut seen = Vec::new();
        while let Some(event) = events.next().await {
            seen.push(event.kind);
        }
        seen
    }

    #[tokio::test]
    async fn what_is_lost_is_marked_where_it_was_and_only_signs_of_life_are() {
        let feed = Arc::new(Feed::default());
        let (early, total) = (feed.subscribe(), 1000);
        feed.push(event(1, RunEventKind::Started { steps: 3 }));
        (2..total).for_each(|number| feed.push(waiting(number)));
        feed.push(event(total, RunEventKind::Owes { what: "w".to_owned() }));
        feed.end();
        for subscriber in [early, feed.subscribe()] {
            let seen = all(subscriber).await;
            assert_eq!(seen[0], RunEventKind::Started { steps: 3 });
            assert_eq!(seen[1], RunEventKind::Lost { count: total - KEPT as u64 });
            assert_eq!(seen.len(), KEPT + 1);
            assert!(matches!(seen.last(), Some(RunEventKind::Owes { .. })));
        }
    }

    #[tokio::test]
    async fn without_signs_of_life_the_oldest_is_lost() {
        let feed = Arc::new(Feed::default());
        let kept = KEPT as u64;
        (1..=kept + 2)
            .for_each(|number| feed.push(event(number, RunEventKind::Owes { what: String::new() })));
        assert_eq!(feed.subscribe().next().await.unwrap().kind, RunEventKind::Lost { count: 2 });
    }

    #[tokio::test]
    async fn a_subscriber_that_waits_is_woken_by_an_event_and_by_the_end() {
        let feed = Arc::new(Feed::default());
        let (reader, copy) = (tokio::spawn(all(feed.subscribe())), feed.subscribe().clone());
        tokio::task::yield_now().await;
        feed.push(waiting(1));
        tokio::task::yield_now().await;
        assert!(!reader.is_finished());
        feed.end();
        assert_eq!(reader.await.unwrap().len(), 1);
        assert_eq!(all(copy).await.len(), 1);
    }

    #[test]
    fn a_subscriber_that_goes_leaves_no_waker() {
        let feed = Arc::new(Feed::default());
        let mut events = feed.subscribe();
        let mut context = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut events).poll_next(&mut context).is_pending());
        assert_eq!(feed.kept().wakers.len(), 1);
        drop(events);
        assert!(feed.kept().wakers.is_empty());
    }
}
