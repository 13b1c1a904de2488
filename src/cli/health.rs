//! What is told beside the answers: whether questions can be recorded, and how each agency does.
//!
//! An agency that is down does not make the gateway unready: that is told under the adapter's own name.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::adapters::{Adapters, Breaker};
use crate::admin::Readiness;
use crate::clock::now;
use crate::gateway::Gateway;
use crate::query::time::Timestamp;
use crate::telemetry;

/// How often readiness and gauges are looked at: a balancer asks about once a second.
const BEAT: Duration = Duration::from_millis(500);

/// The names under which gRPC's health service is asked about the gateway; the empty one is the whole.
const NAMES: [&str; 2] = ["", "heyan.gateway.v1.Verification"];

/// Tells the admin port and gRPC's health service whether questions can be recorded, and samples the gauges.
pub(super) async fn watch(
    gateway: Arc<Gateway>,
    ready: watch::Sender<Readiness>,
    health: HealthReporter,
    stop: CancellationToken,
) {
    let mut beat = tokio::time::interval(BEAT);
    let mut agencies = Agencies { health: health.clone(), known: BTreeSet::new() };
    while stop.run_until_cancelled(beat.tick()).await.is_some() {
        let audit = gateway.audit();
        let healthy = audit.is_healthy();
        let sealing = gateway.vault_ready(now()).await;
        ready.send_if_modified(|known| {
            let next = match (healthy, &sealing) {
                (false, _) => Err("the log has stopped".to_owned()),
                (true, Err(_)) => Err("the vault cannot be used".to_owned()),
                (true, Ok(())) => Ok(()),
            };
            let changed = *known != next;
            *known = next;
            changed
        });
        for name in NAMES {
            health.set_service_status(name, status(healthy && sealing.is_ok())).await;
        }
        gauge!(telemetry::LOG_HEALTHY).set(if healthy { 1.0 } else { 0.0 });
        let behind = audit.is_witness_behind();
        gauge!(telemetry::LOG_WITNESS_BEHIND).set(if behind { 1.0 } else { 0.0 });
        gauge!(telemetry::LOG_ENTRIES).set(audit.size() as f64);
        gauge!(telemetry::CACHE_BYTES).set(gateway.cache_bytes() as f64);
        gauge!(telemetry::WINDOW_BYTES).set(gateway.window_bytes() as f64);
        agencies.tell(&gateway.in_force().adapters, now()).await;
    }
    let _ = ready.send(Err("draining".to_owned()));
    agencies.tell(&Adapters::default(), now()).await;
    for name in NAMES {
        let mut health = health.clone();
        health.set_service_status(name, ServingStatus::NotServing).await;
        // Ends the streams of those who watch; the drain would wait for them to its limit.
        health.clear_service_status(name).await;
    }
}

fn status(serving: bool) -> ServingStatus {
    if serving { ServingStatus::Serving } else { ServingStatus::NotServing }
}

/// The adapters as they are told about, each as the service `adapter.NAME`.
struct Agencies {
    health: HealthReporter,
    known: BTreeSet<String>,
}

impl Agencies {
    async fn tell(&mut self, adapters: &Adapters, at: Timestamp) {
        let names: BTreeSet<String> =
            adapters.all().iter().map(|adapter| adapter.name().to_owned()).collect();
        for gone in self.known.difference(&names) {
            let service = format!("adapter.{gone}");
            self.health.set_service_status(&service, ServingStatus::NotServing).await;
            self.health.clear_service_status(&service).await;
            for gauge in
                [telemetry::ADAPTER_UP, telemetry::ADAPTER_IN_FLIGHT, telemetry::BREAKER_OPEN]
            {
                gauge!(gauge, "adapter" => gone.clone()).set(0.0);
            }
        }
        for adapter in adapters.all() {
            let (name, state) = (adapter.name(), adapter.state());
            let serving = adapter.health(at).is_serving();
            self.health.set_service_status(format!("adapter.{name}"), status(serving)).await;
            let open = match state.breaker {
                Breaker::Closed => 0.0,
                Breaker::HalfOpen => 0.5,
                Breaker::Open(_) => 1.0,
            };
            gauge!(telemetry::BREAKER_OPEN, "adapter" => name.to_owned()).set(open);
            gauge!(telemetry::ADAPTER_UP, "adapter" => name.to_owned()).set(f64::from(serving));
            let under_way = f64::from(state.in_flight);
            gauge!(telemetry::ADAPTER_IN_FLIGHT, "adapter" => name.to_owned()).set(under_way);
        }
        self.known = names;
    }
}
