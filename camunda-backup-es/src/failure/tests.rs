use camunda_backup_core::transport::script::ScriptedTransport;
use camunda_backup_core::{Call, Effect, Error, ErrorKind, Outcome};

use crate::goldens::{scripted, version_of};

/// The error that the client makes of a recorded answer to `call`.
async fn error_of(server: &str, status: u16, body: &str, call: Call) -> Error {
    let server = server.rsplit('-').next().unwrap();
    let mut call = call;
    call.max_retries = 0;
    let script =
        ScriptedTransport::new().answer(&format!("{} {}", call.method, call.path_and_query()), status, body);
    let error = scripted(version_of(server), &script).send(call).await.unwrap_err();
    script.finish().unwrap();
    error
}

fn create() -> Call {
    Call::put("store.snapshots.create", Effect::Once, "/_snapshot/r/s")
}

fn restore() -> Call {
    Call::post("store.snapshots.restore", Effect::Once, "/_snapshot/r/s/_restore")
}

fn read() -> Call {
    Call::get("store.snapshots.find", "/_snapshot/r/s")
}

macro_rules! expect {
    ($name:literal, $call:expr, $kind:ident, $outcome:ident $(, $server:literal)*) => {
        for (server, status, body) in golden_error!($name $(, $server)*) {
            if status >= 300 {
                let error = error_of(server, status, body, $call).await;
                assert_eq!(error.kind(), ErrorKind::$kind, "{} of {server}: {error:?}", $name);
                assert_eq!(error.outcome(), Outcome::$outcome, "{} of {server}: {error:?}", $name);
                assert!(error.server_type().is_some(), "{} of {server}: {error:?}", $name);
            }
        }
    };
}

