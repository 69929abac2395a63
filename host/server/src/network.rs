//! Addresses that calls may come from.

use std::net::IpAddr;
use std::str::FromStr;

use serde::Deserialize;

/// An address, or all that begin with the same bits: `185.71.76.0/27`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// Whether an address is one of them. An IPv4 address in IPv6's clothes is the IPv4 address.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        let same = |one: u128, other: u128, width: u32| {
            // The bits that do not count are shifted out, however many.
            let off = width.saturating_sub(self.bits);
            one.checked_shr(off).unwrap_or(0) == other.checked_shr(off).unwrap_or(0)
        };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(one), IpAddr::V4(other)) => {
                same(u32::from(one).into(), u32::from(other).into(), 32)
            }
            (IpAddr::V6(one), IpAddr::V6(other)) => same(one.into(), other.into(), 128),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no address, and no network such as 185.71.76.0/27");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(width), |bits| bits.parse().map_err(|_| wrong()))?;
        if bits > width {
            return Err(wrong());
        }
        Ok(Self { address, bits })
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_what_begins_as_it_does() {
        for (network, address, expected) in [
            ("185.71.76.0/27", "185.71.76.0", true),
            ("185.71.76.0/27", "185.71.76.31", true),
            ("185.71.76.0/27", "185.71.76.32", false),
            ("185.71.76.5/27", "185.71.76.31", true),
            ("185.71.76.0/27", "::ffff:185.71.76.3", true),
            ("77.75.156.11", "77.75.156.11", true),
            ("77.75.156.11", "77.75.156.12", false),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("0.0.0.0/0", "::1", false),
            ("2a02:5180::/32", "2a02:5180:1::5", true),
            ("2a02:5180::/32", "2a02:5181::5", false),
            ("::/0", "2a02::1", true),
        ] {
            let (network, address): (Network, IpAddr) =
                (network.parse().unwrap(), address.parse().unwrap());
            assert_eq!(network.holds(address), expected, "{network:?} {address}");
        }
        for text in ["", "x", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/", "::/129", "1.2.3/8"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
