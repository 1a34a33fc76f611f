//! The typed clients alone, as a small tool uses them: an address, one call, and what comes back is printed or kept.

use std::time::Duration;

use camunda_backup::es::SearchStore;
use camunda_backup::testing::{SimulatedCluster, StoreKind};
use camunda_backup::zeebe::{Zeebe, ZeebeOptions};
use camunda_backup::{Endpoint, ErrorKind, IndexPrefix};

#[tokio::test]
async fn two_lines_are_enough_over_real_sockets() {
    let simulated = SimulatedCluster::new("8.6.0", StoreKind::OpenSearch2).unwrap();
    let served = simulated.serve().await.unwrap();
    let config = served.config();
    let (zeebe_url, store_url) = (config.zeebe.base().to_owned(), config.store.unwrap().base().to_owned());

    let store = SearchStore::connect(store_url.parse().unwrap()).await.unwrap();
    assert!(store.info().to_string().starts_with("OpenSearch 2."), "{}", store.info());
    let indices = store.indices(&IndexPrefix::new("operate").unwrap()).await.unwrap();
    assert!(indices[0].to_string().starts_with("operate-"), "{}", indices[0]);

    let zeebe = Zeebe::connect(zeebe_url.parse().unwrap()).await.unwrap();
    assert_eq!(zeebe.version().to_string(), "8.6.0");
    assert!(zeebe.backups().await.unwrap().is_empty());
    assert!(serde_json::to_value(zeebe.exporters().await.unwrap()).unwrap()[0]["id"].is_string());

    let with_brokers = config
        .brokers
        .into_iter()
        .fold(ZeebeOptions::default(), |options, (id, endpoint)| options.with_broker(id, endpoint));
    let zeebe = Zeebe::connect_with(zeebe_url.parse().unwrap(), with_brokers).await.unwrap();
    assert!(zeebe.exporting_state().await.unwrap().all_seen_export());

    let swapped = Zeebe::connect(store_url.parse().unwrap()).await.unwrap_err();
    assert_eq!(swapped.kind(), ErrorKind::WrongComponent);
    assert!(swapped.to_string().contains("Elasticsearch or OpenSearch answers there"), "{swapped}");
    let swapped = SearchStore::connect(zeebe_url.parse().unwrap()).await.unwrap_err();
    assert_eq!(swapped.kind(), ErrorKind::WrongComponent, "{swapped}");
}

#[tokio::test(start_paused = true)]
async fn one_broker_that_hangs_delays_nothing_beyond_its_bound() {
    use camunda_backup::testing::{Fault, Rule};
    let simulated = SimulatedCluster::new("8.6.0", StoreKind::Elasticsearch8).unwrap();
    let config = simulated.config().unwrap();
    let mut options = ZeebeOptions::default().with_transport(simulated.transport());
    options.brokers = config.brokers;
    let gateway: Endpoint = config.zeebe;
    let zeebe = Zeebe::connect_with(gateway, options).await.unwrap();
    simulated.inject(Rule::operation("broker.partitions.statuses", Fault::Hang).unwrap().times(1));
    let began = tokio::time::Instant::now();
    let state = zeebe.exporting_state().await.unwrap();
    assert!(began.elapsed() <= Duration::from_secs(11), "{:?}", began.elapsed());
    assert_eq!((state.brokers.len(), state.not_seen.len()), (1, 1), "{state}");
    assert_eq!(state.not_seen.values().next().unwrap().kind(), ErrorKind::Timeout);
}
