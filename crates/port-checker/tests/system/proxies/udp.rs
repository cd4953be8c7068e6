//! Over UDP the caller is the one whom the proxy speaks for, and nobody else's address is checked, whatever the
//! settings.

use super::*;

const APPENDS: &str = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;";
const FORWARDED: &str = "proxy_set_header Forwarded \"for=$remote_addr\";";

/// What could admit other addresses. Over TCP it does.
const CONFIGURATIONS: [&[(&str, &str)]; 4] = [
    &[("PORT_CHECKER_ALLOW_LOCAL_IPS", "true")],
    &[("PORT_CHECKER_TARGETS", "any")],
    &[("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"), ("PORT_CHECKER_TARGETS", "caller")],
    &[("PORT_CHECKER_ALLOWED_TARGETS", "127.0.0.0/8,::1/128")],
];

fn configured(trusted: &str, configuration: &[(&str, &str)]) -> Service {
    let mut command = port_checker(&["serve"], configuration);
    command.env("PORT_CHECKER_TRUSTED_PROXIES", trusted).env("PORT_CHECK_RETRIES", "1");
    Service::start(&mut command)
}

/// Each kind of proxy in front of `upstream`, with the name of the kind.
fn all_proxies(
    directory: &Path,
    upstream: SocketAddr,
) -> Option<[(Running, SocketAddr, &'static str); 5]> {
    let folder = |name: &str| {
        let folder = directory.join(name);
        fs::create_dir(&folder).expect("a writable directory");
        folder
    };
    let proxy = |name, (running, address)| (running, address, name);
    let in_http = "http\noption forwardfor";
    Some([
        proxy("X-Forwarded-For of nginx", nginx(&folder("appends"), upstream, APPENDS)?),
        proxy("Forwarded of nginx", nginx(&folder("forwarded"), upstream, FORWARDED)?),
        proxy("X-Forwarded-For of HAProxy", haproxy_in(&folder("http"), in_http, upstream, "")?),
        proxy("PROXY of HAProxy", haproxy(&folder("v1"), upstream, "send-proxy")?),
        proxy("PROXY 2 of HAProxy", haproxy(&folder("v2"), upstream, "send-proxy-v2")?),
    ])
}

/// The status and code of the answer to `client` about a UDP port of `target`.
fn asked(client: &str, proxy: SocketAddr, target: &str, headers: &str) -> (u16, Option<String>) {
    let body = format!(
        r#"{{"provider_ip":"{target}","ports":[1],"transport":"udp","challenge":"0123456789abcdef"}}"#
    );
    let mut stream = connect_from(client, proxy).expect("the proxy listens");
    let answer = exchange(&mut stream, headers, &body).expect("an answer");
    (answer.status, (answer.status != 200).then(|| answer.code()))
}

const REFUSED: &str = "TARGET_NOT_ALLOWED";

#[test]
fn over_udp_nobody_behind_a_proxy_asks_about_another_address() {
    let forged = "X-Forwarded-For: 127.0.0.1\r\n";
    let cases = [
        (CLIENT, "", true, "its own"),
        ("127.0.0.1", "", false, "the proxy's"),
        ("127.0.0.3", "", false, "somebody else's"),
        ("::1", "", false, "of the other family"),
        ("127.0.0.1", forged, false, "the proxy's, with a forged header"),
    ];
    for configuration in CONFIGURATIONS {
        let directory = tempfile::tempdir().unwrap();
        let service = configured(TRUSTED, configuration);
        let Some(proxies) = all_proxies(directory.path(), service.address) else { return };
        for (_running, proxy, kind) in &proxies {
            for (target, headers, is_own, why) in cases {
                if kind.starts_with("Forwarded") && !headers.is_empty() {
                    // Of two headers that contradict each other the service takes neither.
                    continue;
                }
                let expected = if is_own { (200, None) } else { (403, Some(REFUSED.to_owned())) };
                let answer = asked(CLIENT, *proxy, target, headers);
                assert_eq!(answer, expected, "{kind}, {why}, {configuration:?}");
            }
        }
    }
}

/// Nobody is trusted to speak for others: the caller is the proxy, and its client can have nothing else checked.
#[test]
fn over_udp_the_caller_behind_a_proxy_that_nobody_trusts_is_the_proxy() {
    for configuration in CONFIGURATIONS {
        let directory = tempfile::tempdir().unwrap();
        let service = configured("", configuration);
        let Some((_nginx, proxy)) = nginx(directory.path(), service.address, APPENDS) else {
            return;
        };
        for target in [CLIENT, "127.0.0.3", "::1"] {
            let answer = asked(CLIENT, proxy, target, &format!("X-Forwarded-For: {target}\r\n"));
            assert_eq!(answer, (403, Some(REFUSED.to_owned())), "{target}, {configuration:?}");
        }
        assert_eq!(asked(CLIENT, proxy, "127.0.0.1", ""), (200, None), "{configuration:?}");
    }
}
