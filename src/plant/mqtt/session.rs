use std::time::{Duration, Instant};

use super::flight::{Flight, What};
use super::link::Link;
use super::packet::{self, Answer, Connect, Input, Publish};
use crate::plant::service::Stop;
use crate::plant::tally::{Count, Tally};
use crate::plant::{MqttConfig, secret};

/// A broker that has not welcomed a client by then is lost.
const WELCOME: Duration = Duration::from_secs(10);
/// A broker that owes an acknowledgement for so long is lost.
const PATIENCE: Duration = Duration::from_secs(20);
/// The topic that the last will is published to, below the prefix.
const STATUS: &str = "status";

/// One connection to a broker, from its welcome to its end.
pub(super) struct Session {
    link: Link,
    input: Input,
    flight: Flight,
    output: Vec<u8>,
    prefix: String,
    keep_alive: Duration,
    heard: Instant,
    is_pinged: bool,
}

impl Session {
    /// Connects, introduces itself and waits to be welcome.
    ///
    /// # Errors
    /// What stands in the way, the same text for the same cause.
    pub(super) fn open(config: &MqttConfig, stop: &Stop, tally: &Tally) -> Result<Self, String> {
        let password = match &config.login {
            Some((_, Some(path))) => Some(
                secret::password(path)
                    .map_err(|error| error.under("plant.mqtt.password_file", path).to_string())?,
            ),
            _ => None,
        };
        let link = Link::open(config, stop)?;
        let mut session = Self {
            link,
            input: Input::default(),
            flight: Flight::default(),
            output: Vec::new(),
            prefix: config.prefix.clone(),
            keep_alive: config.keep_alive,
            heard: Instant::now(),
            is_pinged: false,
        };
        let will = session.topic(STATUS);
        let connect = Connect {
            client_id: &config.client_id,
            keep_alive_s: config.keep_alive.as_secs_f64().ceil() as u16,
            will: (&will, "offline"),
            login: config.login.as_ref().map(|(user, _)| (user.as_str(), password.as_deref())),
        };
        session.output = connect.bytes();
        session.flush()?;
        session.wait_for_welcome(stop, tally)?;
        session.keep(usize::MAX, STATUS, b"online");
        Ok(session)
    }

    fn wait_for_welcome(&mut self, stop: &Stop, tally: &Tally) -> Result<(), String> {
        let began = Instant::now();
        while !stop.is_stopping() {
            match self.receive(tally)?[..] {
                [Answer::Connected(0)] => return Ok(()),
                [Answer::Connected(code), ..] if code > 0 => return Err(packet::refusal(code)),
                [Answer::Connected(_), ..] => {
                    return Err(malformed(tally, "an answer to what was not asked"));
                }
                [_, ..] => return Err(malformed(tally, "an answer before its welcome")),
                [] if began.elapsed() > WELCOME => {
                    return Err("the broker does not welcome the client in time".to_owned());
                }
                [] => {}
            }
        }
        Err("stopped".to_owned())
    }

    /// Whatever the broker said; waits a moment for it.
    fn receive(&mut self, tally: &Tally) -> Result<Vec<Answer>, String> {
        let mut buffer = [0; 1024];
        let read = self.link.read(&mut buffer).map_err(|error| error.to_string())?;
        let Some(read) = read else { return Ok(Vec::new()) };
        (self.heard, self.is_pinged) = (Instant::now(), false);
        self.input.push(&buffer[..read]);
        let mut answers = Vec::new();
        while let Some(answer) = self.input.next().map_err(|reason| malformed(tally, &reason))? {
            answers.push(answer);
        }
        Ok(answers)
    }

    /// Waits a moment for acknowledgements; gives what they are for.
    pub(super) fn acknowledged(&mut self, tally: &Tally) -> Result<Vec<What>, String> {
        let mut settled = Vec::new();
        for answer in self.receive(tally)? {
            match answer {
                // Late acknowledgements of ids that nobody waits for are no harm.
                Answer::Acknowledged(id) => settled.extend(self.flight.acknowledge(id)),
                Answer::Alive => {}
                Answer::Connected(_) => return Err(malformed(tally, "a second welcome")),
            }
        }
        Ok(settled)
    }

    /// The last result before which none is left unacknowledged, if there is a new one.
    pub(super) fn settle(&mut self) -> Option<u64> {
        self.flight.settle()
    }

    /// Asks for a sign of life when there was none for a while.
    ///
    /// # Errors
    /// When the broker gave none, or owes an acknowledgement for too long.
    pub(super) fn check(&mut self) -> Result<(), String> {
        let silence = self.heard.elapsed();
        if silence > self.keep_alive.mul_f64(1.5) || self.flight.age() > PATIENCE {
            return Err("the broker does not answer".to_owned());
        }
        if silence > self.keep_alive / 2 && !self.is_pinged {
            self.is_pinged = true;
            self.output.extend(packet::PING);
        }
        Ok(())
    }

    /// Puts a retained message into the output.
    pub(super) fn keep(&mut self, place: usize, topic: &str, payload: &[u8]) {
        let topic = self.topic(topic);
        let id = self.flight.send(What::Kept(place));
        let message =
            Publish { id, topic: &topic, payload, is_retained: true, is_duplicate: false };
        self.output.extend(message.bytes());
    }

    /// Puts a result into the output.
    pub(super) fn result(&mut self, seq: u64, payload: &[u8], is_duplicate: bool) {
        let topic = self.topic("result");
        let id = self.flight.send(What::Result(seq));
        let message = Publish { id, topic: &topic, payload, is_retained: false, is_duplicate };
        self.output.extend(message.bytes());
    }

    /// Sends the output.
    pub(super) fn flush(&mut self) -> Result<(), String> {
        if self.output.is_empty() {
            return Ok(());
        }
        let output = std::mem::take(&mut self.output);
        self.link.write(&output).map_err(|error| error.to_string())
    }

    /// Messages that the broker has not acknowledged.
    pub(super) fn in_flight(&self) -> usize {
        self.flight.len()
    }

    /// Says that the box goes, and goes.
    pub(super) fn close(mut self) {
        self.keep(usize::MAX, STATUS, b"offline");
        self.output.extend(packet::DISCONNECT);
        if let Err(reason) = self.flush() {
            log::debug!("mqtt: {reason}");
        }
        self.link.close();
    }

    fn topic(&self, name: &str) -> String {
        format!("{}/{name}", self.prefix)
    }
}

fn malformed(tally: &Tally, reason: &str) -> String {
    tally.add(Count::Malformed);
    format!("the broker does not keep to MQTT 3.1.1: {reason}")
}
