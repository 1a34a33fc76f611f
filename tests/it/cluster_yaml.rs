//! `docs/cluster.yaml` has every setting, its defaults are the defaults, and what is wrong in such a file is named.

use std::collections::BTreeSet;
use std::fs;

use camunda_backup::Limits;
use camunda_backup::core::{Auth, OidcConfig, TlsConfig, TransportConfig};
use camunda_backup::testing::{SimulatedCluster, StoreKind};
use camunda_backup::{BackupSpec, Cluster, ClusterConfig, Endpoint, ErrorKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    cluster: ClusterConfig,
    backup: BackupSpec,
    transport: TransportConfig,
}

fn file() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cluster.yaml")).unwrap()
}

fn read(yaml: &str) -> Result<Settings, String> {
    serde_norway::from_str(yaml).map_err(|error| error.to_string())
}

/// The settings of a type, as it lists them for a key that it does not know.
fn settings_of<T: DeserializeOwned>() -> BTreeSet<String> {
    let error =
        serde_json::from_str::<T>(r#"{"x-nothing-like-any-setting-at-all": 1}"#).err().unwrap().to_string();
    let (_, all) = error.split_once("there are: ").unwrap_or_else(|| panic!("{error}"));
    all.split(" at line").next().unwrap().split(", ").map(str::to_owned).collect()
}

/// Every key of the file, wherever it is.
fn keys(value: &serde_json::Value, into: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(map) => map.iter().for_each(|(key, value)| {
            into.insert(key.clone());
            keys(value, into);
        }),
        serde_json::Value::Array(list) => list.iter().for_each(|value| keys(value, into)),
        _ => {}
    }
}

#[test]
fn every_setting_that_the_code_has_is_in_the_file() {
    let mut shown = BTreeSet::new();
    keys(&serde_norway::from_str(&file()).unwrap(), &mut shown);
    let mut all = settings_of::<ClusterConfig>();
    assert!(all.len() > 18 && all.contains("retention-days"), "{all:?}");
    all.extend(settings_of::<BackupSpec>());
    all.extend(settings_of::<Limits>());
    all.extend(settings_of::<TransportConfig>());
    all.extend(settings_of::<TlsConfig>());
    all.extend(settings_of::<OidcConfig>());
    all.extend(
        ["url", "auth", "tls", "basic", "user", "password", "bearer", "api-key", "oidc"].map(str::to_owned),
    );
    let missing: Vec<_> = all.difference(&shown).collect();
    assert!(missing.is_empty(), "docs/cluster.yaml does not show {missing:?}");
}

/// Without one line the rest must be read as before where the line says that it is the default, and differently elsewhere.
#[test]
fn what_is_marked_as_default_is_the_default_and_nothing_else_is() {
    let text = file();
    let whole = format!("{:?}", read(&text).unwrap());
    let lines: Vec<&str> = text.lines().collect();
    let mut defaults = 0;
    for (place, line) in lines.iter().enumerate() {
        let setting = line.split(" #").next().unwrap().trim();
        if setting.is_empty() || setting.starts_with('#') || setting.ends_with(':') {
            continue;
        }
        let rest: Vec<&str> =
            lines.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, line)| *line).collect();
        let without = read(&rest.join("\n")).map(|settings| format!("{settings:?}"));
        let same = without.as_ref() == Ok(&whole);
        let marked = line.contains("# default");
        assert_eq!(same, marked, "line {}: {setting}", place + 1);
        defaults += usize::from(marked);
    }
    assert!(defaults >= 16, "only {defaults} defaults are shown");
}

#[test]
fn every_kind_of_credentials_and_files_reaches_its_address() {
    let Settings { cluster, backup, transport } = read(&file()).unwrap();
    assert_eq!(backup, BackupSpec::default());
    let Auth::Oidc(oidc) = &cluster.zeebe.auth else { panic!("{:?}", cluster.zeebe.auth) };
    assert_eq!((oidc.audience.as_deref(), oidc.tls.is_some()), (Some("zeebe-api"), true));
    assert_eq!(cluster.brokers.keys().map(camunda_backup::BrokerId::as_str).collect::<Vec<_>>(), ["0", "1"]);
    assert!(matches!(cluster.rest.unwrap().auth, Auth::Bearer(_)));
    let store = cluster.store.unwrap();
    assert!(matches!(store.auth, Auth::ApiKey(_)) && store.tls.unwrap().client_key_pem.is_some());
    let files = cluster.zeebe.tls.unwrap();
    assert!(files.client_key_file.is_some() && cluster.tls.unwrap() != *files);
    assert!(matches!(transport.proxy.unwrap().auth, Auth::Basic { .. }));
}

#[test]
fn what_is_wrong_is_named_with_its_path_and_never_shown_where_it_is_secret() {
    let text = file();
    for (from, to, words) in [
        (
            "repository: backups",
            "repositry: backups",
            "there is no setting `repositry`; did you mean `repository`?",
        ),
        ("    0: http://zeebe-0.internal:9600", "    0: zeebe-0.internal", "brokers: 0: "),
        ("    - http://old-zeebe.internal:9600", "    - nowhere", "formerly: entry 1: "),
        (
            "      ca-file: /etc/camunda-backup/zeebe-ca.crt",
            "      ca-fiel: x",
            "zeebe: tls: there is no setting `ca-fiel`",
        ),
        (
            "        client-id: backup",
            "        client: backup",
            "zeebe: auth: oidc: there is no setting `client`",
        ),
        ("bearer: not-a-real-token", "bearer: 4711", "rest: auth: bearer: "),
        ("    max-pause: 15m", "    max-pause: 15", "limits: max-pause: "),
        ("  overrides: []", "  overrides: [id-takken]", "overrides: "),
        ("  retention-days: 90", "  retention-days: ninety", "retention-days: "),
        ("  version: 8.6.0", "  version: 8.10", "version: "),
        ("  record-prefix: zeebe-record", "  record-prefix: a*", "record-prefix: "),
        ("  name: camunda ", "  name: camunda\n  name: other ", "given twice"),
        ("    url: https://zeebe.internal:9600", "    url: https://u:4711@zeebe.internal:x", "zeebe: "),
    ] {
        assert!(text.contains(from), "{from}");
        let error = read(&text.replacen(from, to, 1)).unwrap_err();
        assert!(error.contains(words) && !error.contains("4711"), "{to}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn files_that_are_missing_end_connect_and_recover_with_their_path() {
    let simulated = SimulatedCluster::new("8.6.0", StoreKind::Elasticsearch8).unwrap();
    let mut config = simulated.config().unwrap();
    config.store = Some(
        Endpoint::new("https://store.sim:9200")
            .unwrap()
            .with_tls(TlsConfig::default().with_ca_file("/no/such/ca.crt")),
    );
    let mut options = simulated.connect_options();
    options.transport = None;
    let error = Cluster::connect_with(config.clone(), options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("store: tls.ca-file /no/such/ca.crt cannot be read"), "{error}");
    let ignored = Cluster::connect_with(config, simulated.connect_options()).await.unwrap_err();
    assert!(ignored.to_string().contains("this transport has no TLS settings"), "{ignored}");
}
