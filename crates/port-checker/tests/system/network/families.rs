//! Checkers that can be asked over one address family only.

use port_checker_testbed::skip;

use super::internet::{Internet, Report, attach, machine};

const HOSTS: &str = "
127.0.0.1 localhost
198.51.100.1 only4.example
";

#[test]
fn a_checker_that_has_an_address_of_one_family() {
    if !skip::is_root() {
        return;
    }
    let internet = Internet::new();
    let provider = machine();
    provider.etc_file("hosts", HOSTS);
    attach(
        &provider,
        &["203.0.113.9/24", "2001:db8:9::9/64"],
        &internet.backbone,
        &["203.0.113.254/24", "2001:db8:9::fe/64"],
    );
    let _checker = internet.serve();
    let verify = |arguments: &str| Report::of(&provider, &format!("verify 7466 {arguments}"));
    let by_name = verify("--server only4.example:9000");
    assert_eq!(by_name.status, Some(0), "{}", by_name.text);
    let said = "http://only4.example:9000: the name 'only4.example' has no IPv6 address";
    assert!(by_name.flowing().contains(said), "{}", by_name.text);
    for (server, family, other) in
        [("198.51.100.1:9000", "IPv4", "IPv6"), ("[2001:db8:a::1]:9000", "IPv6", "IPv4")]
    {
        let by_address = verify(&format!("--server {server}"));
        assert_eq!(by_address.status, Some(0), "{}", by_address.text);
        assert!(by_address.text.starts_with(family), "{}", by_address.text);
        assert!(!by_address.text.contains(other), "{server}: {}", by_address.text);
        let insisting = verify(&format!("--server {server} --family both"));
        assert_eq!(insisting.status, Some(3), "{}", insisting.text);
        let said = format!("is an {family} address, and sees this machine's {family} address only");
        assert!(insisting.flowing().contains(&said), "{}", insisting.text);
    }
}
