use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::de::IgnoredAny;
use serde_json::Value;

use super::cursor::Cursor;
use super::flight::What;
use super::retained::{Retained, TOPICS, contents};
use super::session::Session;
use crate::files;
use crate::plant::pause::Pause;
use crate::plant::service::Stop;
use crate::plant::tally::{Count, Tally};
use crate::plant::{MqttConfig, Outbox, Source};

/// Records that are read from the journal at once.
const BATCH: usize = 64;
/// How often the journal is asked for records when there were none.
const POLL: Duration = Duration::from_millis(100);
/// How long an end in order waits for acknowledgements.
const FAREWELL: Duration = Duration::from_millis(500);

/// What a publisher is told and tells.
pub(in crate::plant) struct Surroundings {
    pub(in crate::plant) stop: Stop,
    pub(in crate::plant) tally: Arc<Tally>,
    /// All services, for the topic `health`.
    pub(in crate::plant) services: Vec<Arc<Tally>>,
}

/// Delivers results and states, through any number of connections.
pub(in crate::plant) struct Publisher {
    config: MqttConfig,
    source: Arc<dyn Source>,
    outbox: Option<Box<dyn Outbox>>,
    cursor: Cursor,
    /// Records that were read and not sent, at most [`BATCH`].
    batch: VecDeque<(u64, String)>,
    /// The last record that was read.
    read_to: u64,
    polled: Option<Instant>,
    is_compared: bool,
    is_unreadable: bool,
    pause: Pause,
    around: Surroundings,
}

impl Publisher {
    pub(in crate::plant) fn new(
        config: MqttConfig,
        source: Arc<dyn Source>,
        outbox: Option<Box<dyn Outbox>>,
        around: Surroundings,
    ) -> Self {
        let (cursor, trouble) = Cursor::open(config.cursor_file.clone());
        if let Some(trouble) = trouble {
            around.tally.trouble(&trouble);
        }
        Self {
            pause: Pause::new(config.retry_min, config.retry_max),
            read_to: cursor.acknowledged(),
            config,
            source,
            outbox,
            cursor,
            batch: VecDeque::new(),
            polled: None,
            is_compared: false,
            is_unreadable: false,
            around,
        }
    }

    /// Connects, publishes and connects again until it is time to stop.
    pub(in crate::plant) fn run(&mut self) -> Result<(), String> {
        let (stop, tally) = (self.around.stop.clone(), self.around.tally.clone());
        self.check_cursor();
        while !stop.is_stopping() {
            let ended = self.converse();
            tally.connected(false);
            tally.set(Count::Open, 0);
            if let Err(cause) = ended
                && !stop.is_stopping()
            {
                tally.add(Count::Failures);
                tally.trouble(&cause);
                self.count_queue();
                stop.sleep(self.pause.after_failure());
            }
        }
        self.cursor.close(&mut |seq| mark(&mut self.outbox, seq))
    }

    /// One connection, to its end.
    fn converse(&mut self) -> Result<(), String> {
        let (stop, tally) = (self.around.stop.clone(), self.around.tally.clone());
        let mut session = Session::open(&self.config, &stop, &tally)?;
        log::info!("mqtt: {}:{}: connected", self.config.host, self.config.port);
        tally.connected(true);
        self.check_cursor();
        let mut retained = Retained::new(self.config.state_every);
        // What was not acknowledged before is read once more.
        self.batch.clear();
        self.read_to = self.cursor.acknowledged();
        self.polled = None;
        while !stop.is_stopping() {
            self.publish_states(&mut session, &mut retained);
            self.publish_results(&mut session);
            session.check()?;
            session.flush()?;
            tally.set(Count::Open, session.in_flight() as u64);
            self.take_acknowledgements(&mut session, &mut retained)?;
            if let Err(reason) = self.cursor.save(&mut |seq| mark(&mut self.outbox, seq)) {
                tally.trouble(&reason);
            }
        }
        self.say_farewell(session, &mut retained);
        Ok(())
    }

    /// Says at once, and not with the first result, that what was delivered cannot be remembered.
    fn check_cursor(&self) {
        if let Err(error) = files::check_writable(&self.config.cursor_file) {
            self.around.tally.trouble(&format!(
                "plant.mqtt.cursor_file: {error}; results wait until it can be written"
            ));
        }
    }

    fn publish_states(&mut self, session: &mut Session, retained: &mut Retained) {
        if !retained.is_time() {
            return;
        }
        self.count_queue();
        let contents = contents(&self.source.snapshot(), &self.around.services);
        for (place, content) in retained.due(contents) {
            session.keep(place, TOPICS[place], content.as_bytes());
        }
    }

    fn publish_results(&mut self, session: &mut Session) {
        if self.batch.is_empty() {
            self.read_batch();
        }
        while session.in_flight() < self.config.window {
            let Some((seq, record)) = self.batch.front() else { return };
            let seq = *seq;
            if !self.cursor.covers(seq) {
                let marks = &mut |seq| mark(&mut self.outbox, seq);
                if let Err(reason) = self.cursor.reserve(seq, marks) {
                    self.around.tally.trouble(&reason);
                }
                if !self.cursor.covers(seq) {
                    return;
                }
            }
            let is_repeated = self.cursor.may_have_sent(seq);
            let payload = payload(&self.source.snapshot().station, seq, is_repeated, record);
            if is_repeated {
                self.around.tally.add(Count::Redelivered);
            }
            session.result(seq, payload.as_bytes(), is_repeated);
            self.cursor.sends(seq);
            self.batch.pop_front();
        }
    }

