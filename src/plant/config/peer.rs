use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// An address, or a network written as an address and the number of bits that its addresses share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    address: IpAddr,
    bits: u32,
}

impl Peer {
    /// Whether an address is this one or lies in this network. An IPv4 address that a socket of
    /// both versions shows as one of version 6 counts as what it is.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differing = u32::from(own) ^ u32::from(other);
                differing.leading_zeros() >= self.bits
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differing = u128::from(own) ^ u128::from(other);
                differing.leading_zeros() >= self.bits
            }
            _ => false,
        }
    }
}

impl FromStr for Peer {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().map_err(|_| ())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| ())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        if bits > most || address.is_unspecified() && bits > 0 {
            return Err(());
        }
        Ok(Self { address, bits })
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_an_address_or_a_network() {
        for (peer, inside, outside) in [
            ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
            ("10.1.2.0/24", "10.1.2.255", "10.1.3.0"),
            ("10.1.2.3", "::ffff:10.1.2.3", "::ffff:10.1.2.4"),
            ("fd00::/8", "fdff::1", "fe00::1"),
            ("0.0.0.0/0", "192.0.2.1", "::1"),
        ] {
            let peer: Peer = peer.parse().unwrap();
            assert!(peer.contains(inside.parse().unwrap()), "{peer} {inside}");
            assert!(!peer.contains(outside.parse().unwrap()), "{peer} {outside}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "plc", "10.0.0.0/33", "10.0.0.0/-1", "::1/129", "10.0.0.0/", "0.0.0.0"] {
            assert!(text.parse::<Peer>().is_err(), "{text}");
        }
    }
}
