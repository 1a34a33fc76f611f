//! What the journal costs: a recovery that finds nothing leaves nothing, and what is over goes.

use camunda_backup::Clock;

use super::*;

/// Counts what is asked of a journal.
#[derive(Debug)]
struct Counted {
    store: MemoryJournal,
    reads: AtomicUsize,
    lists: AtomicUsize,
    locks: AtomicUsize,
}

impl Counted {
    fn new(store: MemoryJournal) -> Arc<Self> {
        Arc::new(Self {
            store,
            reads: AtomicUsize::new(0),
            lists: AtomicUsize::new(0),
            locks: AtomicUsize::new(0),
        })
    }
}

#[async_trait::async_trait]
impl Journal for Counted {
    async fn put_new(&self, key: &Key, body: bytes::Bytes) -> Result<Put> {
        self.store.put_new(key, body).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<Key>> {
        self.lists.fetch_add(1, Ordering::SeqCst);
        self.store.list(prefix).await
    }
    async fn read(&self, key: &Key) -> Result<bytes::Bytes> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.store.read(key).await
    }
    async fn remove(&self, key: &Key) -> Result<Removal> {
        self.store.remove(key).await
    }
    async fn lock(&self, name: &str, holder: &Holder) -> Result<Lock> {
        self.locks.fetch_add(1, Ordering::SeqCst);
        self.store.lock(name, holder).await
    }
}

/// What the journal would hold if the newest run had been made on other days as well.
async fn repeat_on_days_ago(simulated: &SimulatedCluster, days: impl Iterator<Item = u32>) -> Vec<RunId> {
    let model = runs_of(simulated).await.pop().unwrap();
    let mut runs = Vec::new();
    for day in days {
        let now = simulated.clock().now().millis();
        let began = Timestamp::from_millis(now - u64::from(day) * 86_400_000);
        let run = RunId::new(began, 1);
        let mut log = RunLog::begin(Arc::new(simulated.journal()), "camunda", run.clone(), 1_000_000);
        for record in &model.records {
            log.append(began, &record.event).await.unwrap();
        }
        runs.push(run);
    }
    runs
}

async fn keys(simulated: &SimulatedCluster) -> usize {
    simulated.journal().list("").await.unwrap().len()
}

/// A cluster of which the last backup was made more than a year after its clock began.
async fn a_year_old() -> SimulatedCluster {
    let simulated = eight_six().await;
    tokio::time::sleep(400 * DAY).await; // virtual time
    completed(&simulated, backup(&simulated).await);
    simulated
}

async fn names(simulated: &SimulatedCluster) -> Vec<RunId> {
    runs_of(simulated).await.into_iter().map(|history| history.run).collect()
}

async fn next_backup(simulated: &SimulatedCluster, retention_days: u32) {
    tokio::time::sleep(MINUTE).await; // virtual time: the next id
    let cluster = crate::world::connect_with(simulated, |config| config.retention_days = retention_days);
    let cluster = cluster.await.unwrap();
    completed(simulated, cluster.run(crate::world::plan(&cluster)).await);
}

#[tokio::test(start_paused = true)]
async fn a_recovery_that_finds_nothing_leaves_nothing_and_is_in_nobodys_way() {
    let simulated = eight_six().await;
    completed(&simulated, backup(&simulated).await);
    let (before, puts) = (keys(&simulated).await, simulated.journal().puts());
    let journal = Counted::new(simulated.journal());
    for _ in 0..300 {
        assert!(recover_with(&simulated, Arc::clone(&journal)).await.unwrap().is_clean());
        tokio::time::sleep(5 * MINUTE).await; // virtual time
    }
    assert_eq!((keys(&simulated).await, simulated.journal().puts()), (before, puts));
    assert_eq!(journal.locks.load(Ordering::SeqCst), 0, "a backup that begins meanwhile would be `Claimed`");
}

#[tokio::test(start_paused = true)]
async fn a_recovery_that_had_something_to_do_leaves_a_handful() {
    let simulated = eight_six().await;
    for _ in 0..5 {
        crate::promise::die_paused(&simulated, simulated.config().unwrap()).await;
        recover(simulated.config().unwrap(), simulated.connect_options()).await.unwrap();
        tokio::time::sleep(MINUTE).await; // virtual time: the next id
    }
    let claims = simulated.journal().list("claims").await.unwrap();
    assert!(claims.len() <= 2, "{claims:?}");
}

