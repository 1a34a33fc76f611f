//! What the managed services in front of a search store say: they have their own rules, envelopes and statuses.

use camunda_backup_core::{Error, ErrorKind, Outcome};

/// Corrects an error whose words are those of a managed service's edge, not of the store behind it.
pub(crate) fn refine(error: Error) -> Result<Error, Error> {
    let Some(said) = error.server_said() else { return Err(error) };
    let lower = said.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if lower.starts_with("your request:") && says(&["is not allowed"]) {
        return Ok(error
            .with_kind(ErrorKind::Forbidden)
            .with_outcome(Outcome::Refused)
            .with_message("this managed service does not offer this request to anybody")
            .with_advice(
                "Amazon OpenSearch Service allows only some of the store's requests, whatever the credentials: do without \
                 what it tells, or use a store of your own",
            ));
    }
    if let Some((who, action)) = denied(said) {
        let advice = if who == "anonymous" {
            format!(
                "the domain's access policy does not allow {action} to requests without a signature, and this library \
                 does not sign (SigV4): send them through a signing proxy, or use a user and password of the domain's \
                 fine-grained access control with an access policy that lets them in"
            )
        } else {
            format!("allow {action} to {who} in the domain's access policy, or in the policies of that role")
        };
        return Ok(refused(error, "the access policy of the domain does not allow it", advice));
    }
    if says(&SIGNATURE) {
        let advice = "the domain's edge expects requests that are signed for AWS (SigV4), which this library does not do: \
                      configure a user and password of fine-grained access control and no other credentials, or send the \
                      requests through a signing proxy";
        return Ok(refused(
            error,
            "the edge of the domain does not accept the credentials",
            advice.to_owned(),
        ));
    }
    if error.server_type() == Some("api_not_available_exception") || says(&["running in serverless mode"]) {
        let advice =
            "Elasticsearch Serverless lets nobody make snapshots: use a hosted or self-managed store";
        return Ok(error
            .with_kind(ErrorKind::Refused)
            .with_outcome(Outcome::Refused)
            .with_message("this managed service does not offer this request to anybody")
            .with_advice(advice));
    }
    Err(error)
}

const SIGNATURE: [&str; 7] = [
    "security token included in the request",
    "missing authentication token",
    "request signature we calculated",
    "credential should be scoped",
    "not a valid key=value pair",
    "signature expired",
    "incomplete signature",
];

fn refused(error: Error, message: &'static str, advice: String) -> Error {
    error
        .with_kind(ErrorKind::Forbidden)
        .with_outcome(Outcome::Refused)
        .with_message(message)
        .with_advice(advice)
}

/// `User: arn:aws:iam::1:role/x is not authorized to perform: es:ESHttpPut because …`.
fn denied(said: &str) -> Option<(&str, &str)> {
    let (who, what) = said.split_once(" is not authorized to perform: ")?;
    let who = who.trim().strip_prefix("User:").unwrap_or(who).trim();
    let action = what.split_whitespace().next().unwrap_or("the action");
    Some((who, action))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refined(said: &str, kind: ErrorKind) -> Result<Error, Error> {
        refine(Error::new(kind, "from the status").with_outcome(Outcome::Unknown).with_server_said(said))
    }

    #[test]
    fn what_the_edge_of_amazons_service_says_is_understood() {
        for (said, message, advice) in [
            (
                "User: anonymous is not authorized to perform: es:ESHttpGet with an explicit deny in a resource-based policy",
                "access policy",
                "without a signature",
            ),
            (
                "User: arn:aws:iam::123456789012:role/camunda is not authorized to perform: es:ESHttpPut because no \
                 resource-based policy allows the es:ESHttpPut action",
                "access policy",
                "allow es:ESHttpPut to arn:aws:iam::123456789012:role/camunda",
            ),
            (
                "The security token included in the request is invalid.",
                "does not accept the credentials",
                "SigV4",
            ),
            (
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                 Access Key and signing method.",
                "does not accept the credentials",
                "SigV4",
            ),
            (
                "Your request: '/_cluster/settings' payload is not allowed.",
                "does not offer",
                "Amazon OpenSearch",
            ),
            (
                "Your request: '/_snapshot/backups/_verify' is not allowed.",
                "does not offer",
                "Amazon OpenSearch",
            ),
        ] {
            for kind in [ErrorKind::Unauthorized, ErrorKind::Forbidden] {
                let error = refined(said, kind).unwrap();
                assert_eq!(
                    (error.kind(), error.outcome()),
                    (ErrorKind::Forbidden, Outcome::Refused),
                    "{said}"
                );
                assert!(error.message().contains(message), "{error}");
                assert!(error.advice().unwrap().contains(advice), "{}", error.report());
            }
        }
    }

    #[test]
    fn a_service_without_snapshots_says_so() {
        let said = "Request for uri [/_snapshot] with method [GET] exists but is not available when running in serverless mode";
        let error = refined(said, ErrorKind::Refused).unwrap();
        assert!(error.advice().unwrap().contains("Serverless"), "{}", error.report());
    }

    #[test]
    fn other_words_are_left_to_the_store() {
        assert!(refined("action [x] is unauthorized for user [y]", ErrorKind::Forbidden).is_err());
        assert!(refine(Error::new(ErrorKind::Forbidden, "no words")).is_err());
    }
}
