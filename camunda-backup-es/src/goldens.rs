//! What real servers answered, for the tests of all decoders: see `goldens/README.md`.

/// The recorded bodies of one exchange, `(server, body)`, from each of the seven servers or from those named.
macro_rules! golden {
    ($name:literal) => {
        golden!($name, "es7", "es8", "es9", "es95", "os1", "os2", "os3")
    };
    ($name:literal, $($server:literal),+) => {
        [$(($server, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/goldens/", $server, "/", $name, ".json")))),+]
    };
}

/// The same with the recorded HTTP status: `(server, status, body)`.
macro_rules! golden_error {
    ($name:literal) => {
        golden_error!($name, "es7", "es8", "es9", "es95", "os1", "os2", "os3")
    };
    ($name:literal, $($server:literal),+) => {
        [$((
            $server,
            $crate::goldens::status(
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/goldens/", $server, "/STATUS")),
                $name,
            ),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/goldens/", $server, "/", $name, ".json")),
        )),+]
    };
}

/// The status of one exchange in a `STATUS` file: lines of name and number.
pub(crate) fn status(file: &str, name: &str) -> u16 {
    let line = file.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|status| status.parse().ok()).expect("every golden has its status")
}

/// A client over a script, for a server such as `Elasticsearch 8.19.21`.
pub(crate) fn scripted(
    version: &str,
    script: &camunda_backup_core::transport::script::ScriptedTransport,
) -> crate::SearchStore {
    use camunda_backup_core::{Component, Endpoint, HttpClient};
    let endpoint = Endpoint::new("http://store:9200").unwrap();
    let http = HttpClient::new(std::sync::Arc::new(script.clone()), Component::Store, endpoint).unwrap();
    let info = crate::StoreInfo {
        version: version.parse().unwrap(),
        cluster_name: "test".to_owned(),
        cluster_uuid: None,
    };
    crate::SearchStore::with_info(http, info)
}

/// The version of the server that a golden comes from.
pub(crate) fn version_of(server: &str) -> &'static str {
    match server {
        "es7" => "Elasticsearch 7.17.29",
        "es8" => "Elasticsearch 8.19.21",
        "es9" => "Elasticsearch 9.4.3",
        "es95" => "Elasticsearch 9.5.3",
        "os1" => "OpenSearch 1.3.13",
        "os2" => "OpenSearch 2.19.6",
        "os3" => "OpenSearch 3.6.0",
        other => panic!("no such server: {other}"),
    }
}
