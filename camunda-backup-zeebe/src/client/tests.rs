//! A user's program: connects to a Zeebe, reads what it does, prints it and keeps it as JSON.

use std::sync::Arc;

use camunda_backup_core::{BackupId, CamundaVersion, Endpoint, ErrorKind, SimulatedClock, Timestamp};

use super::*;
use crate::testing::{CamundaOptions, FakeCamunda, MemoryStore};
use crate::{BackupState, ExportingStatus, PauseMode};

fn simulated(version: &str) -> FakeCamunda {
    let clock = SimulatedClock::starting_at(Timestamp::from_millis(1_795_229_686_000));
    let store = Arc::new(MemoryStore::new(clock, "backups"));
    FakeCamunda::new(CamundaOptions::for_version(version.parse().unwrap()), clock, store)
}

fn all_addresses(fake: &FakeCamunda) -> (Endpoint, ZeebeOptions) {
    let addresses = fake.addresses();
    let mut options = ZeebeOptions::default().with_transport(Arc::new(fake.clone()));
    for (id, address) in addresses.brokers {
        options = options.with_broker(id, address.parse().unwrap());
    }
    (addresses.gateway.parse().unwrap(), options)
}

fn rest(fake: &FakeCamunda) -> Endpoint {
    Endpoint::new(&fake.addresses().rest).unwrap().with_auth(camunda_backup_core::Auth::basic("demo", "demo"))
}

async fn connected(version: &str) -> (FakeCamunda, Zeebe) {
    let fake = simulated(version);
    let (gateway, options) = all_addresses(&fake);
    let zeebe = Zeebe::connect_with(gateway, options).await.unwrap();
    (fake, zeebe)
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_seen_on_every_broker_and_a_backup_by_its_id() {
    let (_fake, zeebe) = connected("8.6.0").await;
    assert_eq!(zeebe.to_string(), "Zeebe 8.6.0 at http://zeebe.sim:9600");
    let topology = zeebe.topology().await.unwrap();
    assert!(topology.problems().is_empty(), "{topology}");
    assert!(topology.to_string().starts_with("3 of 3 brokers visible, 3 partitions with 3 replicas each"));
    assert_eq!(zeebe.cluster_state().await.unwrap().brokers.len(), 3);
    assert!(!zeebe.exporters().await.unwrap().is_empty());

    let running = zeebe.exporting_state().await.unwrap();
    assert!(running.all_seen_export() && !running.is_paused_anywhere(), "{running}");
    zeebe.exporting().pause("soft".parse::<PauseMode>().unwrap()).await.unwrap();
    let paused = zeebe.exporting_state().await.unwrap();
    assert!(paused.is_paused_anywhere() && !paused.all_seen_export());
    assert_eq!(paused.to_string().matches("exporter SOFT_PAUSED").count(), 9, "{paused}");
    let json = serde_json::to_value(&paused).unwrap();
    assert_eq!(json["brokers"]["0"]["1"]["exporter_phase"], "SOFT_PAUSED");
    zeebe.exporting().resume().await.unwrap();

    let id = BackupId::new(7).unwrap();
    assert_eq!(zeebe.backup(id).await.unwrap().state, BackupState::NotVisible);
    zeebe.runtime_backups().create(id).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert_eq!(zeebe.backup(id).await.unwrap().to_string(), "backup 7: COMPLETED, 3 partitions");
    assert_eq!(zeebe.backups().await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_down_is_named_and_hides_nothing_of_the_others() {
    let (fake, zeebe) = connected("8.6.0").await;
    fake.kill_broker(&"1".parse().unwrap());
    let state = zeebe.exporting_state().await.unwrap();
    assert_eq!(state.brokers.len(), 2);
    assert_eq!(state.not_seen["broker 1"].kind(), ErrorKind::Connect);
    assert!(!state.all_seen_export(), "one that was not seen may be paused");
    assert!(state.to_string().contains("not seen: broker 1: "), "{state}");
    let error = zeebe.topology().await.unwrap_err();
    assert!(error.to_string().starts_with("broker 1: "), "{error}");
}

#[tokio::test(start_paused = true)]
async fn without_addresses_it_says_whom_to_ask() {
    let fake = simulated("8.6.0");
    let options = ZeebeOptions::default().with_transport(Arc::new(fake.clone()));
    let gateway: Endpoint = fake.addresses().gateway.parse().unwrap();
    let zeebe = Zeebe::connect_with(gateway, options).await.unwrap();
    for error in [zeebe.topology().await.unwrap_err(), zeebe.exporting_state().await.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.report().contains("management address of each broker"), "{}", error.report());
    }
}

#[tokio::test(start_paused = true)]
async fn the_rest_address_serves_the_topology_and_the_status_of_8_10() {
    let fake = simulated("8.10.0");
    let (gateway, options) = all_addresses(&fake);
    let options = options.with_rest(rest(&fake));
    let zeebe = Zeebe::connect_with(gateway.clone(), options.clone()).await.unwrap();
    assert!(zeebe.dialect().speaks_rest());
    assert!(zeebe.topology().await.unwrap().gateway_version.is_some());
    let state = zeebe.exporting_state().await.unwrap();
    assert_eq!(state.status, Some(ExportingStatus::Exporting), "{state}");
    assert!(state.all_seen_export());
    let actuators = ZeebeOptions { prefer_actuators: true, ..options };
    let zeebe = Zeebe::connect_with(gateway, actuators).await.unwrap();
    assert!(zeebe.exporting_state().await.unwrap().status.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_not_told_must_be_declared_and_a_wrong_one_is_refused() {
    let fake = simulated("8.2.29");
    let (gateway, options) = all_addresses(&fake);
    let error = Zeebe::connect_with(gateway.clone(), options.clone()).await.unwrap_err();
    assert!(error.report().contains("with_version"), "{}", error.report());
    let declared = options.with_version(CamundaVersion::new(8, 2, 29));
    let zeebe = Zeebe::connect_with(gateway, declared).await.unwrap();
    assert!(zeebe.exporting_state().await.unwrap().all_seen_export(), "followers show no phase");
    assert_eq!(zeebe.exporters().await.unwrap_err().kind(), ErrorKind::Unsupported);

    let (gateway, options) = all_addresses(&simulated("8.6.0"));
    let wrong = options.with_version(CamundaVersion::new(8, 5, 8));
    let error = Zeebe::connect_with(gateway, wrong).await.unwrap_err();
    assert!(error.to_string().contains("8.5.8 is declared, the gateway says 8.6.0"), "{error}");
}

#[test]
fn nobody_asked_is_no_success() {
    let nothing = ExportingState::default();
    assert!(!nothing.all_seen_export() && !nothing.is_paused_anywhere());
    assert_eq!(nothing.to_string(), "nobody was asked");
    let mut state = ExportingState { status: Some(ExportingStatus::Exporting), ..ExportingState::default() };
    assert!(state.all_seen_export());
    state.brokers.insert("0".parse().unwrap(), BTreeMap::new());
    assert!(!state.all_seen_export(), "a broker that shows nothing proves nothing");
    state.status = Some(ExportingStatus::Other("BROKEN".to_owned()));
    state.brokers.clear();
    assert!(!state.all_seen_export());
}
