//! What the socket time-out of an application's store client is called: it ends a part without a word.

use camunda_backup_es::Flavor;

/// The setting of `app` for the store that it uses; both names where the store is not known.
pub(crate) fn setting(app: &str, flavor: Option<Flavor>) -> String {
    let names = match flavor {
        Some(Flavor::Elasticsearch) => [Some("ELASTICSEARCH"), None],
        Some(Flavor::OpenSearch) => [Some("OPENSEARCH"), None],
        _ => [Some("ELASTICSEARCH"), Some("OPENSEARCH")],
    };
    let names = names.into_iter().flatten().map(|store| match app {
        // Optimize has no variable of its own for it.
        "optimize" if store == "ELASTICSEARCH" => "es.connection.timeout".to_owned(),
        "optimize" => "opensearch.connection.timeout".to_owned(),
        _ => format!("CAMUNDA_{}_{store}_SOCKETTIMEOUT", app.to_uppercase()),
    });
    names.collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_has_the_application_and_the_store() {
        for (app, flavor, expected) in [
            ("operate", Some(Flavor::Elasticsearch), "CAMUNDA_OPERATE_ELASTICSEARCH_SOCKETTIMEOUT"),
            ("tasklist", Some(Flavor::OpenSearch), "CAMUNDA_TASKLIST_OPENSEARCH_SOCKETTIMEOUT"),
            (
                "tasklist",
                None,
                "CAMUNDA_TASKLIST_ELASTICSEARCH_SOCKETTIMEOUT or CAMUNDA_TASKLIST_OPENSEARCH_SOCKETTIMEOUT",
            ),
            ("optimize", Some(Flavor::OpenSearch), "opensearch.connection.timeout"),
        ] {
            assert_eq!(setting(app, flavor), expected);
        }
    }
}
