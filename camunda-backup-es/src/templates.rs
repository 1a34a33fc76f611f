//! The names of what makes new indices right: templates and lifecycle policies.

use std::collections::BTreeSet;

use camunda_backup_core::{Call, ErrorKind, IndexPrefix, Result};
use serde::Deserialize;

use crate::client::SearchStore;
use crate::flavor::Flavor;
use crate::tolerant;

/// Everything is listed and filtered here: a pattern without a match is a 404 for templates, in three shapes.
fn index_templates_call() -> Call {
    Call::get("store.index_templates.list", "/_index_template").max_body(64 * 1024 * 1024)
}

fn component_templates_call() -> Call {
    Call::get("store.component_templates.list", "/_component_template").max_body(64 * 1024 * 1024)
}

fn legacy_templates_call() -> Call {
    Call::get("store.legacy_templates.list", "/_template").max_body(64 * 1024 * 1024)
}

fn policies_call(flavor: Flavor) -> Call {
    let operation = "store.lifecycle_policies.list";
    match flavor {
        Flavor::Elasticsearch => Call::get(operation, "/_ilm/policy"),
        // Its default page is 20.
        Flavor::OpenSearch => Call::get(operation, "/_plugins/_ism/policies").query("size", 1000),
    }
    .max_body(64 * 1024 * 1024)
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct IndexTemplates {
    index_templates: Vec<Named>,
}

#[derive(Deserialize)]
struct ComponentTemplates {
    component_templates: Vec<Named>,
}

/// Decodes `GET /_index_template`.
pub(crate) fn index_templates(body: &[u8]) -> Result<Vec<String>> {
    let answer: IndexTemplates = tolerant::from_slice(body)?;
    Ok(answer.index_templates.into_iter().map(|template| template.name).collect())
}

/// Decodes `GET /_component_template`.
pub(crate) fn component_templates(body: &[u8]) -> Result<Vec<String>> {
    let answer: ComponentTemplates = tolerant::from_slice(body)?;
    Ok(answer.component_templates.into_iter().map(|template| template.name).collect())
}

/// Decodes `GET /_template` and `GET /_ilm/policy`: maps from names.
pub(crate) fn keys(body: &[u8]) -> Result<Vec<String>> {
    let tolerant::Keys(keys) = tolerant::from_slice(body)?;
    Ok(keys.into_iter().collect())
}

#[derive(Deserialize)]
struct IsmPolicies {
    #[serde(default, deserialize_with = "tolerant::or_default")]
    policies: Vec<IsmPolicy>,
}

#[derive(Deserialize)]
struct IsmPolicy {
    #[serde(rename = "_id")]
    id: String,
}

/// Decodes `GET /_plugins/_ism/policies`.
pub(crate) fn ism_policies(body: &[u8]) -> Result<Vec<String>> {
    let answer: IsmPolicies = tolerant::from_slice(body)?;
    Ok(answer.policies.into_iter().map(|policy| policy.id).collect())
}

fn beginning_with(prefix: &IndexPrefix, names: Vec<String>) -> BTreeSet<String> {
    names.into_iter().filter(|name| prefix.covers(name)).collect()
}

impl SearchStore {
    /// The names of the (composable) index templates that begin with one of the prefixes. One request, however many
    /// prefixes there are: the answer has all templates of the store.
    pub async fn index_template_names(&self, prefixes: &[IndexPrefix]) -> Result<BTreeSet<String>> {
        let names = self.read(index_templates_call(), index_templates).await?;
        let is_wanted = |name: &String| prefixes.iter().any(|prefix| prefix.covers(name));
        Ok(names.into_iter().filter(is_wanted).collect())
    }

    /// The names of the component templates that begin with the prefix.
    pub async fn component_template_names(&self, prefix: &IndexPrefix) -> Result<BTreeSet<String>> {
        Ok(beginning_with(prefix, self.read(component_templates_call(), component_templates).await?))
    }

    /// The names of the legacy templates (`_template`) that begin with the prefix.
    pub async fn legacy_template_names(&self, prefix: &IndexPrefix) -> Result<BTreeSet<String>> {
        Ok(beginning_with(prefix, self.read(legacy_templates_call(), keys).await?))
    }

    /// The names of all lifecycle policies: ILM on Elasticsearch, ISM on OpenSearch (its first thousand).
    ///
    /// `None` when this build has no such module; it then answers 400, 404 or 405.
    pub async fn lifecycle_policy_names(&self) -> Result<Option<BTreeSet<String>>> {
        let flavor = self.info().version.flavor;
        let decode = match flavor {
            Flavor::Elasticsearch => keys,
            Flavor::OpenSearch => ism_policies,
        };
        match self.read(policies_call(flavor), decode).await {
            Ok(names) => Ok(Some(names.into_iter().collect())),
            Err(error) if matches!(error.kind(), ErrorKind::Refused | ErrorKind::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
