//! Messages whose sender may not have seen the datagram that they are about.

use std::net::SocketAddr;

use port_checker_api::UdpQuestion;
use port_checker_testbed::injector::Injector;

use super::*;

const PORT: u16 = 7466;

const TIME_OUT: Duration = Duration::from_secs(1);

/// The message comes after this.
const SOON: Duration = Duration::from_millis(20);

/// The local port of the one UDP socket that is bound to `ip` in this thread's namespace.
fn local_port(ip: IpAddr) -> Option<u16> {
    let table = if ip.is_ipv4() { "udp" } else { "udp6" };
    let table = std::fs::read_to_string(format!("/proc/thread-self/net/{table}")).expect("a table");
    let local = table.lines().nth(1)?.split_whitespace().nth(1)?;
    u16::from_str_radix(local.split_once(':')?.1, 16).ok()
}

/// The finding about a silent port when such a message comes in meanwhile, and how many were ignored.
fn judged(
    machine: &Namespace,
    injector: &Injector,
    quoted: &[u8],
    ip: [IpAddr; 3],
) -> (Finding, u64) {
    let [own, router, target] = ip;
    let settings = ProbeSettings { timeout: TIME_OUT, ..settings(1) };
    let prober = Prober::new(settings, Budget::new(1));
    let judged = async {
        let target = any_target(target, PORT);
        let address = SocketAddr::new(target.address(), PORT);
        let mut check = check(&prober, target);
        assert!(tokio::time::timeout(SOON, check.next()).await.is_err(), "it is silent");
        let local = SocketAddr::new(own, local_port(own).expect("a socket"));
        injector.unreachable_port(router, local, address, quoted);
        check.next().await.expect("one port").expect("a verdict")
    };
    let finding = machine.within(|| runtime().block_on(judged));
    (finding, prober.ignored_datagrams().unmatched())
}

/// Who guesses the local port can send one, and so could turn an open port into a refused one.
#[test]
fn a_message_needs_the_token_or_waits_for_the_time_out() {
    if !skip::is_root() {
        return;
    }
    let machine = Namespace::new();
    let injector = Injector::into(&machine, &["192.0.2.1/24", "2001:db8::1/64"]);
    let guess = UdpQuestion { token: [0; 16] }.to_bytes();
    let cases: [(&[u8], Verdict, u64, &str); 4] = [
        (&[], REFUSED, 0, "the UDP header alone, as RFC 792 demands"),
        (&guess[..23], REFUSED, 0, "no whole token"),
        (&guess, SILENT, 1, "another token"),
        (&[b'x'; 160], SILENT, 1, "no question"),
    ];
    for ips in
        [["192.0.2.1", "192.0.2.254", "192.0.2.7"], ["2001:db8::1", "2001:db8::fe", "2001:db8::7"]]
    {
        let ips = ips.map(|ip| ip.parse::<IpAddr>().expect("an address"));
        for (quoted, verdict, unmatched, why) in cases {
            let (found, ignored) = judged(&machine, &injector, quoted, ips);
            assert_eq!((found.verdict, ignored), (verdict, unmatched), "{}: {why}", ips[0]);
            let until_the_message = SOON / 2..TIME_OUT;
            let in_time = until_the_message.contains(&found.elapsed);
            assert_eq!(in_time, verdict == REFUSED, "{why}: {:?}", found.elapsed);
            let from = found.icmp.map(|icmp| icmp.from);
            assert_eq!(from, (verdict == REFUSED).then_some(ips[1]), "{why}");
        }
    }
}

/// A fault would leave the whole request without an answer.
#[test]
fn a_forged_message_of_this_machines_own_is_no_fault() {
    if !skip::is_root() {
        return;
    }
    let machine = Namespace::new();
    let injector = Injector::into(&machine, &["2001:db8::1/64"]);
    // Over IPv4 the kernel drops packets that come in from its own address.
    let ips = ["2001:db8::1", "2001:db8::1", "2001:db8::7"];
    let ips = ips.map(|ip| ip.parse::<IpAddr>().expect("an address"));
    let (found, ignored) = judged(&machine, &injector, &[], ips);
    assert_eq!((found.verdict, ignored), (SILENT, 1));
}
