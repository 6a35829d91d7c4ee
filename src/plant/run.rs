use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::service::{Stop, supervise};
use super::tally::Tally;
use super::{Error, PlantConfig, Seams, ServiceStatus};

/// The longest that dropping the services waits for their threads.
const PATIENCE: Duration = Duration::from_secs(2);

/// The services of a plant; they end when it is dropped, within 2 s.
///
/// Only a request that a station is still carrying out, or a name that the system is still resolving,
/// is left to end by itself.
#[derive(Debug)]
pub struct Plant {
    stop: Stop,
    tallies: Vec<Arc<Tally>>,
    threads: Vec<JoinHandle<()>>,
}

impl Plant {
    /// Starts the services that are configured; a failure of one afterwards is in its status.
    ///
    /// Their threads have the scheduling of the one that calls this: it must not be an urgent one.
    ///
    /// # Errors
    /// [`Error::Thread`] when the system gives no thread.
    pub fn start(config: &PlantConfig, seams: Seams) -> Result<Self, Error> {
        let mut plant = Self { stop: Stop::default(), tallies: Vec::new(), threads: Vec::new() };
        plant.start_services(config, seams)?;
        Ok(plant)
    }

    /// How each service is.
    pub fn status(&self) -> Vec<ServiceStatus> {
        self.tallies.iter().map(|tally| tally.status()).collect()
    }

    #[cfg_attr(not(feature = "mqtt"), allow(unused_mut))]
    fn start_services(&mut self, config: &PlantConfig, mut seams: Seams) -> Result<(), Error> {
        for (name, is_wanted) in [
            ("mqtt", config.mqtt.is_some()),
            ("modbus", config.modbus.is_some()),
            ("http", config.http.is_some()),
        ] {
            if is_wanted {
                self.tallies.push(Arc::new(Tally::new(name)));
            }
        }
        #[cfg(feature = "mqtt")]
        if let Some(mqtt) = &config.mqtt {
            let tally = self.tally("mqtt");
            let outbox = seams.outbox.take();
            let mut publisher = super::mqtt::Publisher::new(
                mqtt.clone(),
                seams.source.clone(),
                outbox,
                super::mqtt::Surroundings {
                    stop: self.stop.clone(),
                    tally: tally.clone(),
                    services: self.tallies.clone(),
                },
            );
            self.threads.push(supervise(&self.stop, &tally, move || publisher.run())?);
        }
        self.start_servers(config, &seams)
    }

    #[cfg(any(feature = "http", feature = "modbus"))]
    fn start_servers(&mut self, config: &PlantConfig, seams: &Seams) -> Result<(), Error> {
        use super::seams::Doors;
        use super::server::Shared;
        let doors = Doors { source: seams.source.clone(), requests: seams.requests.clone() };
        let shared = |tally: &Arc<Tally>| Shared {
            stop: self.stop.clone(),
            tally: tally.clone(),
            doors: doors.clone(),
        };
        let mut threads = Vec::new();
        #[cfg(feature = "modbus")]
        if let Some(modbus) = config.modbus.clone() {
            let tally = self.tally("modbus");
            let shared = shared(&tally);
            let work = move || super::modbus::run(&modbus, &shared);
            threads.push(supervise(&self.stop, &tally, work)?);
        }
        #[cfg(feature = "http")]
        if let Some(http) = config.http.clone() {
            let tally = self.tally("http");
            let (shared, services) = (shared(&tally), self.tallies.clone());
            let work = move || super::http::run(&http, &shared, &services);
            threads.push(supervise(&self.stop, &tally, work)?);
        }
        self.threads.extend(threads);
        Ok(())
    }

    #[cfg(not(any(feature = "http", feature = "modbus")))]
    fn start_servers(&mut self, _: &PlantConfig, _: &Seams) -> Result<(), Error> {
        Ok(())
    }

    #[cfg(any(feature = "http", feature = "modbus", feature = "mqtt"))]
    fn tally(&self, name: &'static str) -> Arc<Tally> {
        let found = self.tallies.iter().find(|tally| tally.name() == name);
        found.cloned().unwrap_or_else(|| Arc::new(Tally::new(name)))
    }
}

impl Drop for Plant {
    fn drop(&mut self) {
        self.stop.stop();
        let until = Instant::now() + PATIENCE;
        while self.threads.iter().any(|thread| !thread.is_finished()) && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
        for thread in self.threads.drain(..).filter(|thread| !thread.is_finished()) {
            // It waits for the system, such as for a name to be resolved, and ends by itself.
            log::warn!("{}: still runs", thread.thread().name().unwrap_or("a service"));
        }
    }
}
