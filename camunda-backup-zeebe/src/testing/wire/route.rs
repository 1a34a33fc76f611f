//! From an address and a path to the component that answers.

use camunda_backup_core::Request;
use http::Method;

use crate::testing::state::snapshot_queue::App;
use crate::testing::state::world::World;
use crate::testing::wire::answer;
use crate::testing::wire::answer::Answer;
use crate::testing::wire::exchange::Exchange;

/// The process that a request reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Gateway,
    Rest,
    Broker(u32),
    App(App),
}

impl World {
    pub(crate) fn answer(&mut self, request: &Request) -> Answer {
        let host = request.url.host_str().unwrap_or_default();
        let port = request.url.port_or_known_default().unwrap_or_default();
        let Some(target) = self.target(host, port).filter(|target| self.is_up(*target)) else {
            return Answer::NoConnection;
        };
        let exchange = Exchange::read(request);
        if exchange.path.len() > 1 && exchange.path.ends_with('/') {
            return self.framework(&exchange, 404, None);
        }
        match target {
            Target::Rest => self.answer_rest(&exchange),
            Target::App(app) => self.answer_app(&exchange, app),
            Target::Gateway | Target::Broker(_) => self.answer_zeebe(&exchange, target),
        }
    }

    fn target(&self, host: &str, port: u16) -> Option<Target> {
        let app = |app: App| self.apps.contains_key(&app).then_some(Target::App(app));
        match (host, port) {
            ("zeebe.sim", 9600) => Some(Target::Gateway),
            ("zeebe.sim", 8080) => self.dialect.rest_prefix().map(|_| Target::Rest),
            ("operate.sim", port) if port == self.dialect.webapp_port() => app(App::Operate),
            ("tasklist.sim", port) if port == self.dialect.webapp_port() => app(App::Tasklist),
            ("optimize.sim", 8092) => app(App::Optimize),
            (host, 9600) => {
                let id = host.strip_prefix("broker-")?.strip_suffix(".sim")?.parse().ok()?;
                Some(Target::Broker(id))
            }
            _ => None,
        }
    }

    fn is_up(&self, target: Target) -> bool {
        match target {
            Target::Broker(id) => self.is_alive(id),
            Target::App(app) => self.apps.get(&app).is_some_and(|app| app.alive),
            // From 8.8 on the gateway is inside the brokers' processes.
            Target::Gateway | Target::Rest if self.dialect.line() >= (8, 8) => {
                self.brokers.iter().any(|broker| broker.alive)
            }
            Target::Gateway | Target::Rest => self.gateway_alive,
        }
    }

    /// The broker whose own endpoints a request reaches; none behind a stand-alone gateway.
    fn own_broker(&self, target: Target) -> Option<u32> {
        match target {
            Target::Broker(id) => Some(id),
            Target::Gateway if self.dialect.line() >= (8, 8) => {
                self.brokers.iter().find(|broker| broker.alive).map(|broker| broker.id)
            }
            _ => None,
        }
    }

    fn answer_zeebe(&mut self, exchange: &Exchange, target: Target) -> Answer {
        let segments = exchange.segments();
        let broker = self.own_broker(target);
        match segments.as_slice() {
            ["ready" | "health" | "startup"] => match broker {
                Some(id) => self.answer_old_probe(exchange, id),
                None => self.framework(exchange, 404, None),
            },
            ["actuator"] => self.answer_links(exchange, target),
            ["actuator", "info"] => self.answer_info(exchange, target),
            ["actuator", "health"] => self.answer_health(exchange, target, None),
            ["actuator", "health", group] => self.answer_health(exchange, target, Some(group)),
            ["actuator", name, rest @ ..] if *name == self.dialect.runtime_backups() => {
                self.answer_runtime_backups(exchange, rest)
            }
            ["actuator", "backupHistory", rest @ ..] if self.apps.contains_key(&App::Webapps) => {
                self.answer_history_backups(exchange, App::Webapps, rest)
            }
            ["actuator", "exporting"] => self.answer_exporting(exchange, ""),
            ["actuator", "exporting", operation] => self.answer_exporting(exchange, operation),
            ["actuator", "exporters", rest @ ..] if self.dialect.has_exporters() => {
                self.answer_exporters(exchange, rest)
            }
            ["actuator", "cluster"] if self.dialect.has_cluster() => self.answer_cluster(exchange),
            ["actuator", "rebalance"] if exchange.method == Method::POST => answer::empty_answer(200),
            ["actuator", rest @ ..] => self.answer_broker(exchange, broker, rest),
            _ => self.framework(exchange, 404, None),
        }
    }

    fn answer_broker(&mut self, exchange: &Exchange, broker: Option<u32>, rest: &[&str]) -> Answer {
        match (rest, broker) {
            (["partitions"], Some(id)) if exchange.method == Method::GET => {
                let body = self.partitions_of(id);
                answer::actuator_answer(exchange, 200, &body)
            }
            (["partitions", operation], Some(id)) => self.answer_partition_operation(exchange, id, operation),
            (["prometheus"], Some(id)) => self.answer_metrics(id),
            _ => self.framework(exchange, 404, None),
        }
    }

    fn answer_app(&mut self, exchange: &Exchange, app: App) -> Answer {
        let segments = exchange.segments();
        let target = Target::App(app);
        match segments.as_slice() {
            ["actuator"] => self.answer_links(exchange, target),
            ["actuator", "info"] if app != App::Optimize => self.answer_info(exchange, target),
            ["actuator", "health"] => self.answer_health(exchange, target, None),
            ["actuator", "health", group] => self.answer_health(exchange, target, Some(group)),
            ["actuator", name, rest @ ..] if *name == self.dialect.webapp_backups() => match app {
                App::Optimize => self.answer_optimize(exchange, rest),
                _ => self.answer_history_backups(exchange, app, rest),
            },
            _ => self.framework(exchange, 404, None),
        }
    }
}
