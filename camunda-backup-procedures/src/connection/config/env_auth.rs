//! Credentials from the environment, beside those in the URLs.

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{Auth, Endpoint, Error, OidcConfig, Result, Secret, TlsConfig};

use super::{ClusterConfig, in_variable};

/// Gives the credentials of the environment to every address that has none of its own.
pub(super) fn apply(config: &mut ClusterConfig, lookup: &impl Fn(&str) -> Option<String>) -> Result<()> {
    if let Some(auth) = of_the_store(lookup)? {
        let Some(store) = &mut config.store else {
            return Err(without("CAMUNDA_STORE_URL", "there are credentials for a store"));
        };
        give(store, &auth);
    }
    if let Some(tls) = TlsConfig::from_lookup("CAMUNDA_STORE", lookup) {
        let Some(store) = &mut config.store else {
            return Err(without("CAMUNDA_STORE_URL", "there are TLS files for a store"));
        };
        store.tls = Some(Box::new(tls));
    }
    let Some(auth) = of_camunda(lookup)? else { return Ok(()) };
    give(&mut config.zeebe, &auth);
    let apps = [
        &mut config.rest,
        &mut config.operate,
        &mut config.tasklist,
        &mut config.webapps,
        &mut config.optimize,
    ];
    let formerly = config.formerly.iter_mut();
    apps.into_iter()
        .flatten()
        .chain(config.brokers.values_mut())
        .chain(formerly)
        .for_each(|e| give(e, &auth));
    Ok(())
}

fn give(endpoint: &mut Endpoint, auth: &Auth) {
    if endpoint.auth == Auth::None {
        endpoint.auth = auth.clone();
    }
}

fn of_the_store(lookup: &impl Fn(&str) -> Option<String>) -> Result<Option<Auth>> {
    let secret = |name| lookup(name).map(|value| Secret::new(value.trim()));
    match (secret("CAMUNDA_STORE_API_KEY"), secret("CAMUNDA_STORE_BEARER_TOKEN")) {
        (Some(_), Some(_)) => Err(twice("CAMUNDA_STORE_BEARER_TOKEN", "CAMUNDA_STORE_API_KEY")),
        (Some(key), None) => Ok(Some(Auth::ApiKey(key))),
        (None, token) => Ok(token.map(Auth::Bearer)),
    }
}

fn of_camunda(lookup: &impl Fn(&str) -> Option<String>) -> Result<Option<Auth>> {
    const OIDC: [&str; 5] = [
        "CAMUNDA_OIDC_TOKEN_URL",
        "CAMUNDA_OIDC_CLIENT_ID",
        "CAMUNDA_OIDC_CLIENT_SECRET",
        "CAMUNDA_OIDC_AUDIENCE",
        "CAMUNDA_OIDC_SCOPE",
    ];
    let token = lookup("CAMUNDA_BEARER_TOKEN").map(|token| Auth::Bearer(Secret::new(token.trim())));
    if !OIDC.iter().any(|name| lookup(name).is_some()) {
        return Ok(token);
    }
    if token.is_some() {
        return Err(twice("CAMUNDA_BEARER_TOKEN", "CAMUNDA_OIDC_TOKEN_URL"));
    }
    let needed =
        |name: &str| lookup(name).ok_or_else(|| without(name, "other CAMUNDA_OIDC variables are set"));
    let [token_url, client_id, client_secret, audience, scope] = OIDC;
    let (url, id, secret) = (needed(token_url)?, needed(client_id)?, needed(client_secret)?);
    let mut oidc =
        OidcConfig::new(&url, id.trim(), Secret::new(secret.trim())).map_err(in_variable(token_url))?;
    (oidc.audience, oidc.scope) = (lookup(audience), lookup(scope));
    Ok(Some(Auth::Oidc(oidc)))
}

fn without(name: &str, although: &str) -> Error {
    Error::new(ErrorKind::Config, format!("{name} is not set, although {although}"))
        .with_advice("set it, or take the others away")
}

fn twice(one: &str, other: &str) -> Error {
    Error::new(ErrorKind::Config, format!("{one} and {other} are both set"))
        .with_advice("set one of them: an address takes one kind of credentials")
}
