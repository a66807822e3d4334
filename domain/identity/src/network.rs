//! Where calls may come from.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is neither an address nor a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a network: write it like `203.0.113.0/24`, `2001:db8::/32` or as a single address")]
pub struct NetworkError(String);

/// A list of networks, v4 and v6. Written in its v6 form (`::ffff:203.0.113.0/120`)
/// a v4 network is the v4 network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Reads networks and single addresses.
    ///
    /// # Errors
    /// At the first text that is neither.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, NetworkError> {
        let read = |text: &T| {
            let text = text.as_ref();
            let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            network.map(canonical).map_err(|_| NetworkError(text.chars().take(80).collect()))
        };
        texts.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether one of the networks has the address. A v4 address that arrives
    /// in its v6 form (`::ffff:203.0.113.9`) is the v4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// How many networks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has no network, and so no address.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The v4 network that a v6 network stands for, if it stands for one.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(six) = network else { return network };
    let four = six.addr().to_ipv4_mapped().zip(six.prefix_len().checked_sub(96));
    let four = four.and_then(|(address, length)| Ipv4Net::new(address, length).ok());
    four.map_or(network, IpNet::V4)
}

impl Serialize for Networks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ToString::to_string))
    }
}

impl<'de> Deserialize<'de> for Networks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        Self::parse(&texts).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn membership() {
        let networks = Networks::parse(&["203.0.113.0/24", "2001:db8::/32", "198.51.100.7"]).unwrap();
        for (address, inside) in [
            ("203.0.113.9", true),
            ("203.0.114.9", false),
            ("::ffff:203.0.113.9", true),
            ("2001:db8::1", true),
            ("2001:db9::1", false),
            ("198.51.100.7", true),
            ("198.51.100.8", false),
        ] {
            assert_eq!(networks.contains(address.parse().unwrap()), inside, "{address}");
        }
        assert!(!Networks::default().contains("203.0.113.9".parse().unwrap()));
    }

    #[test]
    fn v4_networks_in_their_v6_form() {
        for (text, shown) in [
            ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
            ("::ffff:203.0.113.9", "203.0.113.9/32"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            // Wider than all of v4: a v6 network.
            ("::ffff:0:0/95", "::ffff:0.0.0.0/95"),
            ("2001:db8::/32", "2001:db8::/32"),
        ] {
            let networks = Networks::parse(&[text]).unwrap();
            assert_eq!(serde_json::to_value(&networks).unwrap(), serde_json::json!([shown]), "{text}");
        }
        let networks = Networks::parse(&["::ffff:203.0.113.0/120"]).unwrap();
        assert!(networks.contains("203.0.113.9".parse().unwrap()));
        assert!(!networks.contains("203.0.114.9".parse().unwrap()));
    }

    #[test]
    fn refusals() {
        for text in ["", "203.0.113.0/33", "example.com", "10.0.0.0/-1", "1.2.3"] {
            assert!(Networks::parse(&[text]).is_err(), "{text}");
        }
    }
}
