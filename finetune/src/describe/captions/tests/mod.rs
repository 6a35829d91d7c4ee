//! Whole conversations with a server of our own, which misbehaves as told.

pub(crate) mod server;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use server::{Act, Server};

use super::{Backoff, Captions, Chat, Counts, Secret, from_captions, may_be_logged};
use crate::describe::{Difference, Error, read};

const PATIENT: Duration = Duration::from_secs(20);
const FAST: Backoff = Backoff { attempts: 4, pause: Duration::from_millis(1) };

fn captions(folder: &Path) -> Captions {
    let path = folder.join("captions.jsonl");
    let line =
        |index| format!("{{\"image\":\"{index}.jpg\",\"caption\":\"subject number {index}\"}}\n");
    fs::write(&path, (0..8).map(line).collect::<String>()).unwrap();
    Captions::open(&path).unwrap()
}

fn chat(server: &Server) -> Chat {
    Chat::new(&server.address, PATIENT).unwrap().with_backoff(FAST)
}

/// A folder with captions, and where differences go.
struct Desk {
    folder: tempfile::TempDir,
    captions: Captions,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let captions = captions(folder.path());
        Self { folder, captions }
    }

    fn output(&self) -> std::path::PathBuf {
        self.folder.path().join("differences.jsonl")
    }

    fn run(&self, chat: &Chat, count: u64) -> Result<Counts, Error> {
        from_captions(&self.captions, chat, (1, count, &self.output()), &|_| ())
    }

    fn lines(&self) -> Vec<Difference> {
        read(&self.output()).unwrap()
    }

    fn ids(&self) -> BTreeSet<String> {
        let lines = self.lines();
        let ids: BTreeSet<String> = lines.iter().map(|line| line.pair_id.clone()).collect();
        assert_eq!(ids.len(), lines.len(), "a pair stands twice");
        ids
    }
}

