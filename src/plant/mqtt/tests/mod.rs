//! The publisher and a broker made here, over real sockets.
#![allow(clippy::unwrap_used)]

mod delivery;
mod secret;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::plant::{Memory, MqttConfig, Outbox, Plant, PlantConfig, Seams, ServiceStatus};

/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(30);

fn config(broker: SocketAddr, folder: &Path) -> MqttConfig {
    MqttConfig {
        host: broker.ip().to_string(),
        port: broker.port(),
        client_id: "pairspec-test".to_owned(),
        prefix: "pairspec/test".to_owned(),
        login: None,
        tls: None,
        keep_alive: Duration::from_secs(30),
        state_every: Duration::from_millis(100),
        retry_min: Duration::from_millis(10),
        retry_max: Duration::from_millis(50),
        window: 8,
        cursor_file: folder.join("cursor.json"),
    }
}

fn start(config: MqttConfig, memory: &Memory) -> Plant {
    start_with(config, memory, memory.clone())
}

fn start_with(config: MqttConfig, memory: &Memory, outbox: impl Outbox + 'static) -> Plant {
    let shared = Arc::new(memory.clone());
    let outbox: Option<Box<dyn Outbox>> = Some(Box::new(outbox));
    let seams = Seams { source: shared.clone(), requests: shared, outbox };
    let config = PlantConfig { mqtt: Some(config), ..PlantConfig::default() };
    Plant::start(&config, seams).unwrap()
}

fn status(plant: &Plant) -> ServiceStatus {
    plant.status().remove(0)
}

fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LONG, "{what}: not after {LONG:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
