//! Which right a user lacks, read from the words of the security plugins of both flavours.

/// What to do about a 403 of Elasticsearch's or OpenSearch's security, as far as its words tell.
pub(crate) fn advice(said: &str) -> Option<String> {
    let action = between(said, "action [", "]").or_else(|| between(said, "no permissions for [", "]"))?;
    let who = who(said);
    let on = between(said, "on indices [", "]").map(|indices| format!(" on {indices}")).unwrap_or_default();
    Some(match granting(said) {
        Some((scope, first)) => {
            format!("give a role of {who} the {scope} privilege `{first}`{on}: it allows {action}")
        }
        None if action.is_empty() => format!(
            "give a role of {who} all permissions for snapshots; global state and security indices must not be in a restore"
        ),
        None => {
            let scope = if action.starts_with("indices:") { "index" } else { "cluster" };
            format!("give a role of {who} the {scope} permission `{action}`{on}")
        }
    })
}

/// The weakest privilege that allows it, which Elasticsearch names first: `…by the cluster privileges [monitor,all]`.
fn granting(said: &str) -> Option<(&str, &str)> {
    let (before, list) = said.split_once(" privileges [")?;
    let scope = before.rsplit(' ').next()?;
    let first = list.split([',', ']']).next().map(str::trim).filter(|first| !first.is_empty())?;
    Some((scope, first))
}

fn who(said: &str) -> String {
    // OpenSearch: `User [name=camunda, backend_roles=[], requestedTenant=null]`.
    let named = between(said, "User [name=", ",")
        .or_else(|| between(said, " user [", "]"))
        .map(|user| format!("the user {user}"));
    let key = between(said, "API key id [", "]").map(|id| format!("the API key {id}"));
    let service = between(said, "service account [", "]").map(|name| format!("the service account {name}"));
    key.or(service).or(named).unwrap_or_else(|| "the configured user".to_owned())
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(inner, _)| inner.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_and_user_are_named_in_every_form_seen() {
        for (said, expected) in [
            (
                "action [cluster:monitor/main] is unauthorized for user [camunda-backup] with effective roles \
                 [snapshot_user], this action is granted by the cluster privileges [monitor,manage,all]",
                "give a role of the user camunda-backup the cluster privilege `monitor`: it allows cluster:monitor/main",
            ),
            (
                "action [indices:monitor/settings/get] is unauthorized for user [low] with effective roles [lowrole] on \
                 indices [b1,b2], this action is granted by the index privileges [view_index_metadata,manage,all]",
                "give a role of the user low the index privilege `view_index_metadata` on b1,b2: it allows \
                 indices:monitor/settings/get",
            ),
            (
                "action [cluster:admin/repository/verify] is unauthorized for API key id [k1] of user [jo], this action \
                 is granted by the cluster privileges [manage,all]",
                "give a role of the API key k1 the cluster privilege `manage`: it allows cluster:admin/repository/verify",
            ),
            (
                "action [indices:data/read/search] is unauthorized for user [x]",
                "give a role of the user x the index permission `indices:data/read/search`",
            ),
            (
                "no permissions for [cluster:admin/repository/verify] and User [name=camunda, backend_roles=[], \
                 requestedTenant=null]",
                "give a role of the user camunda the cluster permission `cluster:admin/repository/verify`",
            ),
            (
                "no permissions for [] and User [name=camunda, backend_roles=[a], requestedTenant=null]",
                "give a role of the user camunda all permissions for snapshots; global state and security indices must \
                 not be in a restore",
            ),
        ] {
            assert_eq!(advice(said).as_deref(), Some(expected), "{said}");
        }
        for said in ["", "missing authentication credentials", "action [half"] {
            assert_eq!(advice(said), None, "{said}");
        }
    }
}
