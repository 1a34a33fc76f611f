//! Every line from 8.1 to 8.10: what exists where, and that nothing breaks the simulation.

use proptest::prelude::*;

use super::*;

const LINES: [&str; 10] =
    ["8.1.27", "8.2.29", "8.3.14", "8.4.9", "8.5.8", "8.6.0", "8.7.5", "8.8.1", "8.9.0", "8.10.0"];

#[tokio::test(start_paused = true)]
async fn links_tell_the_generations_apart() {
    for version in LINES {
        let rig = Rig::of(version);
        let links = rig.get(&format!("{GATEWAY}/actuator")).body["_links"].clone();
        let line = version.parse::<camunda_backup_core::CamundaVersion>().unwrap().line();
        let has = |name: &str| links.get(name).is_some();
        assert_eq!(has("backups-id") && !has("backups"), line == (8, 1), "{version}");
        assert_eq!(has("exporting-operationKey"), line == (8, 1), "{version}: these patches know soft pause");
        assert_eq!(has("cluster"), line >= (8, 4), "{version}");
        assert_eq!(has("exporters"), line >= (8, 6), "{version}");
        assert_eq!(has("backupRuntime"), line >= (8, 8), "{version}");
        assert_eq!(has("partitions"), line >= (8, 8), "{version}: not on a stand-alone gateway");
        assert_eq!(rig.get(&format!("{GATEWAY}/actuator/info")).status == 200, line >= (8, 4), "{version}");
        assert_eq!(links["health"]["href"], format!("{GATEWAY}/actuator/health"));
    }
}

