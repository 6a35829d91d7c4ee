//! A broker made for tests; the suite's and the soak's too.
#![allow(clippy::unwrap_used)]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

/// What a broker does with a connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manner {
    /// It hangs up after so many messages, without acknowledging the last.
    pub(crate) hangs_up_after: Option<usize>,
    /// It says this in the place of its welcome.
    pub(crate) says: Option<Vec<u8>>,
    /// It acknowledges nothing.
    pub(crate) is_mute: bool,
}

/// A message as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) payload: String,
    pub(crate) is_retained: bool,
    pub(crate) is_duplicate: bool,
}

/// A broker for one client at a time; it stops listening when it is dropped.
pub(crate) struct Broker {
    pub(crate) address: SocketAddr,
    pub(crate) messages: Arc<Mutex<Vec<Message>>>,
    pub(crate) connects: Arc<Mutex<Vec<Vec<u8>>>>,
    manner: Arc<Mutex<Manner>>,
    is_stopping: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Broker {
    pub(crate) fn start(manner: Manner) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), manner)
    }

    pub(crate) fn at(address: SocketAddr, manner: Manner) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let mut broker = Self {
            address: listener.local_addr().unwrap(),
            messages: Arc::default(),
            connects: Arc::default(),
            manner: Arc::new(Mutex::new(manner)),
            is_stopping: Arc::default(),
            thread: None,
        };
        let (messages, connects) = (broker.messages.clone(), broker.connects.clone());
        let (manner, is_stopping) = (broker.manner.clone(), broker.is_stopping.clone());
        broker.thread = Some(std::thread::spawn(move || {
            while !is_stopping.load(Ordering::Relaxed) {
                let Ok((stream, _)) = listener.accept() else {
                    std::thread::sleep(Duration::from_millis(2));
                    continue;
                };
                let manner = lock(&manner).clone();
                // The end of a connection is part of the tests.
                let _ =
                    Talk { stream, is_stopping: &is_stopping }.hold(&manner, &messages, &connects);
            }
        }));
        broker
    }

    pub(crate) fn behave(&self, manner: Manner) {
        *lock(&self.manner) = manner;
    }

    /// The results that came, with their marks.
    pub(crate) fn results(&self) -> Vec<(u64, bool)> {
        let messages = lock(&self.messages);
        let results = messages.iter().filter(|message| message.topic.ends_with("/result"));
        let seen = results.map(|message| {
            let value: Value = serde_json::from_str(&message.payload).unwrap();
            let is_marked = value["redelivered"].as_bool().unwrap();
            assert_eq!(is_marked, message.is_duplicate);
            (value["seq"].as_u64().unwrap(), is_marked)
        });
        seen.collect()
    }

    /// The results that came since this was asked last; nothing of them is kept.
    #[allow(dead_code)]
    pub(crate) fn take_results(&self) -> Vec<(u64, bool)> {
        let results = self.results();
        // What comes between the two waits for the next time.
        let mut left = results.len();
        lock(&self.messages).retain(|message| {
            let is_taken = left > 0 && message.topic.ends_with("/result");
            left -= usize::from(is_taken);
            !is_taken && message.topic.ends_with("/result")
        });
        results
    }

    /// The last content of a topic.
    pub(crate) fn last(&self, topic: &str) -> Option<String> {
        let messages = lock(&self.messages);
        let found = messages.iter().rev().find(|message| message.topic.ends_with(topic))?;
        assert!(found.is_retained, "{found:?}");
        Some(found.payload.clone())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        self.thread.take().map(std::thread::JoinHandle::join);
    }
}

struct Talk<'a> {
    stream: TcpStream,
    is_stopping: &'a AtomicBool,
}

impl Talk<'_> {
    fn hold(
        &mut self,
        manner: &Manner,
        messages: &Mutex<Vec<Message>>,
        connects: &Mutex<Vec<Vec<u8>>>,
    ) -> io::Result<()> {
        self.stream.set_nonblocking(false)?;
        self.stream.set_read_timeout(Some(Duration::from_millis(5)))?;
        let (_, connect) = self.packet()?;
        lock(connects).push(connect);
        self.stream.write_all(manner.says.as_deref().unwrap_or(&[0x20, 2, 0, 0]))?;
        let mut count = 0;
        loop {
            let (first, content) = self.packet()?;
            match first >> 4 {
                3 => {
                    let (id, message) = published(first, &content);
                    lock(messages).push(message);
                    count += 1;
                    if manner.hangs_up_after == Some(count) {
                        return Ok(());
                    }
                    if !manner.is_mute {
                        self.stream.write_all(&[&[0x40, 2], &id[..]].concat())?;
                    }
                }
                12 => self.stream.write_all(&[0xd0, 0])?,
                _ => return Ok(()),
            }
        }
    }

    fn packet(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut first = [0];
        self.fill(&mut first)?;
        let (mut length, mut shift) = (0, 0);
        loop {
            let mut digit = [0];
            self.fill(&mut digit)?;
            length |= usize::from(digit[0] & 0x7f) << shift;
            shift += 7;
            if digit[0] & 0x80 == 0 {
                break;
            }
        }
        let mut content = vec![0; length];
        self.fill(&mut content)?;
        Ok((first[0], content))
    }

    fn fill(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        let mut filled = 0;
        while filled < bytes.len() {
            match self.stream.read(&mut bytes[filled..]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => filled += read,
                Err(error) if !is_pause(&error) || self.is_stopping.load(Ordering::Relaxed) => {
                    return Err(error);
                }
                Err(_) => {}
            }
        }
        Ok(())
    }
}

/// A broker whose thread ended is looked at all the same.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn published(first: u8, content: &[u8]) -> ([u8; 2], Message) {
    assert_eq!(first & 0x06, 0x02, "quality of service 1");
    let length = usize::from(u16::from_be_bytes([content[0], content[1]]));
    let (topic, rest) = content[2..].split_at(length);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let message = Message {
        topic: text(topic),
        payload: text(&rest[2..]),
        is_retained: first & 1 != 0,
        is_duplicate: first & 8 != 0,
    };
    ([rest[0], rest[1]], message)
}
