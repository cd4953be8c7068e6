//! Lines through which packets leave that are no network: tunnels, PPP, modems; and the bridge of a container.

use port_checker_api::Reason;

use super::{
    whereabouts::{
        INSIDE, OUTSIDE, advice, closed, family, ip, kinds, of, open, port, sights, silent,
    },
    *,
};
use crate::{
    facts::Watch,
    host::{PointToPoint, PointToPointKind},
};

const FORWARD: &str = "Let the router forward";

pub(super) fn line(interface: &str, kind: PointToPointKind) -> PointToPoint {
    PointToPoint { interface: interface.to_owned(), kind }
}

#[test]
fn a_line_is_called_no_more_than_it_is_known_to_be() {
    use PointToPointKind::{Modem, Ppp, Tunnel};
    let cases: [(_, _, &str, &[&str], &[&str]); 3] = [
        ("tun0", Tunnel, "tunnel", &["leave through tun0, a tunnel such as a VPN"], &[]),
        (
            "ppp0",
            Ppp,
            "point_to_point",
            &[
                "leave through ppp0, a PPP line",
                "If that is your Internet provider",
                "If it is a VPN (PPTP, L2TP)",
            ],
            &["a tunnel such as"],
        ),
        (
            "wwan0",
            Modem,
            "point_to_point",
            &["leave through wwan0, a mobile modem", "likely for many customers"],
            &["VPN", "a tunnel such as"],
        ),
    ];
    for (interface, kind, position, contained, absent) in cases {
        for reason in [Reason::TimedOut, Reason::Refused] {
            let mut facts = family(OUTSIDE, vec![port(7466, Local::Bound, closed(reason))]);
            facts.host.as_mut().unwrap().point_to_point = Some(line(interface, kind));
            let diagnosis = of(facts);
            assert_eq!(kinds(&diagnosis), [position], "{interface}");
            let notice = diagnosis.families[0].notices[0].to_string();
            assert!(contained.iter().all(|text| notice.contains(text)), "{notice}");
            assert!(!absent.iter().any(|text| notice.contains(text)), "{notice}");
            assert!(advice(&diagnosis).contains("see above for what to do instead"));
            assert!(!advice(&diagnosis).contains(FORWARD), "{}", advice(&diagnosis));
        }
    }
}

/// The address of the line itself is checked: nobody translates.
#[test]
fn a_line_whose_address_is_seen_outside_is_no_cause() {
    let mut facts = silent();
    let host = facts.host.as_mut().unwrap();
    host.point_to_point = Some(line("ppp0", PointToPointKind::Ppp));
    host.addresses = vec![ip(OUTSIDE)];
    assert!(kinds(&of(facts)).is_empty());
}

#[test]
fn a_container_is_likely_and_its_host_publishes_ports() {
    let contained = |answer, sights| {
        let mut facts = family(OUTSIDE, vec![port(7466, Local::Bound, answer)]);
        facts.host.as_mut().unwrap().bridged_container = true;
        facts.ports[0].sights = sights;
        facts.watch = Watch::Yes { lost: 0 };
        facts
    };
    let nothing_came = || sights(false, false, None);
    for answer in [closed(Reason::TimedOut), closed(Reason::Refused)] {
        let diagnosis = of(contained(answer, nothing_came()));
        assert_eq!(kinds(&diagnosis), ["container"]);
        let notice = diagnosis.families[0].notices[0].to_string();
        assert!(notice.contains("This is likely a container") && notice.contains(INSIDE));
        assert!(notice.contains("-p of docker run"), "{notice}");
        assert!(advice(&diagnosis).starts_with("Likely the host of this container"));
        assert!(!advice(&diagnosis).contains(FORWARD), "{}", advice(&diagnosis));
    }
    let works = of(contained(open(), None));
    assert_eq!(kinds(&works), ["behind_nat"], "it is published");
    let blocked = of(contained(closed(Reason::TimedOut), sights(true, false, None)));
    assert!(advice(&blocked).contains("a firewall on this machine stops them"));
    let mut direct = contained(closed(Reason::TimedOut), nothing_came());
    direct.host.as_mut().unwrap().addresses = vec![ip(OUTSIDE)];
    assert!(kinds(&of(direct)).is_empty(), "the network of its host");
}