    /// Reads the records after the last that was read, unless there were none a moment ago.
    fn read_batch(&mut self) {
        let Some(outbox) = &mut self.outbox else { return };
        if self.polled.is_some_and(|at| at.elapsed() < POLL) {
            return;
        }
        if !self.is_compared {
            let acknowledged = self.cursor.acknowledged();
            let found = outbox.mark(acknowledged).and_then(|mark| Ok((mark, outbox.last_seq()?)));
            match found {
                Ok((mark, last_seq)) => {
                    if !self.cursor.fits(last_seq, mark.as_deref()) {
                        self.around.tally.trouble(&format!(
                            "{}: of another journal; this one is sent from its start",
                            self.config.cursor_file.display()
                        ));
                        self.read_to = 0;
                    }
                    self.is_compared = true;
                }
                Err(reason) => return self.unreadable(&reason),
            }
        }
        match outbox.after(self.read_to, BATCH) {
            Ok(records) => self.take_batch(records),
            Err(reason) => self.unreadable(&reason),
        }
    }

    fn take_batch(&mut self, records: Vec<(u64, String)>) {
        // Behind one that is not full there may be more, beyond records that are not delivered.
        self.polled = records.is_empty().then(Instant::now);
        if std::mem::take(&mut self.is_unreadable) {
            // The trouble is over.
            self.around.tally.connected(true);
        }
        for (seq, record) in records.into_iter().take(BATCH) {
            // Order is what is promised; what breaks it would be acknowledged before its time.
            if seq <= self.read_to {
                self.around.tally.trouble(&format!("record {seq} comes after {}", self.read_to));
                continue;
            }
            self.read_to = seq;
            self.batch.push_back((seq, record));
        }
    }

    fn unreadable(&mut self, reason: &str) {
        self.polled = Some(Instant::now());
        self.is_unreadable = true;
        self.around.tally.trouble(&format!("the journal cannot be read: {reason}"));
    }

    fn take_acknowledgements(
        &mut self,
        session: &mut Session,
        retained: &mut Retained,
    ) -> Result<(), String> {
        for what in session.acknowledged(&self.around.tally)? {
            match what {
                What::Result(_) => self.around.tally.add(Count::Delivered),
                What::Kept(place) => retained.acknowledged(place),
            }
            // A broker that takes messages is one that works.
            self.pause.reset();
        }
        if let Some(seq) = session.settle() {
            self.cursor.acknowledge(seq);
        }
        Ok(())
    }

    /// Tells the last state, waits a moment for what is in flight, so that less is sent twice, and
    /// leaves in order.
    fn say_farewell(&mut self, mut session: Session, retained: &mut Retained) {
        let contents = contents(&self.source.snapshot(), &self.around.services);
        for (place, content) in retained.last(contents) {
            session.keep(place, TOPICS[place], content.as_bytes());
        }
        if session.flush().is_err() {
            return;
        }
        let began = Instant::now();
        while session.in_flight() > 0 && began.elapsed() < FAREWELL {
            if self.take_acknowledgements(&mut session, retained).is_err() {
                return;
            }
        }
        session.close();
    }

    fn count_queue(&mut self) {
        let Some(outbox) = &mut self.outbox else { return };
        if let Ok(last_seq) = outbox.last_seq() {
            let queued = last_seq.saturating_sub(self.cursor.acknowledged());
            self.around.tally.set(Count::Queued, queued);
        }
    }
}

/// What tells a record from that of another journal; where it cannot be read now, nothing does.
fn mark(outbox: &mut Option<Box<dyn Outbox>>, seq: u64) -> Option<String> {
    outbox.as_mut()?.mark(seq).ok()?
}

/// A record as it stands in the journal, within what a subscriber needs to know of its way.
fn payload(station: &str, seq: u64, is_repeated: bool, record: &str) -> String {
    let station = Value::from(station);
    // Not the text of a JSON object: as a text, so that the message is JSON in any case.
    let is_json = serde_json::from_str::<IgnoredAny>(record).is_ok();
    let record = if is_json { record.to_owned() } else { Value::from(record).to_string() };
    format!(r#"{{"station":{station},"seq":{seq},"redelivered":{is_repeated},"record":{record}}}"#)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_json_whatever_the_record_is() {
        for record in [r#"{"kind":"part","number":7}"#, "no \"json\"", "", "{} {}"] {
            let text = payload("a \"b\"", 9, true, record);
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["seq"], 9);
            assert_eq!(value["redelivered"], true);
            assert_eq!(value["station"], "a \"b\"");
        }
        let text = payload("s", 1, false, r#"{"a": 1.50}"#);
        assert!(text.ends_with(r#""record":{"a": 1.50}}"#), "the very text: {text}");
    }
}
