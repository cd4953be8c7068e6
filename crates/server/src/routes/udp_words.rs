//! What is said where somebody asks for a UDP port and nothing could answer.

/// Advice about a list of ports such as `7466, 51820/udp`, if a UDP port is in it.
pub(super) fn advice(ports: &str) -> Option<String> {
    let ports = ports.to_ascii_lowercase().replace("%2f", "/");
    let (before, _) = ports.split_once("/udp")?;
    let digits = before.rsplit(|char: char| !char.is_ascii_digit()).next();
    let port = digits.and_then(|digits| digits.parse::<u16>().ok()).filter(|&port| port > 0);
    let port = port.unwrap_or(51_820);
    Some(format!(
        "over UDP something must answer, which neither a browser nor this request does; on the machine itself \
         `port-checker verify {port}/udp` does, and programs send POST /check-ports with \"transport\": \"udp\""
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_with_and_without_udp_ports() {
        let cases = [
            ("51820/udp", Some("51820/udp"), "a port"),
            ("27015%2FUDP", Some("27015/udp"), "escaped, and in capitals"),
            ("80, 443/udp;53/udp", Some("443/udp"), "the first of several"),
            ("6000-6009/udp", Some("6009/udp"), "a range"),
            ("99999/udp", Some("51820/udp"), "no port: the example"),
            ("é/udp", Some("51820/udp"), "no port, and beyond ASCII"),
            ("/udp", Some("51820/udp"), "none"),
            ("7466", None, "TCP"),
            ("7466/tcp", None, "TCP, in so many words"),
            ("udp", None, "no port"),
        ];
        for (list, expected, why) in cases {
            let advice = advice(list);
            assert_eq!(advice.is_some(), expected.is_some(), "{why}");
            let named = expected.is_none_or(|port| {
                advice.is_some_and(|advice| advice.contains(&format!("verify {port}`")))
            });
            assert!(named, "{why}");
        }
    }
}
