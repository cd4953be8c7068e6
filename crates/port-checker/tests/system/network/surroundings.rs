//! Where this machine is: behind a tunnel, beside the checker, behind two routers.

use std::time::Duration;

use port_checker_testbed::{
    long_line::Line, namespace::Namespace, process::Service, router::Miniupnpd, skip,
};

use super::internet::{
    CHECKER, Internet, Report, attach, attach_far, forward, machine, masquerading_router, serve,
};

fn verify(provider: &Namespace, arguments: &str) -> Report {
    Report::of(provider, &format!("verify {arguments} --server {CHECKER}"))
}

/// The same with the right to watch packets, and without.
pub(super) fn verify_twice(provider: &Namespace, arguments: &str) -> [Report; 2] {
    let arguments = format!("verify {arguments} --server {CHECKER}");
    [Report::of(provider, &arguments), Report::unwatched(provider, &arguments)]
}

#[test]
fn a_tunnel_is_named() {
    if !skip::is_root() {
        return;
    }
    let internet = Internet::new();
    let (exit, provider) = (masquerading_router(), machine());
    attach(&exit, &["203.0.113.8/24"], &internet.backbone, &["203.0.113.254/24"]);
    let line = Line::with_round_trip(Duration::from_millis(20), 0.0);
    let _line = attach_far(&provider, &["10.8.0.2/24"], &exit, &["10.8.0.1/24"], line);
    let _checker = internet.serve();
    for report in verify_twice(&provider, "7466") {
        let text = report.flowing();
        assert_eq!(report.status, Some(1), "{}", report.text);
        assert!(text.contains("Packets to the Internet leave through "), "{}", report.text);
        assert!(text.contains("203.0.113.8 is the address of its other end"), "{}", report.text);
        assert!(!text.contains("Let the router forward"), "{}", report.text);
    }
}

#[test]
fn a_checker_in_the_local_network_proves_the_local_network_only() {
    if !skip::is_root() {
        return;
    }
    let (router, provider) = (masquerading_router(), machine());
    attach(&provider, &["192.168.1.10/24"], &router, &["192.168.1.1/24"]);
    let mut command = router.command(
        crate::program::PORT_CHECKER,
        &["serve", "--host=192.168.1.1", "--port=9000", "--allowed-targets=192.168.1.0/24"],
    );
    let _checker = Service::start(&mut command);
    let ask = |flags: &str| {
        Report::of(&provider, &format!("verify 7466 {flags} --server http://192.168.1.1:9000"))
    };
    let unwatched = Report::unwatched(&provider, "verify 7466 --server http://192.168.1.1:9000");
    for report in [ask(""), unwatched] {
        let text = report.flowing();
        assert_eq!(report.status, Some(3), "{}", report.text);
        assert!(text.contains("This proves the local network only."), "{}", report.text);
        assert!(text.contains("IPv4: 1 of 1 port usable here."), "{}", report.text);
    }
    assert_eq!(ask("--local").status, Some(0), "that was asked for");
    assert_eq!(ask("--json").json()["outcome"], "local_only");
}

