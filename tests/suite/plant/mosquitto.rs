use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use pairspec::plant::{Memory, Verdict};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::Value;

use super::{free_address, is_there, start, wait};

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn start(command: &mut Command, log: &Path) -> Self {
        let log = File::create(log).unwrap();
        Self(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap())
    }

    /// Ends it in order, so that it keeps what it has for its clients.
    fn end(mut self) {
        let pid = self.0.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).stdin(Stdio::null()).status().unwrap();
        self.0.wait().unwrap();
    }
}

/// A broker over TLS that wants a password and the client's certificate, all in a folder.
struct Plant {
    folder: PathBuf,
    address: SocketAddr,
}

impl Plant {
    fn new(folder: &Path) -> Self {
        let plant = Self { folder: folder.to_owned(), address: free_address() };
        plant.make_certificates();
        fs::write(plant.path("secret"), "pass word\n").unwrap();
        let passwords = plant.path("passwords");
        let made = Command::new("mosquitto_passwd")
            .args(["-b", "-c", &passwords, "line", "pass word"])
            .status();
        assert!(made.unwrap().success());
        let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
        let settings = [
            format!("listener {} 127.0.0.1", plant.address.port()),
            format!("user {user}"),
            format!("cafile {}", plant.path("ca.pem")),
            format!("certfile {}", plant.path("127.0.0.1.pem")),
            format!("keyfile {}", plant.path("127.0.0.1.key")),
            "require_certificate true".to_owned(),
            "allow_anonymous false".to_owned(),
            format!("password_file {passwords}"),
            "persistence true".to_owned(),
            format!("persistence_location {}/", plant.folder.display()),
            "max_queued_messages 0".to_owned(),
        ];
        fs::write(plant.path("mosquitto.conf"), settings.join("\n")).unwrap();
        plant
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    fn make_certificates(&self) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // An authority and what it signs must not have the same name.
        params.distinguished_name.push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        fs::write(self.path("ca.pem"), authority.pem()).unwrap();
        for host in ["127.0.0.1", "box"] {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
            let certificate = params.signed_by(&key, &authority).unwrap();
            fs::write(self.path(&format!("{host}.pem")), certificate.pem()).unwrap();
            fs::write(self.path(&format!("{host}.key")), key.serialize_pem()).unwrap();
        }
    }

    fn broker(&self) -> Running {
        let mut command = Command::new("mosquitto");
        let command = command.args(["-c", &self.path("mosquitto.conf")]);
        let running = Running::start(command, &self.folder.join("broker.log"));
        wait("the broker", || TcpStream::connect(self.address).is_ok());
        running
    }

    /// A subscriber whom the broker keeps messages for while he is away.
    fn subscriber(&self) -> Running {
        let mut command = Command::new("mosquitto_sub");
        command.args(["-h", "127.0.0.1", "-p", &self.address.port().to_string(), "-V", "311"]);
        command.args(["-c", "-i", "plant", "-q", "1", "-t", "pairspec/#", "-v"]);
        command.args(["-u", "line", "-P", "pass word", "--cafile", &self.path("ca.pem")]);
        command.args(["--cert", &self.path("box.pem"), "--key", &self.path("box.key")]);
        Running::start(&mut command, &self.folder.join("seen.log"))
    }

    /// What the broker says.
    fn log(&self) -> String {
        fs::read_to_string(self.path("broker.log")).unwrap()
    }

    /// What the subscriber saw of a topic.
    fn seen(&self, topic: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path("seen.log")).unwrap();
        let begin = format!("pairspec/test/{topic} ");
        // The last line may not be whole yet.
        let whole = text.rsplit_once('\n').map_or("", |parts| parts.0);
        whole.lines().filter_map(|line| line.strip_prefix(&begin)).map(str::to_owned).collect()
    }

    fn results(&self) -> Vec<u64> {
        let seen = self.seen("result").into_iter().map(|text| {
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["seq"], value["record"]["number"]);
            value["seq"].as_u64().unwrap()
        });
        seen.collect()
    }
}

#[test]
fn a_real_broker_that_goes_and_comes_back_has_every_result_in_order() {
    let name = "a_real_broker_that_goes_and_comes_back_has_every_result_in_order";
    if !["mosquitto", "mosquitto_sub", "mosquitto_passwd"].iter().all(|it| is_there(it, name)) {
        return;
    }
    let (folder, memory) = (tempfile::tempdir().unwrap(), Memory::new("line 1"));
    let peers = Plant::new(folder.path());
    let broker = peers.broker();
    let _subscriber = peers.subscriber();
    let section = format!(
        "[mqtt]\nbroker = '{}'\nca_file = 'ca.pem'\ncertificate_file = 'box.pem'\n\
         key_file = 'box.key'\nusername = 'line'\npassword_file = 'secret'\nretry_min_ms = 50.0\n\
         retry_max_ms = 500.0",
        peers.address
    );
    let plant = start(&section, folder.path(), &memory);
    wait("a welcome or a reason", || {
        let status = plant.status().remove(0);
        assert_eq!(status.last_error, None, "{}", peers.log());
        status.is_connected
    });
    // The subscription must be known before anything is to be kept for it.
    wait("the subscriber", || !peers.seen("status").is_empty());
    (1..=500).for_each(|number| memory.finish(number, Verdict::Conforming));
    wait("the first", || plant.status()[0].delivered > 100);
    broker.end();
    wait("the loss", || !plant.status()[0].is_connected);
    (501..=1_500).for_each(|number| memory.finish(number, Verdict::Mismatch));
    let _broker = peers.broker();
    wait("the last", || peers.results().last().is_some_and(|last| *last == 1_500));
    let results = peers.results();
    let mut highest = 0;
    for seq in results {
        // What the subscriber did not acknowledge the broker sends him again, as it was.
        assert!(seq <= highest + 1, "{seq} after {highest}");
        highest = highest.max(seq);
    }
    drop(plant);
    wait("the end", || peers.seen("status").last().is_some_and(|last| last == "offline"));
    assert!(peers.seen("state").iter().any(|state| state.contains("Operational.Ready")));
}
