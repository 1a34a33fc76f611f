//! What the benches about listings share: the body that a repository of 10,000 snapshots is listed with.

use std::fmt::Write as _;

/// Snapshots in the repository.
pub(crate) const SNAPSHOTS: usize = 10_000;
/// Indices in each of them.
pub(crate) const INDICES: usize = 200;

/// `GET /_snapshot/backups/_all?verbose=false`, as Elasticsearch 8 writes it, with names as Camunda 8.6 makes them.
pub(crate) fn listing() -> Vec<u8> {
    let mut indices = String::new();
    for number in 0..INDICES {
        let comma = if number == 0 { "" } else { "," };
        let (month, day) = (1 + number / 28 % 12, 1 + number % 28);
        let _ = write!(indices, r#"{comma}"operate-list-view-8.3.0_2026-{month:02}-{day:02}""#);
    }
    let mut body = String::with_capacity(SNAPSHOTS * (indices.len() + 300));
    body.push_str(r#"{"snapshots":["#);
    for number in 0..SNAPSHOTS {
        let comma = if number == 0 { "" } else { "," };
        let (id, part) = (1_700_000_000 + number / 6, 1 + number % 6);
        let _ = write!(
            body,
            r#"{comma}{{"snapshot":"camunda_operate_{id}_8.6.0_part_{part}_of_6","uuid":"Zx9-{number:018}","repository":"backups","indices":[{indices}],"data_streams":[],"state":"SUCCESS"}}"#
        );
    }
    let _ = write!(body, r#"],"total":{SNAPSHOTS},"remaining":0}}"#);
    body.into_bytes()
}
