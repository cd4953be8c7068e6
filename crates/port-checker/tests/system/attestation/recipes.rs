//! The programs of the book for requestors and providers, run from its text.

use port_checker_attestation::Claims;
use port_checker_testbed::{namespace::Namespace, process::Service, skip};

use super::{
    desk::{DOCUMENT, Desk, sign},
    forged,
    tokens::{ISSUER, Key, claims},
};
use crate::{
    program::{PORT_CHECKER, configure},
    recipes::block,
};

/// The address and the nonce of the book.
const ADDRESS: &str = "203.0.113.7";
const NONCE: &str = "4f1c22d0";

/// Keys of Ethereum, which own nothing, and their addresses.
pub(crate) const PROVIDER: (&str, &str) = (
    "0x4646464646464646464646464646464646464646464646464646464646464646",
    "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F",
);
const STRANGER: &str = "0x0000000000000000000000000000000000000001";

/// What the requestor of the table below expects.
const EXPECTED: [&str; 6] = ["--ip", "192.0.2.7", "--audience", "market", "--nonce", "n-1"];

#[test]
fn the_requestor_believes_what_is_right_and_nothing_else() {
    let Some(desk) = Desk::with_programs() else { return };
    let key = Key::new();
    desk.write("one.json", &key.set().to_json());
    let one = format!("{ISSUER}=one.json");
    let good = sign(&key, &Claims { open: "7466,50800-50801".parse().unwrap(), ..claims() });
    let ended = desk.request(&[&EXPECTED[..], &[&one]].concat(), std::slice::from_ref(&good));
    assert_eq!(ended.printed, "7466/tcp\n50800/tcp\n50801/tcp\n", "{}", ended.complaints);
    assert_eq!(ended.status, Some(0));

    let mut wrong: Vec<_> = forged(&key).into_iter().collect();
    let (signed, signature) = good.rsplit_once('.').expect("three parts");
    wrong.push(("padding", format!("{good}==")));
    wrong.push(("white space before it", format!(" {good}")));
    wrong.push(("white space after it", format!("{good} ")));
    wrong.push(("a carriage return", format!("{good}\r")));
    wrong.push(("a vertical tab", format!("{good}\u{b}")));
    wrong.push(("the other alphabet", good.replace('_', "/").replace('-', "+") + "+"));
    wrong.push(("an empty signature", format!("{signed}.")));
    wrong.push(("a signature twice", format!("{good}.{signature}")));
    // A line has one statement, and an empty one has none.
    wrong.retain(|(_, token)| !token.contains('\n') && !token.is_empty());
    let tokens: Vec<_> = wrong.iter().map(|(_, token)| token.clone()).collect();
    let ended = desk.request(&[&EXPECTED[..], &[&one]].concat(), &tokens);
    assert_eq!((ended.status, &*ended.printed), (Some(1), ""), "{}", ended.complaints);
    let reasons: Vec<_> = ended.complaints.lines().collect();
    for (index, (why, _)) in wrong.iter().enumerate() {
        let beginning = format!("{}: not believed: ", index + 1);
        assert!(reasons.iter().any(|reason| reason.starts_with(&beginning)), "{why}: {reasons:?}");
    }
    assert_eq!(reasons.len(), wrong.len());
}

#[test]
fn the_requestor_counts_each_checker_once_and_wants_two_registries() {
    let Some(desk) = Desk::with_programs() else { return };
    let keys = [Key::new(), Key::new(), Key::new()];
    let names = ["https://a.example", "https://b.example", "https://c.example"];
    let files = ["a.json", "b.json", "c.json"];
    let mut args = EXPECTED.map(str::to_owned).to_vec();
    for ((key, name), file) in keys.iter().zip(names).zip(files) {
        desk.write(file, &key.set().to_json());
        args.push(format!("{name}={file}"));
    }
    let say = |who: usize, open: &str, vantage: &str| {
        let issuer = names[who].parse().expect("an issuer");
        let open = open.parse().expect("ports");
        sign(&keys[who], &Claims { issuer, open, vantage: vantage.parse().ok(), ..claims() })
    };
    let cases = [
        (2, vec![say(0, "7466", ""), say(1, "80,7466", "")], "7466/tcp\n", "two of two"),
        (2, vec![say(0, "7466", ""), say(0, "7466", "")], "", "one, twice"),
        (
            2,
            vec![say(0, "7466", "a:RIPE"), say(1, "7466", "b:RIPE")],
            "7466/tcp\n",
            "two of one registry",
        ),
        (3, (0..3).map(|who| say(who, "80", "a:RIPE")).collect(), "", "three of one registry"),
        (
            3,
            vec![say(0, "80", "a:RIPE"), say(1, "80", ""), say(2, "80", "c:ARIN")],
            "80/tcp\n",
            "of two",
        ),
        (
            3,
            (0..3).map(|who| say(who, "80", "")).collect(),
            "80/tcp\n",
            "none says where it stands",
        ),
    ];
    for (quorum, statements, expected, why) in cases {
        let quorum = format!("--quorum={quorum}");
        let args: Vec<_> = args.iter().map(|arg| &**arg).chain([&*quorum]).collect();
        let ended = desk.request(&args, &statements);
        assert_eq!(ended.printed, expected, "{why}: {}", ended.complaints);
    }
    let swapped = Claims { issuer: names[1].parse().unwrap(), ..claims() };
    let args: Vec<_> = args.iter().map(|arg| &**arg).collect();
    let ended = desk.request(&args, &[sign(&keys[0], &swapped)]);
    assert_eq!((ended.status, &*ended.printed), (Some(1), ""), "a name of another");
}

