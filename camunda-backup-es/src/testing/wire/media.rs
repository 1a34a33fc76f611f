//! `Content-Type` and `Accept`, with the compatibility media type of Elasticsearch.

use crate::testing::wire::answer::Failure;
use crate::testing::wire::dialect::Dialect;
use crate::testing::wire::exchange::Exchange;

/// What a media type asks for.
enum Asked {
    /// Plain JSON, or something that gives JSON.
    Json,
    /// `application/vnd.elasticsearch+json`, with `compatible-with` if it was given.
    Compatible(Option<String>),
    Other,
    Garbage,
}

fn asked(text: &str) -> Asked {
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let version = parts.find_map(|part| part.strip_prefix("compatible-with=")).map(str::to_owned);
    match essence.as_str() {
        "application/json" | "application/x-ndjson" => Asked::Json,
        "application/vnd.elasticsearch+json" | "application/vnd.elasticsearch+x-ndjson" => {
            Asked::Compatible(version)
        }
        other if other.contains('/') => Asked::Other,
        _ => Asked::Garbage,
    }
}

/// Refuses what this server cannot read or write, whatever the path. `Ok` holds the content type of the answer if it is
/// not the usual one.
pub(crate) fn check(dialect: &Dialect, exchange: &Exchange) -> Result<Option<String>, Failure> {
    let accepted = exchange.accept.as_deref();
    let given = exchange.content_type.as_deref().filter(|_| exchange.has_body());
    if exchange.has_body() && given.is_none() {
        return Err(Failure::not_acceptable(""));
    }
    if !dialect.elasticsearch {
        return check_body_type(dialect, given).map(|()| None);
    }
    for (header, text) in [("Accept", accepted), ("Content-Type", given)] {
        if let Some(Asked::Compatible(Some(version))) = text.map(asked) {
            check_version(dialect, header, text.unwrap_or_default(), &version)?;
        }
    }
    check_body_type(dialect, given)?;
    let compatible = |text: Option<&str>| matches!(text.map(asked), Some(Asked::Compatible(Some(_))));
    let one_sided = given.is_some() && compatible(given) != compatible(accepted);
    if one_sided && dialect.modern_elasticsearch {
        let own = dialect.major.to_string();
        let other = [given, accepted].into_iter().flatten().any(|text| match asked(text) {
            Asked::Compatible(Some(version)) => version != own,
            _ => false,
        });
        let inner = format!(
            "A compatible version is required on both Content-Type and Accept headers if either one has requested a \
             compatible version{}. Accept={}, Content-Type={}",
            if other { " and the compatible versions must match" } else { "" },
            accepted.unwrap_or("null"),
            given.unwrap_or("null")
        );
        return Err(invalid("[Content-Type, Accept]").caused_by("status_exception", inner));
    }
    if !dialect.modern_elasticsearch {
        return Ok(None);
    }
    let wanted = accepted.filter(|text| matches!(asked(text), Asked::Compatible(_)));
    Ok(wanted.or(given.filter(|text| matches!(asked(text), Asked::Compatible(_)))).map(str::to_owned))
}

fn invalid(headers: &str) -> Failure {
    let reason = format!("Invalid media-type value on headers {headers}");
    Failure::of(400, "media_type_header_exception", reason)
}

fn check_body_type(dialect: &Dialect, given: Option<&str>) -> Result<(), Failure> {
    let Some(text) = given else { return Ok(()) };
    match asked(text) {
        Asked::Json => Ok(()),
        Asked::Compatible(_) if dialect.elasticsearch => Ok(()),
        Asked::Garbage if dialect.modern_elasticsearch => {
            let inner = format!("invalid media-type [{text}]");
            Err(invalid("[Content-Type]").caused_by("illegal_argument_exception", inner))
        }
        Asked::Garbage => {
            let (kind, reason) = ("content_type_header_exception", "java.lang.IllegalArgumentException");
            Err(Failure::of(400, kind, format!("{reason}: invalid Content-Type header [{text}]"))
                .caused_by("illegal_argument_exception", format!("invalid Content-Type header [{text}]")))
        }
        _ => Err(Failure::not_acceptable(text)),
    }
}

/// Elasticsearch 8 and 9 write for themselves and for one major version before; 7.17 takes any number.
fn check_version(dialect: &Dialect, header: &str, text: &str, version: &str) -> Result<(), Failure> {
    let number: Option<u32> = version.parse().ok();
    let known = number.is_some_and(|number| number == dialect.major || number + 1 == dialect.major);
    if known || !dialect.modern_elasticsearch {
        return Ok(());
    }
    let inner = format!(
        "{header} version must be either version {} or {}, but found {version}. {header}={text}",
        dialect.major,
        dialect.major - 1
    );
    Err(invalid("[Content-Type, Accept]").caused_by("status_exception", inner))
}
