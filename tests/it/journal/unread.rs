//! A store that does not give a record for a while: nothing is concluded from that.

use super::*;

/// Does not give the records whose key ends so, a number of times.
#[derive(Debug)]
struct Refusing {
    store: MemoryJournal,
    refused: Mutex<Vec<(String, usize)>>,
}

impl Refusing {
    fn new(store: MemoryJournal, refused: &[(&Key, usize)]) -> Self {
        let refused = refused.iter().map(|(key, times)| (key.to_string(), *times)).collect();
        Self { store, refused: Mutex::new(refused) }
    }
}

#[async_trait::async_trait]
impl Journal for Refusing {
    async fn put_new(&self, key: &Key, body: bytes::Bytes) -> Result<Put> {
        self.store.put_new(key, body).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<Key>> {
        self.store.list(prefix).await
    }
    async fn read(&self, key: &Key) -> Result<bytes::Bytes> {
        let is_refused = {
            let mut refused = self.refused.lock().unwrap();
            let left = refused.iter_mut().find(|(refused, left)| refused == key.as_str() && *left > 0);
            left.map(|(_, left)| *left -= 1).is_some()
        };
        if is_refused {
            return Err(Error::new(ErrorKind::Unavailable, "503 Slow Down"));
        }
        self.store.read(key).await
    }
    async fn remove(&self, key: &Key) -> Result<Removal> {
        self.store.remove(key).await
    }
    async fn lock(&self, name: &str, holder: &Holder) -> Result<Lock> {
        self.store.lock(name, holder).await
    }
    async fn unlock(&self, guard: LockGuard) -> Result<()> {
        self.store.unlock(guard).await
    }
}

fn key_of(history: &RunHistory, entry: &str) -> Key {
    let record = history.records.iter().find(|record| record.event.get(entry).is_some()).unwrap();
    Key::new(format!("runs/camunda/{}/{:08}.json", history.run, record.seq)).unwrap()
}

/// A backup of last month, and somebody who has paused exporting since for a good reason.
async fn done_and_paused_by_somebody_else() -> (SimulatedCluster, RunHistory) {
    let simulated = eight_six().await;
    completed(&simulated, backup(&simulated).await);
    let history = runs_of(&simulated).await.remove(0);
    tokio::time::sleep(30 * DAY).await; // virtual time
    simulated.camunda().foreign_pause(true);
    (simulated, history)
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_for_a_moment_changes_nothing() {
    let (simulated, history) = done_and_paused_by_somebody_else().await;
    for record in &history.records {
        let key = Key::new(format!("runs/camunda/{}/{:08}.json", history.run, record.seq)).unwrap();
        let journal = Refusing::new(simulated.journal(), &[(&key, 2)]);
        recover_with(&simulated, journal).await.unwrap();
        assert!(is_paused(&simulated), "{key} was not read, and somebody else's pause was resumed");
    }
}

#[tokio::test(start_paused = true)]
async fn whichever_record_of_an_old_run_is_never_read_nothing_is_done_for_it_and_the_key_is_named() {
    let (simulated, history) = done_and_paused_by_somebody_else().await;
    for record in &history.records {
        let key = Key::new(format!("runs/camunda/{}/{:08}.json", history.run, record.seq)).unwrap();
        let journal = Refusing::new(simulated.journal(), &[(&key, usize::MAX)]);
        let error = recover_with(&simulated, journal).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Journal, "{error}");
        assert!(error.report().contains(key.as_str()), "{}", error.report());
        assert!(is_paused(&simulated), "{key} was not read, and somebody else's pause was resumed");
    }
    // Nor does a run begin that would not know what is owed.
    let key = key_of(&history, "paid");
    let mut parts = simulated.connect_options();
    parts.journal = Some(Arc::new(Refusing::new(simulated.journal(), &[(&key, usize::MAX)])));
    simulated.camunda().foreign_resume();
    let cluster = camunda_backup::Cluster::connect_with(simulated.config().unwrap(), parts).await.unwrap();
    let failure = cluster.run(crate::world::plan(&cluster)).await.unwrap_err();
    assert!(failure.error.report().contains(key.as_str()), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn one_runs_unread_record_keeps_no_other_run_paused() {
    let simulated = eight_six().await;
    completed(&simulated, backup(&simulated).await);
    let old = runs_of(&simulated).await.remove(0);
    tokio::time::sleep(MINUTE).await; // virtual time: the next id
    crate::promise::die_paused(&simulated, simulated.config().unwrap()).await;
    let journal = Refusing::new(simulated.journal(), &[(&key_of(&old, "paid"), usize::MAX)]);
    let error = recover_with(&simulated, journal).await.unwrap_err();
    assert!(error.report().contains(key_of(&old, "paid").as_str()), "{}", error.report());
    assert_running(&simulated);
}

/// The plan cannot be read, and the intent, which comes after it, proves the debt: no payment can stand before it.
#[tokio::test(start_paused = true)]
async fn what_the_readable_records_prove_is_paid() {
    let simulated = eight_six().await;
    crate::promise::die_paused(&simulated, simulated.config().unwrap()).await;
    let history = runs_of(&simulated).await.remove(0);
    let journal = Refusing::new(simulated.journal(), &[(&key_of(&history, "started"), usize::MAX)]);
    let error = recover_with(&simulated, journal).await.unwrap_err();
    assert!(error.report().contains("00000001.json"), "{}", error.report());
    assert_running(&simulated);
    recover(simulated.config().unwrap(), simulated.connect_options()).await.unwrap();
}