#[tokio::test(start_paused = true)]
async fn every_line_takes_and_shows_a_backup() {
    for version in LINES {
        let rig = Rig::of(version);
        let addresses = rig.camunda.addresses();
        let line = version.parse::<camunda_backup_core::CamundaVersion>().unwrap().line();
        let base = &addresses.gateway;
        let (create, body, read) = match line {
            (8, 1) => (format!("{base}/actuator/backups/7"), "", format!("{base}/actuator/backups/7")),
            line if line < (8, 8) => {
                (format!("{base}/actuator/backups"), "{\"backupId\":7}", format!("{base}/actuator/backups/7"))
            }
            _ => (
                format!("{base}/actuator/backupRuntime"),
                "{\"backupId\":7}",
                format!("{base}/actuator/backupRuntime/7"),
            ),
        };
        assert!(rig.post(&create, body).status < 300, "{version}");
        wait(5000).await;
        let done = rig.get(&read).body;
        let (state, first) = if line == (8, 1) {
            (done["status"].clone(), done["partitions"][0]["description"].clone())
        } else {
            (done["state"].clone(), done["details"][0].clone())
        };
        assert_eq!(state, "COMPLETED", "{version}");
        let numbers = first["snapshotId"].as_str().unwrap().split('-').count();
        let expected = match line {
            line if line <= (8, 5) => 4,
            (8, 6) => 5,
            _ => 6,
        };
        assert_eq!(numbers, expected, "{version}");
        for (id, broker) in &addresses.brokers {
            let partitions = rig.get(&format!("{broker}/actuator/partitions")).body;
            assert_eq!(partitions.as_object().unwrap().len(), 3, "{version} {id}");
        }
        assert_eq!(addresses.operate.is_some(), line < (8, 8));
        assert_eq!(addresses.webapps.is_some(), line >= (8, 8));
        let rest = rig.answer(Method::GET, &format!("{}/v2/topology", addresses.rest), None);
        assert_eq!(matches!(rest, Answer::NoConnection), line <= (8, 4), "{version}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_rest_backups_of_8_10_write_nulls() {
    let mut options = CamundaOptions::for_version("8.10.0".parse().unwrap());
    options.require_rest_auth = false;
    let rig = Rig::with(options);
    wait(3000).await;
    let base = "http://zeebe.sim:8080/v2/backups";
    let taken = rig.post(&format!("{base}/runtime"), "{\"backupId\":7}");
    assert_eq!((taken.status, taken.body), (202, serde_json::json!({"backupId": 7})));
    wait(400).await;
    let early = rig.get(&format!("{base}/runtime/7")).body;
    let absent =
        early["details"].as_array().unwrap().iter().find(|d| d["state"] == "DOES_NOT_EXIST").cloned();
    assert!(early["failureReason"].is_null() && early.get("failureReason").is_some());
    assert!(absent.is_some());
    assert_eq!(rig.post(&format!("{base}/runtime"), "{\"backupId\":7}").kind, "application/problem+json");
    let history = rig.post(&format!("{base}/history"), "{\"backupId\":7}");
    assert_eq!((history.status, history.body["scheduledSnapshots"].as_array().unwrap().len()), (202, 7));
    let seen = rig.watch(&format!("{base}/history/7"), &["404", "IN_PROGRESS"]).await;
    assert_eq!(seen, ["404", "IN_PROGRESS", "COMPLETED"]);
    assert!(
        rig.get(&format!("{base}/history/7")).body["details"][0]["startTime"]
            .as_str()
            .unwrap()
            .ends_with('Z')
    );
    assert_eq!(rig.get(&format!("{base}/runtime/8")).status, 404);
    assert_eq!(rig.post(&format!("{base}/history"), "{\"backupId\":7}").status, 409);
}

#[tokio::test(start_paused = true)]
async fn versions_of_components_differ_when_told_so() {
    let rig = Rig::of("8.6.0");
    rig.camunda.set_component_version(Component::Broker(2.into()), "8.5.8".parse().unwrap());
    let version = |url: &str| rig.get(&format!("{url}/actuator/info")).body["build"]["version"].clone();
    assert_eq!(version("http://broker-2.sim:9600"), "8.5.8");
    assert_eq!(version("http://broker-1.sim:9600"), "8.6.0");
    let topology = rig.get("http://zeebe.sim:8080/v2/topology").body;
    assert!(topology["brokers"].as_array().unwrap().iter().any(|broker| broker["version"] == "8.5.8"));
    rig.camunda.set_free_disk(&2.into(), 4096);
    let health = rig.get("http://broker-2.sim:9600/actuator/health").body;
    assert_eq!(health["components"]["diskSpace"]["details"]["free"], 4096);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_request_gets_an_answer(
        line in 0usize..LINES.len(),
        host in prop::sample::select(vec!["zeebe.sim:9600", "zeebe.sim:8080", "operate.sim:9600", "operate.sim:8080",
            "tasklist.sim:9600", "optimize.sim:8092", "broker-1.sim:9600", "broker-9.sim:9600", "elsewhere:1"]),
        path in prop::sample::select(vec!["actuator", "actuator/backups", "actuator/backup", "actuator/backups/1",
            "actuator/backupRuntime", "actuator/backupRuntime/1*", "actuator/backupRuntime/state",
            "actuator/backupHistory", "actuator/backupHistory/1", "actuator/exporting/pause", "actuator/cluster",
            "actuator/exporters/elasticsearch/disable", "actuator/partitions", "actuator/partitions/resumeExporting",
            "actuator/health/readiness", "v2/topology", "v2/backups/history/1", "v2/backups/runtime", "v2/exporting",
            "actuator/", "", "actuator/backups/%F0%9F%98%80"]),
        method in prop::sample::select(vec![Method::GET, Method::POST, Method::DELETE, Method::PATCH]),
        body in prop::sample::select(vec!["", "{}", "[]", "null", "{\"backupId\":1}", "{\"backupId\":\"a\"}",
            "{\"backupId\":-1}", "{\"backupId\":1.5}", "{\"backupId\":99999999999999999999}", "{\"backupId\":{}}"]),
        millis in 0u64..100_000,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let rig = Rig::of(LINES[line]);
            wait(millis).await;
            rig.answer(method.clone(), &format!("http://{host}/{path}"), Some(body));
            wait(millis).await;
            rig.answer(method, &format!("http://{host}/{path}"), Some(body));
        });
    }
}
