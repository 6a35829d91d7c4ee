//! What each service makes of the bytes of strangers, without a socket: for tests with very many.

/// What the HTTP server answers to a stream of these bytes from a listed peer; empty when nothing.
/// Who knows the token in the file may ask.
#[cfg(feature = "http")]
pub fn http(bytes: &[u8], token_file: &std::path::Path, memory: &super::Memory) -> Vec<u8> {
    let config = super::HttpConfig {
        listen: std::net::SocketAddr::from(([127, 0, 0, 1], 0)),
        peers: "127.0.0.1".parse().into_iter().collect(),
        token_file: Some(token_file.to_owned()),
        connections: 2,
    };
    let tally = super::tally::Tally::new("http");
    let desk = super::http::desk(config, doors(memory));
    let address = std::net::IpAddr::from([127, 0, 0, 1]);
    match super::http::answer(&mut &*bytes, address, &desk, &tally) {
        Ok(Some(response)) => response.bytes(),
        Ok(None) | Err(_) => Vec::new(),
    }
}

/// What the Modbus server answers to a stream of these bytes from a listed peer.
#[cfg(feature = "modbus")]
pub fn modbus(bytes: &[u8], memory: &super::Memory) -> Vec<u8> {
    let tally = std::sync::Arc::new(super::tally::Tally::new("modbus"));
    let (commands, _orders) = super::modbus::Commands::queue(&tally);
    let peers = "127.0.0.1".parse().into_iter().collect();
    let registers = super::modbus::Registers::new(peers, doors(memory), commands);
    let mut stream = Script { input: bytes, output: Vec::new() };
    let master = super::modbus::Master::new(std::net::IpAddr::from([127, 0, 0, 1]));
    while let Ok(true) = super::modbus::exchange(&mut stream, &master, &registers, &tally) {}
    stream.output
}

/// How many packets a publisher reads of these bytes of a broker, before one that is none.
#[cfg(feature = "mqtt")]
pub fn mqtt(bytes: &[u8]) -> usize {
    super::mqtt::packets(bytes)
}

#[cfg(any(feature = "http", feature = "modbus"))]
fn doors(memory: &super::Memory) -> super::seams::Doors {
    let memory = std::sync::Arc::new(memory.clone());
    super::seams::Doors { source: memory.clone(), requests: memory }
}

#[cfg(feature = "modbus")]
struct Script<'a> {
    input: &'a [u8],
    output: Vec<u8>,
}

#[cfg(feature = "modbus")]
impl std::io::Read for Script<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.input.read(buffer)
    }
}

#[cfg(feature = "modbus")]
impl std::io::Write for Script<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.output.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