#[test]
fn each_pair_gets_a_sentence_of_the_second_image_against_the_first() {
    let (desk, server) = (Desk::new(), Server::start(|_, _| Act::Good));
    let chat = chat(&server).with_model(Some("tiny".to_owned()));
    let counts = desk.run(&chat, 6).unwrap();
    assert_eq!(counts.to_string(), "6 kept, 0 dropped");
    assert_eq!(desk.ids().len(), 6);
    for (line, request) in desk.lines().iter().zip(server.requests()) {
        let (reference, test) = (line.reference.clone().unwrap(), line.test.clone().unwrap());
        assert_eq!(line.pair_id, format!("{reference}|{test}"));
        let subject = |name: &str| format!("subject number {}", name.trim_end_matches(".jpg"));
        assert!(line.sentence.contains(&subject(&test)), "{line:?}");
        assert_eq!((line.bounds, &line.key, line.sense), (None, &None, None));
        assert!(request.head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"));
        let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        let question = body["messages"][1]["content"].as_str().unwrap();
        let both =
            format!("First picture: {}\nSecond picture: {}\n", subject(&reference), subject(&test));
        assert!(question.starts_with(&both), "{question}");
        assert_eq!((&body["model"], &body["stream"]), (&"tiny".into(), &false.into()));
    }
}

#[test]
fn passing_failures_are_asked_again_and_leave_nothing_behind() {
    let bad = [
        Act::Status(500, ""),
        Act::Status(429, "Retry-After: 0\r\n"),
        Act::Status(503, "Retry-After: soon\r\n"),
        Act::Text("{\"choices\": [{\"message\": {\"content\": null}}]}"),
        Act::Text("{\"choices\": []}"),
        Act::Text("<html>starting</html>"),
        Act::Text("{\"choices\": [{\"mess"),
        Act::HalfBody,
        Act::HalfHead,
        Act::NotHttp,
        Act::Close,
    ];
    let all = bad.len();
    // Each failure once, and then a good answer.
    let script = move |index: usize, _: &str| match index % 2 {
        0 => bad.get(index / 2).copied().unwrap_or(Act::Good),
        _ => Act::Good,
    };
    let (desk, server) = (Desk::new(), Server::start(script));
    let counts = desk.run(&chat(&server), all as u64).unwrap();
    assert_eq!(counts.kept, all as u64);
    assert_eq!(desk.ids().len(), all);
    assert_eq!(server.requests().len(), 2 * all, "one failure and one answer each");
}

#[test]
fn a_slow_endpoint_is_given_up_in_time_and_named() {
    let slow = |index: usize, _: &str| if index < 2 { Act::Good } else { Act::Hang };
    let (desk, server) = (Desk::new(), Server::start(slow));
    let backoff = Backoff { attempts: 2, ..FAST };
    let chat = Chat::new(&server.address, Duration::from_millis(300)).unwrap();
    let started = Instant::now();
    let error = desk.run(&chat.with_backoff(backoff), 5).unwrap_err();
    assert!(started.elapsed() < PATIENT, "{:?}", started.elapsed());
    assert!(matches!(error, Error::Unavailable { attempts: 2, written: 2, .. }), "{error}");
    let message = error.to_string();
    assert!(message.starts_with(&server.address) && message.contains("timeout"), "{message}");
    assert_eq!(desk.ids().len(), 2, "what was made is kept");
}

#[test]
fn an_endpoint_that_is_down_is_named_and_the_same_command_goes_on_later() {
    let desk = Desk::new();
    let gone = Server::start(|_, _| Act::Good);
    let dead = chat(&gone);
    assert_eq!(desk.run(&dead, 2).unwrap().kept, 2);
    drop(gone);
    let error = desk.run(&dead, 4).unwrap_err();
    assert!(matches!(error, Error::Unavailable { attempts: 4, written: 2, .. }), "{error}");
    assert!(error.to_string().contains("the same command goes on from there"), "{error}");
    let server = Server::start(|_, _| Act::Good);
    assert_eq!(desk.run(&chat(&server), 4).unwrap().kept, 4);
    assert_eq!(desk.ids().len(), 4);
    assert_eq!(server.requests().len(), 2, "nothing was asked twice");
}

#[test]
fn a_pair_without_an_answer_is_noted_and_the_run_goes_on() {
    // The third pair makes the server fail, the fifth is refused, whenever they are asked about.
    let acts = [Act::Good, Act::Good, Act::Status(500, ""), Act::Status(500, ""), Act::Good];
    let script = move |index: usize, _: &str| match index {
        5 => Act::Status(400, ""),
        _ => acts.get(index).copied().unwrap_or(Act::Good),
    };
    let (desk, server) = (Desk::new(), Server::start(script));
    let chat = chat(&server).with_backoff(Backoff { attempts: 2, ..FAST });
    for _ in 0..2 {
        let counts = desk.run(&chat, 6).unwrap();
        assert_eq!(counts.to_string(), "4 kept, 2 dropped (2 no answer)");
        assert_eq!((desk.ids().len(), server.requests().len()), (4, 7));
    }
    let dropped = fs::read_to_string(desk.folder.path().join("differences.jsonl.dropped")).unwrap();
    assert!(dropped.contains(r#""reason":"no-answer","answer":"status 500"#), "{dropped}");
}

#[test]
fn the_last_pair_without_an_answer_does_not_stop_a_run_for_ever() {
    let script = |index: usize, _: &str| if index < 2 { Act::Good } else { Act::Status(503, "") };
    let (desk, server) = (Desk::new(), Server::start(script));
    assert_eq!(desk.run(&chat(&server), 3).unwrap().to_string(), "2 kept, 1 dropped (1 no answer)");
}

#[test]
fn pairs_that_an_endpoint_in_trouble_did_not_answer_are_asked_about_again() {
    let script =
        |index: usize, _: &str| if index == 0 || index > 3 { Act::Good } else { Act::Close };
    let (desk, server) = (Desk::new(), Server::start(script));
    let chat = chat(&server).with_backoff(Backoff { attempts: 1, ..FAST });
    let error = desk.run(&chat, 5).unwrap_err();
    assert!(matches!(error, Error::Unavailable { attempts: 1, written: 1, .. }), "{error}");
    assert_eq!(desk.run(&chat, 5).unwrap().to_string(), "5 kept, 0 dropped");
}

#[test]
fn an_answer_at_the_limit_of_tokens_is_dropped_as_cut() {
    const CUT: &str = r#"{"choices":[{"finish_reason":"length","message":{"content":
        "Now there is a brown dog on a beach where a grey cat slept on a sofa, and behind it"}}]}"#;
    let script = |index: usize, _: &str| if index == 0 { Act::Text(CUT) } else { Act::Good };
    let (desk, server) = (Desk::new(), Server::start(script));
    assert_eq!(desk.run(&chat(&server), 2).unwrap().to_string(), "1 kept, 1 dropped (1 cut off)");
}

#[test]
fn a_refusal_is_not_repeated() {
    for (status, hint) in
        [(401, "--key-variable"), (404, "--model"), (400, "it said"), (301, "redirection")]
    {
        let (desk, server) =
            (Desk::new(), Server::start(move |_, _| Act::Status(status, "Location: /other\r\n")));
        let error = desk.run(&chat(&server), 3).unwrap_err();
        assert!(matches!(error, Error::Refused { written: 0, .. }), "{error}");
        assert!(error.to_string().contains(hint), "{error}");
        assert_eq!(server.requests().len(), 1, "{status}");
    }
}

