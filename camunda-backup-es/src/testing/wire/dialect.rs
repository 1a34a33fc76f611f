//! What differs between the servers, as one table. Each field is a row of what real servers were seen to do.

use crate::testing::control::options::{StoreFlavor, StoreOptions};

/// The behaviour of one version.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)] // a table of independent differences
pub(crate) struct Dialect {
    pub(crate) flavor: StoreFlavor,
    pub(crate) version: String,
    pub(crate) major: u32,
    pub(crate) elasticsearch: bool,
    /// Elasticsearch 8 and 9.
    pub(crate) modern_elasticsearch: bool,
    /// The number behind `version_id` of a snapshot and `index.version.created`.
    pub(crate) version_id: u64,
    /// Bytes of all headers, from the measured servers.
    pub(crate) header_limit: usize,
    /// The word behind `version` of a snapshot written and read here.
    pub(crate) version_range: String,
    pub(crate) json_content_type: &'static str,
    pub(crate) product_header: Option<(&'static str, String)>,
    /// `X-Elastic-App-Exception` on 500 and 503.
    pub(crate) exception_header: bool,
    pub(crate) cluster_manager_timeout: bool,
    /// Listing an unknown repository: 200 with `failures` (7.17); else 404.
    pub(crate) list_tolerates_missing_repository: bool,
    /// A wildcard without match in a listing: 404.
    pub(crate) list_wildcard_miss_is_404: bool,
    /// `*` on an empty repository: 404 (OpenSearch).
    pub(crate) list_star_on_empty_is_404: bool,
    /// Paging, sorting, several repositories, exclusions in a listing.
    pub(crate) paged_listing: bool,
    pub(crate) index_names_param: bool,
    pub(crate) state_param: bool,
    pub(crate) duplicate_name_error: &'static str,
    /// `_status` of a PARTIAL snapshot says PARTIAL (OpenSearch 2, 3); else SUCCESS.
    pub(crate) status_says_partial: bool,
    pub(crate) status_of_index_path: bool,
    /// Wildcards of a snapshot request take closed indices.
    pub(crate) wildcards_take_closed: bool,
    pub(crate) shallow_copy_field: bool,
    pub(crate) readonly_error: (u16, &'static str),
    /// `wait_for_completion` of a snapshot's DELETE.
    pub(crate) delete_wait_param: bool,
    pub(crate) concurrency_status: u16,
    pub(crate) repository_conflict: (u16, &'static str),
    pub(crate) restore_needs_global_state: bool,
    pub(crate) restore_alias_rename: bool,
    pub(crate) destructive_requires_name: bool,
    pub(crate) resolve_missing_is_404: bool,
    pub(crate) aliases_report_errors: bool,
    pub(crate) template_dates: bool,
    /// What names must not contain, in this server's words.
    pub(crate) bad_characters: &'static str,
    /// Excluding a name that is not there: 404.
    pub(crate) exclusion_of_missing_is_404: bool,
    /// `/{index}/{type}` is still known, for POST.
    pub(crate) typed_paths: bool,
    /// `/{index}/{type}/{id}` is still known.
    pub(crate) typed_documents: bool,
    /// `[default:r:s/uuid]` where others write `[r:s/uuid]`.
    pub(crate) project_prefix: &'static str,
}

impl Dialect {
    pub(crate) fn of(options: &StoreOptions) -> Self {
        let numbers = numbers(&options.version);
        let (major, minor) = (numbers.0, numbers.1);
        let elasticsearch = options.flavor == StoreFlavor::Elasticsearch;
        let modern = elasticsearch && major >= 8;
        let (version_id, version_range) = snapshot_version(elasticsearch, numbers, &options.version);
        Self {
            flavor: options.flavor,
            version: options.version.clone(),
            major,
            elasticsearch,
            modern_elasticsearch: modern,
            version_id,
            header_limit: if modern || (!elasticsearch && major >= 3) { 16_384 } else { 8192 },
            version_range,
            json_content_type: if modern { "application/json" } else { "application/json; charset=UTF-8" },
            product_header: product_header(elasticsearch, major, &options.version),
            exception_header: elasticsearch && major >= 9,
            cluster_manager_timeout: !elasticsearch && major >= 2,
            list_tolerates_missing_repository: elasticsearch && !modern,
            list_wildcard_miss_is_404: !modern,
            list_star_on_empty_is_404: !elasticsearch,
            paged_listing: elasticsearch,
            index_names_param: modern && (major > 8 || minor >= 3),
            state_param: elasticsearch && (major, minor) >= (9, 1),
            duplicate_name_error: if modern {
                "snapshot_name_already_in_use_exception"
            } else {
                "invalid_snapshot_name_exception"
            },
            status_says_partial: !elasticsearch && major >= 2,
            status_of_index_path: !elasticsearch && major >= 2,
            wildcards_take_closed: modern,
            shallow_copy_field: !elasticsearch && major >= 2,
            // 8.16.6 and 8.19.8 were seen with the old answer, 8.19.21 and 9.4.3 with the new one.
            readonly_error: if elasticsearch && numbers >= (8, 19, 9) {
                (400, "illegal_argument_exception")
            } else {
                (500, "repository_exception")
            },
            delete_wait_param: modern,
            concurrency_status: if !elasticsearch && major >= 3 { 409 } else { 503 },
            repository_conflict: if modern {
                (409, "repository_conflict_exception")
            } else {
                (500, "illegal_state_exception")
            },
            restore_needs_global_state: modern,
            restore_alias_rename: !elasticsearch && (major, minor) >= (2, 18),
            destructive_requires_name: modern,
            resolve_missing_is_404: modern,
            aliases_report_errors: modern,
            template_dates: elasticsearch && (major, minor) >= (9, 2),
            bad_characters: if modern {
                "must not contain the following characters [' ','\"','*',',','/','<','>','?','\\','|']"
            } else {
                "must not contain the following characters [ , \", *, \\, <, |, ,, >, /, ?]"
            },
            exclusion_of_missing_is_404: if elasticsearch { major <= 7 } else { major <= 1 },
            typed_paths: if elasticsearch { major <= 8 } else { major <= 1 },
            typed_documents: if elasticsearch { major <= 7 } else { major <= 1 },
            project_prefix: if elasticsearch && major >= 9 { "default:" } else { "" },
        }
    }

    /// How a snapshot with this number and word, written elsewhere, is shown by this server.
    pub(crate) fn shown_version(&self, written: &Self) -> String {
        if written.version == self.version && written.flavor == self.flavor {
            return written.version_range.clone();
        }
        let (_, _, patch) = numbers(&self.version);
        let next = || {
            let stem = self.version.rsplit_once('.').map_or(self.version.as_str(), |(stem, _)| stem);
            format!("{stem}.{}-[{}]", patch + 1, written.version_id)
        };
        match (self.elasticsearch, self.modern_elasticsearch, written.elasticsearch) {
            (false, _, false) => written.version.clone(),
            (true, true, true) if written.major == 7 => "7.17.25-8.0.0".to_owned(),
            (true, true, true) if written.major <= self.major => written.version_range.clone(),
            (true, true, _) => next(),
            _ if written.version_id < 8_000_000 => written.version.clone(),
            _ => legacy_words(written.version_id),
        }
    }
}

/// Major, minor, patch; what is no number is 0.
pub(crate) fn numbers(version: &str) -> (u32, u32, u32) {
    let mut parts = version.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next())
}

fn product_header(elasticsearch: bool, major: u32, version: &str) -> Option<(&'static str, String)> {
    match (elasticsearch, major) {
        (true, _) => Some(("x-elastic-product", "Elasticsearch".to_owned())),
        (false, 3..) => Some(("x-opensearch-version", format!("OpenSearch/{version} (opensearch)"))),
        _ => None,
    }
}

/// From 8.9 on the number counts index versions, and the word is a range of patch releases. The measured lines are
/// exact; the lines between them follow the same shape.
fn snapshot_version(elasticsearch: bool, numbers: (u32, u32, u32), version: &str) -> (u64, String) {
    let (major, minor, patch) = (u64::from(numbers.0), u64::from(numbers.1), u64::from(numbers.2));
    let plain = major * 1_000_000 + minor * 10_000 + patch * 100 + 99;
    match (elasticsearch, major, minor) {
        (false, ..) => (plain ^ 0x0800_0000, version.to_owned()),
        (true, 8, 16) => (8_518_000, format!("8.16.0-{version}")),
        (true, 8, 19) => (8_537_000, format!("8.19.9-{version}")),
        (true, 9, 4) => (9_094_000, format!("9.4.0-{version}")),
        (true, 9, 5) => (9_111_000, format!("9.5.2-{version}")),
        (true, 8, 9..) => (8_500_000 + minor * 1000, format!("8.{minor}.0-{version}")),
        (true, 9.., _) => (major * 1_000_000 + minor * 10_000, format!("{major}.{minor}.0-{version}")),
        _ => (plain, version.to_owned()),
    }
}

/// A number of the old scheme in words: two digits each of major, minor and patch, then the build.
fn legacy_words(id: u64) -> String {
    let (major, minor, patch, build) = (id / 1_000_000 % 100, id / 10_000 % 100, id / 100 % 100, id % 100);
    match build {
        99 => format!("{major}.{minor}.{patch}"),
        0..=24 => format!("{major}.{minor}.{patch}-alpha{build}"),
        25..=49 => format!("{major}.{minor}.{patch}-beta{}", build - 25),
        _ => format!("{major}.{minor}.{patch}-rc{}", build - 50),
    }
}
