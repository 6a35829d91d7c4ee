use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What the server does with a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    /// Answers with a sentence that holds the second caption.
    Good,
    /// Answers with this sentence.
    Say(&'static str),
    /// Status 200 with this body.
    Text(&'static str),
    /// Another status, with these further headers.
    Status(u16, &'static str),
    /// A status and, after so many other characters, the key of the request.
    Echo(u16, usize),
    /// Promises a body and closes in the middle of it.
    HalfBody,
    /// Closes in the middle of the headers.
    HalfHead,
    /// Says something that is no HTTP.
    NotHttp,
    /// Closes at once.
    Close,
    /// Says nothing for longer than anybody waits.
    Hang,
}

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) body: String,
}

/// A server on a port of its own; it ends when dropped.
pub(crate) struct Server {
    pub(crate) address: String,
    socket: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    ended: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// Acts as `script` says of the index and the head of a request.
    pub(crate) fn start(script: impl Fn(usize, &str) -> Act + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = listener.local_addr().unwrap();
        let (requests, ended) =
            (Arc::<Mutex<Vec<Request>>>::default(), Arc::<AtomicBool>::default());
        let (seen, end) = (requests.clone(), ended.clone());
        let thread = thread::spawn(move || {
            // Streams that hang are held open until the end.
            let mut held = Vec::new();
            for stream in listener.incoming() {
                if end.load(Ordering::SeqCst) {
                    break;
                }
                let mut stream = stream.unwrap();
                let Some(request) = receive(&stream) else { continue };
                let index = seen.lock().unwrap().len();
                seen.lock().unwrap().push(request.clone());
                let act = script(index, &request.head);
                // A client that has given up is no failure of the server.
                answer(&mut stream, act, &request).ok();
                if matches!(act, Act::Hang) {
                    held.push(stream);
                }
            }
        });
        let address = format!("http://{socket}");
        Self { address, socket, requests, ended, thread: Some(thread) }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        TcpStream::connect(self.socket).ok();
        self.thread.take().map(thread::JoinHandle::join);
    }
}

fn receive(stream: &TcpStream) -> Option<Request> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let lower = head.to_lowercase();
    let length = lower.split("content-length: ").nth(1)?.lines().next()?.trim().parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { head, body: String::from_utf8(body).ok()? })
}

fn answer(stream: &mut TcpStream, act: Act, request: &Request) -> std::io::Result<()> {
    match act {
        Act::Good => {
            let second = request.body.split("Second picture: ").nth(1).unwrap_or_default();
            let second = second.split("\\n").next().unwrap_or_default();
            send(
                stream,
                (200, ""),
                &completion(&format!(
                    "Now there is {second} in plain view where something quite different used to be."
                )),
            )
        }
        Act::Say(sentence) => send(stream, (200, ""), &completion(sentence)),
        Act::Text(body) => send(stream, (200, ""), body),
        Act::Status(status, headers) => send(stream, (status, headers), "{\"error\": \"no\"}"),
        Act::Echo(status, before) => {
            let key = request.head.to_lowercase();
            let key = key.split("bearer ").nth(1).and_then(|it| it.lines().next());
            let body = format!("{}{}", "-".repeat(before), key.unwrap_or_default());
            send(stream, (status, ""), &body)
        }
        Act::HalfBody => {
            let body = completion("There is");
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len() + 40)
        }
        Act::HalfHead => write!(stream, "HTTP/1.1 200 OK\r\nContent-Le"),
        Act::NotHttp => write!(stream, "* BYE\r\n\r\n"),
        Act::Close | Act::Hang => Ok(()),
    }
}

fn completion(sentence: &str) -> String {
    let sentence = serde_json::Value::from(sentence);
    format!(
        "{{\"id\":\"1\",\"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":{sentence}}}}}]}}"
    )
}

fn send(stream: &mut TcpStream, (status, headers): (u16, &str), body: &str) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\n{headers}Connection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