#[test]
fn dropped_answers_are_counted_and_not_asked_for_again() {
    let answers = ["short", "caf\u{e9} and more", "### Instruction: compare the two", ""];
    let script =
        move |index: usize, _: &str| answers.get(index).map_or(Act::Good, |it| Act::Say(it));
    let (desk, server) = (Desk::new(), Server::start(script));
    let expected = "2 kept, 4 dropped (1 not ASCII, 1 prompt leakage, 2 under 60 characters)";
    for _ in 0..2 {
        assert_eq!(desk.run(&chat(&server), 6).unwrap().to_string(), expected);
        assert_eq!(desk.ids().len(), 2);
        assert_eq!(server.requests().len(), 6);
    }
}

#[test]
fn a_run_of_which_nothing_is_kept_fails_and_keeps_the_answers() {
    let (desk, server) = (Desk::new(), Server::start(|_, _| Act::Say("short")));
    // The second time everything was asked for already.
    for _ in 0..2 {
        let error = desk.run(&chat(&server), 3).unwrap_err();
        assert!(matches!(error, Error::NothingKept { .. }), "{error}");
        assert!(error.to_string().contains("3 dropped (3 under 60 characters)"), "{error}");
    }
    let dropped = fs::read_to_string(desk.folder.path().join("differences.jsonl.dropped")).unwrap();
    assert_eq!((dropped.lines().count(), server.requests().len()), (3, 3));
}

#[test]
fn a_run_killed_anywhere_goes_on_without_repeating_or_losing_a_pair() {
    let script = |index: usize, _: &str| if index == 2 { Act::Say("short") } else { Act::Good };
    let (desk, server) = (Desk::new(), Server::start(script));
    desk.run(&chat(&server), 5).unwrap();
    let (whole, ids) = (fs::read(desk.output()).unwrap(), desk.ids());
    assert_eq!(ids.len(), 4);
    let ends: Vec<usize> =
        (0..whole.len()).filter(|at| whole[*at] == b'\n').map(|at| at + 1).collect();
    // Killed while it wrote the first byte, the middle or the last byte of each line, or between two.
    let cuts = ends.iter().flat_map(|end| [*end, end - 1, end - 30]).chain([0, 1]);
    for cut in cuts {
        fs::write(desk.output(), &whole[..cut]).unwrap();
        let before = server.requests().len();
        desk.run(&chat(&server), 5).unwrap();
        assert_eq!(desk.ids(), ids, "cut at {cut}");
        let left = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(server.requests().len() - before, 4 - left, "cut at {cut}");
    }
}

#[test]
fn an_output_of_other_pairs_is_refused_and_kept() {
    let (desk, server) = (Desk::new(), Server::start(|_, _| Act::Good));
    desk.run(&chat(&server), 3).unwrap();
    let content = fs::read(desk.output()).unwrap();
    let other = from_captions(&desk.captions, &chat(&server), (2, 3, &desk.output()), &|_| ());
    let message = other.unwrap_err().to_string();
    assert!(message.contains("--seed do not give"), "{message}");
    assert_eq!(fs::read(desk.output()).unwrap(), content);
}

#[test]
fn a_key_is_sent_and_shown_in_no_log_and_no_error() {
    const KEY: &str = "sk-1f2e3d4c5b6a";
    static LOG: Mutex<String> = Mutex::new(String::new());
    struct Logger;
    impl log::Log for Logger {
        fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
            may_be_logged(metadata)
        }
        fn log(&self, record: &log::Record<'_>) {
            if self.enabled(record.metadata()) {
                let line = format!("{}\n", record.args());
                LOG.lock().unwrap_or_else(PoisonError::into_inner).push_str(&line);
            }
        }
        fn flush(&self) {}
    }
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        log::set_logger(&Logger).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
    });
    // The server repeats the header, once where the end of a quotation cuts it.
    let script = |index: usize, head: &str| match index {
        0 => Act::Echo(500, 0),
        1 => Act::Echo(200, 190),
        _ => Act::Echo(401, usize::from(head.is_empty())),
    };
    let (desk, server) = (Desk::new(), Server::start(script));
    let chat = chat(&server).with_key(Secret::new(KEY));
    let message = desk.run(&chat, 2).unwrap_err().to_string();
    let sent = format!("authorization: bearer {KEY}\r\n");
    assert!(server.requests().iter().all(|it| it.head.to_lowercase().contains(&sent)));
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert!(message.contains("status 401") && message.contains("[key]"), "{message}");
    assert!(log.contains("no chat completion") && log.contains("again in"), "{log}");
    for text in [&message, &log, &format!("{chat:?}")] {
        assert!(!text.contains(&KEY[..6]), "{text}");
    }
}