/// A checker beside this machine is asked about the router's address: the router passes its connections back in.
#[test]
fn a_checker_in_the_local_network_tells_nothing_about_an_address_of_the_internet() {
    if !skip::is_root() {
        return;
    }
    let internet = Internet::new();
    let (router, provider, neighbour) = (masquerading_router(), machine(), machine());
    attach(&router, &["203.0.113.7/24"], &internet.backbone, &["203.0.113.254/24"]);
    attach(&provider, &["192.168.1.10/24"], &router, &["192.168.1.1/24"]);
    attach(&neighbour, &["192.168.2.20/24"], &router, &["192.168.2.1/24"]);
    router.firewall(
        "table ip filter {\n chain input {\n type filter hook input priority filter\n \
         tcp dport 7466 drop\n }\n}\n",
    );
    let _checker = serve(&neighbour);
    let ask = |flags: &str| {
        let server = "--server http://192.168.2.20:9000";
        Report::of(&provider, &format!("verify 7466 --ip 203.0.113.7 {server} {flags}"))
    };
    let notice = "What it finds about 203.0.113.7 says nothing about connections from the Internet";
    let silent = ask("");
    assert_eq!(silent.status, Some(3), "{}", silent.text);
    assert!(silent.flowing().contains(notice), "{}", silent.text);
    assert!(silent.flowing().contains("7466 no verdict"), "{}", silent.text);
    assert!(!silent.text.contains("Let the router"), "nobody knows: {}", silent.text);
    let unwatched = "verify 7466 --ip 203.0.113.7 --server http://192.168.2.20:9000";
    let unwatched = Report::unwatched(&provider, unwatched);
    assert_eq!(unwatched.text, silent.text, "nothing depends on packets");

    forward(&router, "203.0.113.7", "7466", "192.168.1.10");
    let report = ask("");
    let text = report.flowing();
    assert_eq!(report.status, Some(3), "{}", report.text);
    assert!(text.contains(notice), "{}", report.text);
    assert!(text.contains("IPv4: 1 of 1 port usable here."), "{}", report.text);
    assert!(!text.contains("forwarding works"), "{}", report.text);
    assert_eq!(ask("--local").status, Some(0), "that was asked for");
    let outside = internet.serve();
    let report = verify(&provider, "7466 --ip 203.0.113.7");
    assert_eq!(report.status, Some(0), "a checker outside can tell: {}", report.text);
    router.firewall(
        "table ip outside {\n chain forward {\n type filter hook forward priority filter\n \
         ip saddr 198.51.100.0/24 tcp dport 7466 drop\n }\n}\n",
    );
    let both = "--server http://192.168.2.20:9000";
    let report = verify(&provider, &format!("7466 --ip 203.0.113.7 {both}"));
    let text = report.flowing();
    assert_eq!(report.status, Some(1), "only the one outside counts: {}", report.text);
    assert!(text.contains("http://192.168.2.20:9000 is in the local network."), "{}", report.text);
    let both = "verify 7466 --server http://192.168.2.20:9000 --server";
    let report = Report::of(&provider, &format!("{both} {CHECKER}"));
    assert_eq!(report.status, Some(1), "the Internet's view counts: {}", report.text);
    assert!(report.text.contains("IPv4 203.0.113.7"), "{}", report.text);
    drop(outside);
}

/// A router drops connections to every fourth port, as one does that admits some of them in a second.
#[test]
fn silent_ports_that_are_scattered_are_likely_victims_of_a_limit() {
    if !skip::is_root() {
        return;
    }
    let internet = Internet::new();
    let provider = internet.data_centre();
    let _checker = internet.serve();
    let every_fourth: Vec<_> = (20_003..20_040).step_by(4).map(|port| port.to_string()).collect();
    internet.backbone.firewall(&format!(
        "table inet filter {{\n chain forward {{\n type filter hook forward priority filter\n \
         tcp dport {{ {} }} drop\n }}\n}}\n",
        every_fourth.join(", ")
    ));
    let report = verify(&provider, "20000-20039 --family 4");
    let text = report.flowing();
    assert_eq!(report.status, Some(1), "{}", report.text);
    let told = "10 silent ports are scattered among 30 that answered, one in 4.";
    assert!(text.contains(told), "{}", report.text);
    assert!(text.contains("verify these alone before you change anything"), "{}", report.text);
}

/// A carrier translates beyond the home router, whose own address is no private one.
#[test]
fn a_second_translation_beyond_the_router_is_certain() {
    if !skip::is_root() {
        return;
    }
    let internet = Internet::new();
    let (carrier, router, provider) = (masquerading_router(), masquerading_router(), machine());
    attach(&carrier, &["203.0.113.7/24"], &internet.backbone, &["203.0.113.254/24"]);
    attach(&router, &["8.8.4.4/24"], &carrier, &["8.8.4.1/24"]);
    carrier.firewall(
        "table ip customers {\n chain postrouting {\n type nat hook postrouting priority srcnat\n \
         ip saddr 8.8.4.4 masquerade\n }\n}\n",
    );
    attach(&provider, &["192.168.1.10/24"], &router, &["192.168.1.1/24"]);
    let _checker = internet.serve();
    let (inside, outside) = ([192, 168, 1, 1].into(), [8, 8, 4, 4].into());
    let options = "enable_natpmp=yes\nenable_upnp=yes";
    let Some(_upnp) = Miniupnpd::start(&router, inside, outside, options) else { return };
    for report in verify_twice(&provider, "7466") {
        let text = report.flowing();
        assert_eq!(report.status, Some(1), "{}", report.text);
        let alone = "No forward in the router 192.168.1.1 can work alone";
        assert!(text.contains(alone), "{}", report.text);
        assert!(text.contains("on the Internet's side is 8.8.4.4"), "{}", report.text);
        assert!(text.contains("the address checked is 203.0.113.7"), "{}", report.text);
    }
    let report = verify(&provider, "7466 --no-router");
    assert!(!report.text.contains("8.8.4.4"), "nobody was asked: {}", report.text);
}

