//! Certificates that are not trusted, and those that are.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use port_checker_client::Roots;
use port_checker_testbed::certificates::{Authority, Identity, Validity, write};

use super::row;

/// A running `openssl s_server`; it is killed when dropped.
struct TlsServer {
    child: Child,
    port: u16,
}

impl TlsServer {
    fn start((certificate, key): &(PathBuf, PathBuf), arguments: &[&str]) -> Self {
        let mut command = Command::new("openssl");
        command.args(["s_server", "-www", "-accept", "127.0.0.1:0", "-cert"]).arg(certificate);
        command.arg("-key").arg(key).args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("openssl is installed");
        let output = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let mut lines = output.lines().map_while(Result::ok);
        let line = lines.find(|line| line.starts_with("ACCEPT ")).expect("it listens");
        let port = line.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        // Whatever it prints must not fill the pipe.
        thread::spawn(move || lines.for_each(drop));
        Self { child, port }
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A certificate as the manuals make it, for this subject and with these further arguments.
fn by_openssl(directory: &Path, name: &str, arguments: &[&str]) -> (PathBuf, PathBuf) {
    let file = |end: &str| directory.join(format!("{name}.{end}"));
    let (certificate, key) = (file("crt"), file("key"));
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]);
    command.arg("-out").arg(&certificate).arg("-keyout").arg(&key).args(arguments);
    assert!(command.stderr(Stdio::null()).status().expect("openssl is installed").success());
    (certificate, key)
}

/// What a person is told after the handshake has succeeded: the server is no checker.
const TRUSTED: &str = "gave an answer that cannot be understood: it is a web page";

const EXPIRED: &str = "its certificate has expired, or this machine's clock is wrong";
const SELF_SIGNED: &str =
    "its certificate is self-signed: give that very certificate with --ca-file";

/// A server's files, its further arguments, what is trusted, what a person is told, and why.
type Row<'a> = (&'a (PathBuf, PathBuf), &'a [&'a str], Option<&'a str>, &'a str, &'a str);

async fn walk(rows: &[Row<'_>]) {
    for &(files, arguments, roots, expected, why) in rows {
        let server = TlsServer::start(files, arguments);
        let url = format!("https://localhost:{}", server.port);
        if expected == TRUSTED {
            let rest =
                ": is this the address of a port checker, and is no portal or proxy in between?";
            row(&url, roots, &format!("{{url}} {TRUSTED}{rest}"), why).await;
        } else {
            row(&url, roots, &format!("cannot talk to {{url}}: {expected}"), why).await;
        }
    }
}

#[tokio::test]
async fn certificates_of_an_authority() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = directory.path();
    let authority = Authority::new();
    let issue =
        |name: &str, validity, file: &str| authority.issue(&[name], validity).write(at, file);
    let own = Some(authority.pem.as_str());
    let good = issue("localhost", Validity::Now, "good");
    let past = issue("localhost", Validity::Past, "past");
    let future = issue("localhost", Validity::Future, "future");
    let other = issue("other.example", Validity::Now, "other");
    let chain = write(at, "chain.pem", &authority.pem.repeat(9));
    let chain = ["-cert_chain", chain.to_str().expect("a path in UTF-8")];
    let ciphers = ["-tls1_2", "-cipher", "AES256-SHA256"];
    let not_yet = "its certificate is not yet valid, or this machine's clock is wrong";
    let unknown = "its certificate is of an authority that is not trusted here, or it does not send the \
                   certificates between: give the authority's with --ca-file";
    let no_handshake = "it refuses the TLS handshake: it and this program have no version (1.2 or 1.3) \
                        or cipher in common, or it asks for a certificate of ours";
    let too_many = "it sends more certificates than are looked at";
    walk(&[
        (&good, &[], own, TRUSTED, "good"),
        (&past, &[], own, EXPIRED, "expired"),
        (&future, &[], own, not_yet, "from tomorrow on"),
        (&other, &[], own, "its certificate is not for 'localhost'", "another name"),
        (&good, &[], None, unknown, "a private authority"),
        (&good, &chain, own, too_many, "nine certificates between"),
        (&good, &ciphers, own, no_handshake, "no cipher in common"),
    ])
    .await;
}

#[tokio::test]
async fn certificates_that_nobody_vouches_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = directory.path();
    let authority = Authority::new();
    let past = authority.issue(&["localhost"], Validity::Past).write(at, "past");
    let self_signed = Identity::self_signed(&["localhost"]).write(at, "self");
    let openssl = by_openssl(at, "openssl", &["-addext", "subjectAltName=DNS:localhost"]);
    let other = by_openssl(at, "other", &["-addext", "subjectAltName=DNS:other.example"]);
    let no_names = by_openssl(at, "no-names", &[]);
    let pem = |files: &(PathBuf, PathBuf)| fs::read_to_string(&files.0).expect("it was written");
    let [past_pem, self_pem, openssl_pem, other_pem, no_names_pem] =
        [&past, &self_signed, &openssl, &other, &no_names].map(pem);
    let unnamed = "its certificate has no subjectAltName, the only names that count: make one with \
                   openssl req -x509 -addext subjectAltName=DNS:localhost, or IP: for an address";
    walk(&[
        (&self_signed, &[], None, SELF_SIGNED, "no authority"),
        (&openssl, &[], None, SELF_SIGNED, "by openssl"),
        (&no_names, &[], None, SELF_SIGNED, "by openssl, without names"),
        (&openssl, &[], Some(&authority.pem), SELF_SIGNED, "another authority is given"),
        (&openssl, &[], Some(&other_pem), SELF_SIGNED, "another one of the same name is given"),
        (&openssl, &[], Some(&openssl_pem), TRUSTED, "the very certificate is given"),
        (&self_signed, &[], Some(&self_pem), TRUSTED, "the same, which is no authority"),
        (&past, &[], Some(&past_pem), EXPIRED, "given, but expired"),
        (
            &other,
            &[],
            Some(&other_pem),
            "its certificate is not for 'localhost'",
            "given, but for another name",
        ),
        (&no_names, &[], Some(&no_names_pem), unnamed, "given, but with a common name only"),
    ])
    .await;
}

#[test]
fn no_certificates_to_trust() {
    let damaged = Authority::new().pem.replacen("MII", "M*I", 1);
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let rows = [
        ("", "there is no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----"),
        (
            &damaged,
            "a certificate in PEM is damaged: copy it whole, from its BEGIN line to its END line",
        ),
        (no_certificate, "certificate 1 cannot be read: it is no X.509 certificate"),
    ];
    for (pem, expected) in rows {
        assert_eq!(Roots::from_pem(pem.as_bytes()).expect_err(expected).to_string(), expected);
    }
}
