//! A journal that cannot tell by itself whether a holder is dead, such as an object store.

use super::*;

/// Conditional put, list and read of one process, which may be dead: then it hangs for ever.
#[derive(Debug, Clone)]
struct OfProcess {
    store: MemoryJournal,
    is_dead: Arc<AtomicBool>,
}

impl OfProcess {
    fn new(simulated: &SimulatedCluster) -> Self {
        Self { store: simulated.journal(), is_dead: Arc::default() }
    }
}

#[async_trait::async_trait]
impl Journal for OfProcess {
    async fn put_new(&self, key: &Key, body: bytes::Bytes) -> Result<Put> {
        if self.is_dead.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        self.store.put_new(key, body).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<Key>> {
        self.store.list(prefix).await
    }
    async fn read(&self, key: &Key) -> Result<bytes::Bytes> {
        self.store.read(key).await
    }
}

/// The loop of docs/embedding.md: how often `Claimed`, and how often something else went wrong.
async fn a_day_of_recovering(simulated: &SimulatedCluster) -> (usize, usize) {
    let journal = OfProcess::new(simulated);
    let (mut claimed, mut failed) = (0, 0);
    for _ in 0..12 * 24 {
        match recover_with(simulated, journal.clone()).await {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Claimed => claimed += 1,
            Err(_) => failed += 1,
        }
        tokio::time::sleep(5 * MINUTE).await; // virtual time
    }
    (claimed, failed)
}

#[tokio::test(start_paused = true)]
async fn the_lock_of_a_killed_process_does_not_keep_exporting_paused() {
    let simulated = eight_six().await;
    let journal = OfProcess::new(&simulated);
    let process = camunda_backup::testing::SimulatedProcess::immortal(&simulated);
    let mut parts = process.connect_options();
    parts.journal = Some(Arc::new(journal.clone()));
    let cluster = camunda_backup::Cluster::connect_with(simulated.config().unwrap(), parts).await.unwrap();
    let run = cluster.start(crate::world::plan(&cluster)).await;
    crate::world::until("paused", || is_paused(&simulated)).await;
    journal.is_dead.store(true, Ordering::SeqCst);
    process.kill();
    let recovered = recover_with(&simulated, OfProcess::new(&simulated)).await.unwrap();
    assert_eq!(recovered.runs[0].paid.len(), 1, "{recovered}");
    assert_running(&simulated);
    assert_eq!(a_day_of_recovering(&simulated).await, (0, 0));
    drop(run);
}

#[tokio::test(start_paused = true)]
async fn the_lock_of_a_living_run_is_respected_for_as_long_as_it_takes() {
    let simulated = eight_six().await;
    simulated.store().set_snapshot_duration(|_, _| Duration::from_secs(20 * 60));
    let mut parts = simulated.connect_options();
    parts.journal = Some(Arc::new(OfProcess::new(&simulated)));
    let cluster = camunda_backup::Cluster::connect_with(simulated.config().unwrap(), parts).await.unwrap();
    let run = cluster.start(crate::world::plan(&cluster)).await;
    crate::world::until("begun", || !crate::world::artifacts(&simulated).is_empty()).await;
    for _ in 0..5 {
        let error = recover_with(&simulated, OfProcess::new(&simulated)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Claimed);
        assert!(error.to_string().contains("camunda-backup in process"), "{error}");
        tokio::time::sleep(MINUTE).await; // virtual time
    }
    run.cancel();
    drop(run.finished().await);
    recover_with(&simulated, OfProcess::new(&simulated)).await.unwrap();
    assert_running(&simulated);
}