#[test]
fn a_temporary_address_is_named_with_the_permanent_one() {
    if !skip::is_root() {
        return;
    }
    let internet = Internet::new();
    let provider = machine();
    provider.sysctl("net.ipv6.conf.default.use_tempaddr=2");
    attach(&provider, &["203.0.113.9/24"], &internet.backbone, &["203.0.113.254/24"]);
    let (near, far) =
        (provider.interface_with("203.0.113.9"), internet.backbone.interface_with("203.0.113.254"));
    internet.backbone.ip(&["address", "add", "2001:db8:9::fe/64", "dev", &far, "nodad"]);
    let add = ["address", "add", "2001:db8:9::9/64", "dev", &near, "nodad", "mngtmpaddr"];
    provider.ip(&[&add[..], &["valid_lft", "86400", "preferred_lft", "14400"]].concat());
    provider.ip(&["-6", "route", "add", "default", "via", "2001:db8:9::fe"]);
    // The router opens the permanent address only.
    internet.backbone.firewall(
        "table ip6 filter {\n chain forward {\n type filter hook forward priority filter\n \
         ip6 daddr 2001:db8:9::/64 ip6 daddr != 2001:db8:9::9 tcp dport 7466 drop\n }\n}\n",
    );
    let _checker = serve(&internet.checker);
    for report in verify_twice(&provider, "7466 --family 6") {
        let text = report.flowing();
        assert_eq!(report.status, Some(1), "{}", report.text);
        assert!(text.contains("is a temporary address of this machine"), "{}", report.text);
        assert!(text.contains("Its permanent address is 2001:db8:9::9"), "{}", report.text);
    }
    let report = verify(&provider, "7466 --family 6 --ip 2001:db8:9::9");
    assert_eq!(report.status, Some(0), "what the advice says helps: {}", report.text);
}

/// Over IPv6 a router has nothing to forward: it admits, or it does not.
#[test]
fn a_silent_firewall_over_ipv6_is_not_told_to_forward() {
    if !skip::is_root() {
        return;
    }
    let internet = Internet::new();
    let provider = internet.data_centre();
    let _checker = internet.serve();
    internet.backbone.firewall(
        "table ip6 filter {\n chain forward {\n type filter hook forward priority filter\n \
         tcp dport 7466 drop\n }\n}\n",
    );
    let [watched, unwatched] = verify_twice(&provider, "7466 --family 6");
    assert!(watched.flowing().contains("There is no NAT over IPv6"), "{}", watched.text);
    let both = "this machine's firewall and, at home, in the router's firewall for IPv6";
    assert!(unwatched.flowing().contains(both), "{}", unwatched.text);
    for report in [watched, unwatched] {
        assert_eq!(report.status, Some(1), "{}", report.text);
        assert!(!report.flowing().contains("Let the router forward"), "{}", report.text);
    }
}

/// In most homes behind a carrier's translation the router's own address is one of 100.64.0.0/10.
#[test]
fn a_router_that_says_it_has_no_public_address_is_not_told_to_forward() {
    if !skip::is_root() {
        return;
    }
    let internet = Internet::new();
    let (carrier, router, provider) = (masquerading_router(), masquerading_router(), machine());
    attach(&carrier, &["203.0.113.7/24"], &internet.backbone, &["203.0.113.254/24"]);
    attach(&router, &["100.64.0.10/24"], &carrier, &["100.64.0.1/24"]);
    attach(&provider, &["192.168.1.10/24"], &router, &["192.168.1.1/24"]);
    carrier.firewall(
        "table ip filter {\n chain input {\n type filter hook input priority filter\n \
         tcp dport 7466 drop\n }\n}\n",
    );
    let _checker = internet.serve();
    let (inside, outside) = ([192, 168, 1, 1].into(), [100, 64, 0, 10].into());
    let options = "enable_natpmp=yes\nenable_upnp=yes";
    let Some(_upnp) = Miniupnpd::start(&router, inside, outside, options) else { return };
    for report in verify_twice(&provider, "7466") {
        let text = report.flowing();
        assert_eq!(report.status, Some(1), "{}", report.text);
        assert!(text.contains("192.168.1.1 says that it has no public address"), "{text}");
        assert!(text.contains("No forward in your router alone can change this"), "{text}");
        assert!(!text.contains("Let the router forward"), "{}", report.text);
    }
}