#[test]
fn a_statement_is_bound_to_the_key_of_the_provider() {
    let Some(desk) = Desk::with_programs() else { return };
    let key = Key::new();
    desk.write("one.json", &key.set().to_json());
    let signed = |issuer: &str, ip: &str, nonce: &str| {
        let ended = desk.python(&["provider_key.py", issuer, ip, nonce], PROVIDER.0);
        assert_eq!(ended.printed.trim_end().len(), 87, "{}", ended.complaints);
        ended.printed.trim_end().to_owned()
    };
    let one = format!("{ISSUER}=one.json");
    let believed = |challenge: &str, provider: &str| {
        let claims = Claims { challenge: challenge.parse().expect("a challenge"), ..claims() };
        let args = [&EXPECTED[..], &[&one, "--provider", provider]].concat();
        desk.request(&args, &[sign(&key, &claims)]).status == Some(0)
    };
    let right = signed(ISSUER, "192.0.2.7", "n-1");
    assert!(believed(&right, PROVIDER.1));
    assert!(believed(&right, &PROVIDER.1.to_lowercase()));
    let cases = [
        (right.clone(), STRANGER, "another provider"),
        (signed("https://other.example", "192.0.2.7", "n-1"), PROVIDER.1, "for another checker"),
        (signed(ISSUER, "192.0.2.8", "n-1"), PROVIDER.1, "of another address"),
        (signed(ISSUER, "192.0.2.7", "n-2"), PROVIDER.1, "for another nonce"),
        ("0123456789abcdef".to_owned(), PROVIDER.1, "a challenge that is no signature"),
        ("A".repeat(87), PROVIDER.1, "zeros"),
        (format!("{right}="), PROVIDER.1, "another spelling"),
    ];
    for (challenge, provider, why) in cases {
        assert!(!believed(&challenge, provider), "{why}");
    }
}

/// A machine whose address is that of the book, with two checkers that sign.
#[test]
fn a_provider_proves_its_port_to_two_checkers_and_a_requestor_believes_it() {
    if !skip::is_root() {
        return;
    }
    let Some(desk) = Desk::with_programs() else { return };
    let network = Namespace::new();
    network.ip(&["address", "add", ADDRESS, "dev", "lo"]);
    // The port of the book is not given to connections.
    network.sysctl("net.ipv4.ip_local_port_range=40000 50000");
    let checkers = ["one", "two"].map(|name| checker(&network, &desk, name));
    desk.write("key", PROVIDER.0);
    desk.write("id", PROVIDER.1);
    let script = checkers.iter().fold(block(DOCUMENT, "ask-each"), |script, checker| {
        script.replace(&format!("https://{}.example", checker.name), &checker.url)
    });
    let shell = |script: &str| desk.shell(&network, script);
    let ended = shell(&script);
    assert!(ended.printed.ends_with("\n7466/tcp\n"), "{} {}", ended.printed, ended.complaints);
    assert_eq!(ended.status, Some(0), "{}", ended.complaints);
    let kept =
        ended.printed.matches("1 signed statement of 1 of 1 checker, kept in proofs-").count();
    assert_eq!(kept, 2, "{}", ended.printed);

    let issuers = checkers.each_ref().map(|it| format!("--issuer {}={}.json", it.url, it.name));
    let verify = format!(
        "cat proofs-* | port-checker attestation verify - {} --quorum 2 --ip {ADDRESS} --nonce {NONCE}",
        issuers.join(" ")
    );
    let ended = shell(&verify);
    assert!(
        ended.printed.ends_with("proven by at least 2 issuers: 7466\nHolds\n"),
        "{}",
        ended.printed
    );
    let ended = shell(&verify.replace(ADDRESS, "203.0.113.8"));
    assert_eq!(ended.status, Some(1), "another machine: {}", ended.printed);

    // Another machine that took over the address has another key.
    desk.write("key", &format!("0x{}", "47".repeat(32)));
    let ended = shell(&script);
    assert_eq!(ended.status, Some(1), "{}", ended.printed);
    let refused = "its challenge is not a signature of the provider";
    assert_eq!(ended.complaints.matches(refused).count(), 2, "{}", ended.complaints);
}

/// A checker that signs.
struct Signer {
    name: &'static str,
    url: String,
    _service: Service,
}

/// Starts one, and writes the keys that it publishes.
fn checker(network: &Namespace, desk: &Desk, name: &'static str) -> Signer {
    let pem = desk.write_keys(name);
    // The issuer has the port in its name, in a network that nobody else uses.
    let port = if name == "one" { "9001" } else { "9002" };
    let url = format!("http://{ADDRESS}:{port}");
    let settings = [
        ("PORT_CHECKER_HOST", "0.0.0.0"),
        ("PORT_CHECKER_PORT", port),
        ("PORT_CHECKER_ALLOWED_TARGETS", ADDRESS),
        ("PORT_CHECKER_ISSUER", &url),
        ("PORT_CHECKER_SIGNING_KEY", &pem),
        ("PORT_CHECKER_CLOCK_CHECK", "false"),
    ];
    let mut serve = network.command(PORT_CHECKER, &["serve"]);
    configure(&mut serve, &settings);
    let service = Service::start(&mut serve);
    Signer { name, url, _service: service }
}