#[tokio::test(start_paused = true)]
async fn what_does_not_exist_is_not_found() {
    expect!("snap.get.missing", read(), NotFound, Refused);
    expect!("broken.snapfile", read(), NotFound, Refused);
    expect!("repo.get.unknown", read(), NotFound, Refused);
    expect!("delete.mixed", Call::delete("store.indices.delete", "/rb-a,nope"), NotFound, Refused);
    expect!("vanished", read(), NotFound, Refused, "failed-es8", "failed-os2");
    expect!("snap.create.unknownrepo", create(), NotFound, Refused);
    expect!("snap.create.missing.strict", create(), NotFound, Refused);
    expect!("restore.unknownrepo", restore(), NotFound, Refused);
    expect!("snap.delete.again", Call::delete("store.snapshots.delete", "/_snapshot/r/s"), NotFound, Refused);
    expect!("recovery.unknown", Call::get("store.recovery", "/nope/_recovery"), NotFound, Refused);
    expect!(
        "get-after",
        read(),
        NotFound,
        Refused,
        "kill9-es7",
        "kill9-es8",
        "kill9-es9",
        "kill9-os1",
        "kill9-os2"
    );
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_is_a_conflict_on_every_server() {
    expect!("snap.create.duplicate", create(), Conflict, Refused);
    expect!("run.duplicate", create(), Conflict, Refused);
}

#[tokio::test(start_paused = true)]
async fn a_repository_in_use_is_a_conflict_whatever_the_status() {
    let delete = || Call::delete("store.repositories.delete", "/_snapshot/slow");
    expect!("slowrestore.delete_repo", delete(), Conflict, Refused);
    let cleanup = || Call::post("store.repositories.cleanup", Effect::Idempotent, "/_snapshot/slow/_cleanup");
    expect!("run.cleanup", cleanup(), Conflict, Refused);
}

#[tokio::test(start_paused = true)]
async fn an_index_in_a_running_snapshot_is_a_conflict() {
    expect!("run.delete_index", Call::delete("store.indices.delete", "/big"), Conflict, Refused);
}

#[tokio::test(start_paused = true)]
async fn too_many_operations_is_unavailable_and_certainly_not_done() {
    expect!("limit.hit", create(), Unavailable, Refused);
    expect!("limit", create(), Unavailable, Refused, "failed-es8", "failed-os2");
    let delete = || Call::delete("store.snapshots.delete", "/_snapshot/slow/s");
    expect!("slowrestore.delete_snapshot", delete(), Unavailable, Refused);
}

#[tokio::test(start_paused = true)]
async fn http_500_for_what_a_user_did_is_a_refusal() {
    expect!("restore.open", restore(), Refused, Refused);
    expect!("restore.unknownsnap", restore(), Refused, Refused);
    expect!("restore-partial", restore(), Refused, Refused, "failed-es8", "failed-os2");
    expect!("restore-again", restore(), Refused, Refused, "kill9-es7", "kill9-es8", "kill9-os3");
    expect!("snap.failed.wait", create(), Refused, Refused);
    expect!("repo.ro.create", create(), Refused, Refused);
    expect!("foreign.create", create(), Refused, Refused);
    let put = || Call::put("store.repositories.create", Effect::Idempotent, "/_snapshot/bad1");
    expect!("repo.put.outside", put(), Refused, Refused);
}

#[tokio::test(start_paused = true)]
async fn http_400_is_a_refusal() {
    expect!("snap.create.bigmeta", create(), Refused, Refused);
    expect!("restore.unknownkey", restore(), Refused, Refused);
    expect!("err.maxshards.restore", restore(), Refused, Refused);
    expect!("delete.alias", Call::delete("store.indices.delete", "/t-b_alias"), Refused, Refused);
    expect!("restore.fs_none", restore(), Refused, Refused);
    let close = || Call::post("store.indices.close", Effect::Idempotent, "/sl-big/_close");
    expect!("slowrestore.close", close(), Refused, Refused);
    expect!("err.longuri", read(), Refused, Refused);
}

#[tokio::test(start_paused = true)]
async fn blocks_and_breakers_refuse_before_anything_is_done() {
    expect!("err.429.block", restore(), Throttled, Refused);
    expect!("err.429.breaker", restore(), Throttled, Refused);
    expect!("err.403.block", Call::delete("store.indices.delete", "/t-b"), Refused, Refused);
    expect!("err.clusterro.restore", restore(), Refused, Refused);
    expect!(
        "recovery",
        Call::get("store.recovery", "/abc/_recovery"),
        Unavailable,
        Refused,
        "nomaster-es8",
        "nomaster-os2"
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_without_master_says_nothing_and_is_unavailable() {
    expect!("create", create(), Unavailable, Unknown, "nomaster-es8", "nomaster-os2");
    let delete = || Call::delete("store.snapshots.delete", "/_snapshot/r/s");
    expect!("delete", delete(), Unavailable, Unknown, "nomaster-es8", "nomaster-os2");
    expect!(
        "health",
        Call::get("store.health", "/_cluster/health"),
        Unavailable,
        Refused,
        "nomaster-es8",
        "nomaster-os2"
    );
    expect!("list", read(), Unavailable, Refused, "nomaster-es8", "nomaster-os2");
    for (server, status, body) in golden_error!("create", "nomaster-es8", "nomaster-os2") {
        let error = error_of(server, status, body, create()).await;
        assert_eq!(error.server_said(), None);
        assert!(error.advice().is_some_and(|advice| advice.contains("no elected master")), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn security_is_by_status_with_a_header_of_either_shape() {
    expect!("401", read(), Unauthorized, Refused, "security-es7", "security-es8");
    expect!("403-create", create(), Forbidden, Refused, "security-es7", "security-es8");
    expect!("403-repository", read(), Forbidden, Refused, "security-es7", "security-es8");
    expect!("403-indices", read(), Forbidden, Refused, "security-es7", "security-es8");
}

#[tokio::test(start_paused = true)]
async fn type_and_reason_are_kept() {
    for (server, status, body) in golden_error!("restore.unknownsnap") {
        let error = error_of(server, status, body, restore()).await;
        assert_eq!(error.server_type(), Some("snapshot_restore_exception"), "{server}");
        assert!(error.server_said().is_some_and(|said| said.contains("does not exist")), "{server}");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(500), "{server}");
    }
    // A plain string for an error, and no type.
    for (server, status, body) in golden_error!("ilm.get") {
        let error = error_of(server, status, body, read()).await;
        assert_eq!((error.kind(), error.server_type()), (ErrorKind::Refused, None), "{server}");
        assert!(error.server_said().is_some(), "{server}");
    }
}
