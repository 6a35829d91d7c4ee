//! Packets of MQTT 3.1.1 (OASIS Standard, 29 October 2014), those of a client that publishes.

const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
const PUBLISH: u8 = 0x30;
const PUBACK: u8 = 0x40;
const DUPLICATE: u8 = 0x08;
const AT_LEAST_ONCE: u8 = 0x02;
const RETAIN: u8 = 0x01;
/// A packet without content.
pub(super) const PING: [u8; 2] = [0xc0, 0];
/// The end in order: the broker does not publish the last will.
pub(super) const DISCONNECT: [u8; 2] = [0xe0, 0];
const PINGRESP: u8 = 0xd0;

/// How a client introduces itself.
pub(super) struct Connect<'a> {
    pub(super) client_id: &'a str,
    pub(super) keep_alive_s: u16,
    pub(super) will: (&'a str, &'a str),
    pub(super) login: Option<(&'a str, Option<&'a str>)>,
}

/// A message of quality of service 1.
pub(super) struct Publish<'a> {
    pub(super) id: u16,
    pub(super) topic: &'a str,
    pub(super) payload: &'a [u8],
    pub(super) is_retained: bool,
    pub(super) is_duplicate: bool,
}

/// What a broker says to a client that subscribes to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The code, 0 for welcome.
    Connected(u8),
    /// The message with this id was taken.
    Acknowledged(u16),
    /// It is there.
    Alive,
}

impl Connect<'_> {
    /// A session that begins anew (3.1), with a retained last will of quality of service 1.
    pub(super) fn bytes(&self) -> Vec<u8> {
        const CLEAN: u8 = 0x02;
        const WILL: u8 = 0x04 | 0x08 | 0x20;
        let mut flags = CLEAN | WILL;
        let mut fields = vec![self.client_id, self.will.0, self.will.1];
        if let Some((user, password)) = self.login {
            flags |= 0x80;
            fields.push(user);
            if let Some(password) = password {
                flags |= 0x40;
                fields.push(password);
            }
        }
        let mut content = field("MQTT");
        content.extend([4, flags]);
        content.extend(self.keep_alive_s.to_be_bytes());
        content.extend(fields.iter().flat_map(|text| field(text)));
        whole(CONNECT, &[&content])
    }
}

impl Publish<'_> {
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut first = PUBLISH | AT_LEAST_ONCE;
        if self.is_retained {
            first |= RETAIN;
        }
        if self.is_duplicate {
            first |= DUPLICATE;
        }
        whole(first, &[&field(self.topic), &self.id.to_be_bytes(), self.payload])
    }
}

/// A text with its length before it; what is longer than a length can tell is cut.
fn field(text: &str) -> Vec<u8> {
    let bytes = &text.as_bytes()[..text.len().min(0xffff)];
    [&(bytes.len() as u16).to_be_bytes(), bytes].concat()
}

/// A packet: its first byte, how much follows, 7 bits a byte (2.2.3), and that.
fn whole(first: u8, pieces: &[&[u8]]) -> Vec<u8> {
    let mut left: usize = pieces.iter().map(|piece| piece.len()).sum();
    let mut bytes = vec![first];
    loop {
        let low = (left & 0x7f) as u8;
        left >>= 7;
        bytes.push(if left > 0 { low | 0x80 } else { low });
        if left == 0 {
            break;
        }
    }
    bytes.extend(pieces.concat());
    bytes
}

/// Bytes of a broker that are no whole packet yet: three at most.
#[derive(Debug, Default)]
pub(super) struct Input {
    bytes: Vec<u8>,
}

impl Input {
    /// Takes bytes; whoever gives them takes the packets out before giving more.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next packet that is whole.
    ///
    /// # Errors
    /// Why it is none that a broker may send to a client without subscriptions.
    pub(super) fn next(&mut self) -> Result<Option<Answer>, String> {
        let Some((first, length)) = self.bytes.first().zip(self.bytes.get(1)) else {
            return Ok(None);
        };
        let (first, length) = (*first, *length);
        let expected = match first {
            CONNACK | PUBACK => 2,
            PINGRESP => 0,
            _ => return Err(format!("a packet that begins with {first:#04x}")),
        };
        if length != expected {
            return Err(format!("a packet {first:#04x} of {length} bytes, expected {expected}"));
        }
        let end = 2 + usize::from(length);
        let Some(packet) = self.bytes.get(..end) else { return Ok(None) };
        let answer = match *packet {
            [CONNACK, _, _, code] => Answer::Connected(code),
            [PUBACK, _, high, low] => Answer::Acknowledged(u16::from_be_bytes([high, low])),
            _ => Answer::Alive,
        };
        self.bytes.drain(..end);
        Ok(Some(answer))
    }
}

/// What the code of a refusal means (3.2.2.3).
pub(super) fn refusal(code: u8) -> String {
    let reason = match code {
        1 => "it does not speak MQTT 3.1.1",
        2 => "it does not take the client id",
        3 => "it is not available",
        4 => "the user or the password is wrong",
        5 => "the user may not connect",
        _ => "for a reason unknown here",
    };
    format!("the broker refuses the connection ({code}): {reason}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_those_of_the_standard() {
        let connect = Connect {
            client_id: "c",
            keep_alive_s: 30,
            will: ("t", "off"),
            login: Some(("u", Some("p"))),
        };
        let expected =
            b"\x10\x1b\x00\x04MQTT\x04\xee\x00\x1e\x00\x01c\x00\x01t\x00\x03off\x00\x01u\x00\x01p";
        assert_eq!(connect.bytes(), expected);
        let open = Connect { login: None, ..connect };
        assert_eq!(open.bytes()[9], 0x2e);
        let message =
            Publish { id: 258, topic: "t", payload: b"x", is_retained: true, is_duplicate: false };
        assert_eq!(message.bytes(), b"\x33\x06\x00\x01t\x01\x02x");
        let again = Publish { is_retained: false, is_duplicate: true, ..message };
        assert_eq!(again.bytes()[0], 0x3a);
    }

    #[test]
    fn lengths_take_as_many_bytes_as_they_need() {
        for (length, digits) in
            [(0, 1), (127, 1), (128, 2), (16_383, 2), (16_384, 3), (2_097_151, 3), (2_097_152, 4)]
        {
            let packet = whole(0x30, &[&vec![0; length]]);
            assert_eq!(packet.len(), 1 + digits + length);
            let decoded = packet[1..=digits].iter().rev();
            let decoded = decoded.fold(0, |sum, byte| (sum << 7) | usize::from(byte & 0x7f));
            assert_eq!(decoded, length);
        }
    }

    #[test]
    fn answers_are_read_however_they_are_cut() {
        let bytes = [0x20, 2, 0, 0, 0x40, 2, 1, 2, 0xd0, 0];
        let expected = [Answer::Connected(0), Answer::Acknowledged(258), Answer::Alive];
        for size in 1..=bytes.len() {
            let (mut input, mut found) = (Input::default(), Vec::new());
            for piece in bytes.chunks(size) {
                input.push(piece);
                while let Some(answer) = input.next().unwrap() {
                    found.push(answer);
                }
            }
            assert_eq!(found, expected, "{size}");
            assert!(input.bytes.is_empty());
        }
    }

    #[test]
    fn what_no_broker_may_send_is_an_error_at_its_second_byte() {
        for bytes in [[0x30, 5], [0x40, 3], [0x40, 0x80], [0x20, 0xff], [0xd0, 1], [0, 0]] {
            let mut input = Input::default();
            input.push(&bytes);
            assert!(input.next().is_err(), "{bytes:?}");
        }
    }
}
