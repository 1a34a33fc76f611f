//! `cluster.max_shards_per_node`: there is one node.

use crate::testing::state::server::{Index, State};
use crate::testing::wire::answer::Failure;

impl State {
    /// Refuses to open more shards than the limit allows.
    pub(crate) fn check_shard_limit<'a>(
        &self,
        added: impl Iterator<Item = &'a Index>,
    ) -> Result<(), Failure> {
        let setting = self.setting("cluster.max_shards_per_node");
        let text = setting.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        let limit: u32 = text.and_then(|text| text.parse().ok()).unwrap_or(1000);
        let shards = |index: &Index| index.shards * (1 + index.replicas);
        let added: u32 = added.map(shards).sum();
        let open: u32 = self.indices.values().filter(|index| !index.closed).map(shards).sum();
        if added == 0 || open + added <= limit {
            return Ok(());
        }
        let (total, normal) = match (self.dialect.elasticsearch, self.dialect.major) {
            (true, _) => ("", "normal shards"),
            (false, 3..) => ("total LOCAL_ONLY ", "LOCAL_ONLY shards"),
            (false, _) => ("total ", "shards"),
        };
        let reason = format!(
            "Validation Failed: 1: this action would add [{added}] {total}shards, but this cluster currently has \
             [{open}]/[{limit}] maximum {normal} open;"
        );
        Err(Failure::of(400, "validation_exception", reason))
    }
}