#[tokio::test(start_paused = true)]
async fn a_year_of_a_backup_a_day_and_a_recovery_every_five_minutes_stays_small() {
    let simulated = a_year_old().await;
    repeat_on_days_ago(&simulated, 1..=365).await;
    assert!(keys(&simulated).await > 5_000, "a year without forgetting");
    next_backup(&simulated, 90).await;
    let left = keys(&simulated).await;
    assert!(left < 3_000, "{left} keys after a year");
    assert!((91..=93).contains(&names(&simulated).await.len()), "{}", names(&simulated).await.len());
    let journal = Counted::new(simulated.journal());
    recover_with(&simulated, Arc::clone(&journal)).await.unwrap();
    let (reads, lists) = (journal.reads.load(Ordering::SeqCst), journal.lists.load(Ordering::SeqCst));
    assert!(reads <= left && lists <= 4, "one call read {reads} and listed {lists} times");
}

#[tokio::test(start_paused = true)]
async fn with_a_retention_of_zero_everything_is_kept() {
    let simulated = a_year_old().await;
    repeat_on_days_ago(&simulated, [300, 200, 100].into_iter()).await;
    next_backup(&simulated, 0).await;
    assert_eq!(names(&simulated).await.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn the_highest_id_is_kept_so_that_it_is_never_used_again() {
    let simulated = eight_six().await;
    let high = crate::world::under_id(9_000_000_000_000);
    completed(&simulated, crate::world::backup_as(&simulated, high).await);
    let highest = names(&simulated).await.remove(0);
    tokio::time::sleep(400 * DAY).await; // virtual time
    let mut lower = Vec::new();
    for day in [399, 300, 1] {
        lower.push(under_a_low_id(&simulated, day).await);
    }
    // A dead process's claim is something to do.
    let journal: Arc<dyn Journal> = Arc::new(simulated.journal());
    drop(claim(journal, "camunda", "dead", simulated.clock().now()).await.unwrap());
    recover(simulated.config().unwrap(), simulated.connect_options()).await.unwrap();
    assert_eq!(names(&simulated).await, [highest, lower.pop().unwrap()]);
}

/// A finished run under a low id that was made some days ago.
async fn under_a_low_id(simulated: &SimulatedCluster, days_ago: u64) -> RunId {
    let model = runs_of(simulated).await.remove(0);
    let began = Timestamp::from_millis(simulated.clock().now().millis() - days_ago * 86_400_000);
    let run = RunId::new(began, 1);
    let mut log = RunLog::begin(Arc::new(simulated.journal()), "camunda", run.clone(), 1_000_000);
    for record in &model.records {
        let text = record.event.to_string().replace("9000000000000", "1");
        log.append(began, &serde_json::from_str::<serde_json::Value>(&text).unwrap()).await.unwrap();
    }
    run
}

#[tokio::test(start_paused = true)]
async fn a_run_that_owes_or_may_owe_or_cannot_be_told_is_never_forgotten() {
    let simulated = eight_six().await;
    // One whose pause was never answered, and one that is damaged.
    simulated.inject(Rule::operation("zeebe.exporting.pause", Fault::LoseBefore).unwrap().times(1));
    failed(backup(&simulated).await);
    tokio::time::sleep(MINUTE).await; // virtual time: the next id
    completed(&simulated, backup(&simulated).await);
    tokio::time::sleep(MINUTE).await; // virtual time: the next id
    completed(&simulated, backup(&simulated).await);
    let [unanswered, damaged, whole]: [RunId; 3] = names(&simulated).await.try_into().unwrap();
    let key = Key::new(format!("runs/camunda/{damaged}/00000003.json")).unwrap();
    assert!(simulated.journal().corrupt(&key, |body| body.truncate(20)));
    tokio::time::sleep(400 * DAY).await; // virtual time
    crate::promise::die_paused(&simulated, simulated.config().unwrap()).await;
    recover(simulated.config().unwrap(), simulated.connect_options()).await.unwrap();
    let left = names(&simulated).await;
    assert!(left.contains(&unanswered) && left.contains(&damaged), "{left:?}");
    assert!(!left.contains(&whole), "{left:?}");
}
