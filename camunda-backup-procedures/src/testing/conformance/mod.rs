//! One suite, two worlds: scenarios that run unchanged against the simulated cluster and against real servers, so that
//! the simulation is held to what the servers do.
//!
//! Each scenario notes what was answered (status, fields and their types), what the library's clients made of it (results,
//! error kinds, the servers' types and words), and the states in their order; never times, ids, names or positions.
//! [`compare`] tells the differences. Whoever has servers of another version finds out with [`read_only`] whether this
//! library reads them rightly:
//!
//! ```
//! use camunda_backup_procedures::testing::conformance::{World, compare, read_only};
//! # use camunda_backup_procedures::testing::{SimulatedCluster, StoreKind};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> camunda_backup_core::Result<()> {
//! # let cluster = SimulatedCluster::new("8.6.0", StoreKind::Elasticsearch8)?;
//! # let (config, transport) = (cluster.config()?, cluster.transport());
//! // The configuration of the real cluster, and a transport such as `ReqwestTransport`:
//! let real = World::connect(&config, transport).await?;
//! let simulated = World::simulated(&real.counterpart()?).await?;
//! for difference in compare(&read_only(&simulated).await, &read_only(&real).await) {
//!     println!("{difference}");
//! }
//! # Ok(())
//! # }
//! ```

mod brokers;
mod compare;
mod exporting;
mod hands;
mod history_backups;
mod observed;
mod runtime_backups;
mod shape;
mod stage;
mod store_crashes;
mod store_reads;
mod store_restores;
mod store_scratch;
mod store_snapshots;
mod tape;
mod words;
mod world;
mod zeebe_reads;

pub use compare::{Difference, compare};
pub use hands::Hands;
pub use observed::{Block, Observed, Step};
pub use world::World;

/// Every read of every client. Changes nothing.
pub async fn read_only(world: &World) -> Vec<Observed> {
    let mut seen = vec![zeebe_reads::run(world).await];
    seen.extend(history_backups::reads(world).await);
    if let Some((store, repository)) = &world.clients.store {
        seen.push(store_reads::run(world, store, repository).await);
    }
    seen
}

/// Everything, with backups, pauses, snapshots, restores and deletes. For a cluster of which nothing is needed: exporting
/// is paused hard on the way, ids are used up, and a folder `conformance` below the first `path.repo` is written to.
pub async fn with_effects(world: &World) -> Vec<Observed> {
    let mut seen = read_only(world).await;
    if let Some((store, _)) = &world.clients.store {
        seen.push(store_snapshots::run(world, store).await);
        seen.push(store_restores::run(world, store).await);
    }
    seen.push(exporting::run(world).await);
    seen.push(runtime_backups::run(world).await);
    seen.extend(history_backups::effects(world).await);
    seen
}

/// What needs a hand on the brokers: they die and return, the bucket of the Zeebe backups goes and comes back.
pub async fn with_hands(world: &World, hands: &mut impl Hands) -> Vec<Observed> {
    brokers::run(world, hands).await
}

/// The search server dies while it makes a snapshot and while it restores one. Nothing without a store.
pub async fn with_hands_on_the_store(world: &World, hands: &mut impl Hands) -> Option<Observed> {
    let (store, _) = world.clients.store.as_ref()?;
    Some(store_crashes::run(world, store, hands).await)
}
