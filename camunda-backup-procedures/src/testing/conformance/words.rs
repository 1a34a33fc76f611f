//! What differs from one installation to the next and says nothing: ids, names, numbers, addresses.

/// Takes the words of one installation out of keys and sentences.
#[derive(Debug, Clone)]
pub(super) struct Words {
    repository: String,
}

/// Fields that hold what an installation was told or given: only that they are there is compared.
const CONTENTS: [&str; 12] = [
    "_links",
    "aliases",
    "component_template",
    "components",
    "defaults",
    "index_template",
    "mappings",
    "metadata",
    "persistent",
    "settings",
    "stackTrace",
    "transient",
];

/// More of a sentence is cut off by the clients, at a place that depends on the names in it.
const LONGEST: usize = 100;

/// Beginnings of the names of indices, with what stands for the whole name.
const NAMES: [(&str, &str); 8] = [
    ("zeebe-record", "{index}"),
    ("operate-", "{index}"),
    ("tasklist-", "{index}"),
    ("optimize-", "{index}"),
    ("camunda_", "{snapshot}"),
    ("conformance-", "{scratch}"),
    ("http://", "{address}"),
    ("https://", "{address}"),
];

impl Words {
    /// For an installation whose applications use this repository.
    pub(super) fn new(repository: &str) -> Self {
        Self { repository: repository.to_owned() }
    }

    /// A field's name, or what kind of name it is where it is one.
    pub(super) fn key(&self, key: &str) -> String {
        self.replaced(key).unwrap_or_else(|| key.to_owned())
    }

    /// Whether the fields below this one are the installation's own.
    pub(super) fn is_content(key: &str) -> bool {
        CONTENTS.contains(&key)
    }

    /// A sentence without names and numbers.
    pub(super) fn sentence(&self, text: &str) -> String {
        let said = self.without_names(text);
        if !text.ends_with('…') {
            return said;
        }
        said.chars().take(LONGEST).chain(['…']).collect()
    }

    fn without_names(&self, text: &str) -> String {
        let mut said = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(is_separator).unwrap_or(rest.len());
            // An address has separators inside.
            let address = ["http://", "https://"].iter().any(|scheme| rest.starts_with(scheme));
            let end = if address { rest.find([' ', ']', '"', ',']).unwrap_or(rest.len()) } else { end };
            let (word, behind) = rest.split_at(end);
            // The end of a sentence is no part of its last word.
            let bare = word.trim_end_matches('.');
            // Its name may also be a word of the sentence: "backups".
            let named = bare != self.repository || said.ends_with('[');
            let replaced = if named { self.replaced(bare) } else { None };
            said.push_str(&replaced.unwrap_or_else(|| bare.to_owned()));
            said.push_str(&word[bare.len()..]);
            let mut after = behind.chars();
            said.extend(after.next());
            rest = after.as_str();
        }
        said
    }

    fn replaced(&self, word: &str) -> Option<String> {
        if word == self.repository && !word.is_empty() {
            return Some("{repository}".to_owned());
        }
        if let Some((_, kind)) = NAMES.iter().find(|(beginning, _)| word.starts_with(beginning)) {
            return Some((*kind).to_owned());
        }
        let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        match word {
            _ if digits => Some("{number}".to_owned()),
            _ if is_identity(word) => Some("{id}".to_owned()),
            _ => None,
        }
    }
}

fn is_separator(letter: char) -> bool {
    !(letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.'))
}

/// A UUID, or the 20 to 22 letters that Elasticsearch and OpenSearch use for one. A Java class may be as long, but has fewer
/// capitals and no digits.
fn is_identity(word: &str) -> bool {
    let count = |kind: fn(&u8) -> bool| word.bytes().filter(kind).count();
    let capitals = count(u8::is_ascii_uppercase);
    let mixed = count(u8::is_ascii_digit) > 0 || count(|byte| matches!(byte, b'-' | b'_')) > 0;
    let uuid = word.len() == 36 && count(|byte| *byte == b'-') == 4;
    let short = (20..=22).contains(&word.len()) && !word.contains('.');
    uuid || (short && (capitals > 5 || (capitals > 0 && mixed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_leave_a_sentence() {
        let words = Words::new("live");
        for (said, expected) in [
            ("[live:conformance-a/0aTWVLwBQk2vBsqSFxkgXw] no such", "[{repository}:{scratch}/{id}] no such"),
            ("Backup with id 4503 does not exist", "Backup with id {number} does not exist"),
            ("at http://127.0.0.1:9200/x [live].", "at {address} [{repository}]."),
            ("The latest has id 4711. So", "The latest has id {number}. So"),
            ("searching for live ones", "searching for live ones"),
        ] {
            assert_eq!(words.sentence(said), expected);
        }
    }

    #[test]
    fn field_names_stay() {
        let words = Words::new("live");
        assert!(Words::is_content("mappings") && !Words::is_content("snapshots"));
        for key in ["start_time_in_millis", "pendingChange", "number_of_pending_tasks", "_shards"] {
            assert_eq!(words.key(key), key);
        }
        assert_eq!(words.key("2"), "{number}");
        for id in ["tmHQ0p9xTlCN_MNfdqfYiQ", "LXxSilBIRmexDKhgWHtdZw"] {
            assert_eq!(words.key(id), "{id}");
        }
        assert_eq!(words.key("BrokerClusterStateImpl"), "BrokerClusterStateImpl");
    }
}
