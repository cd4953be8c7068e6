//! Certificates, good and bad.

use port_checker_testbed::certificates::{Authority, Identity, Validity};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};
use rustls::version::{TLS12, TLS13};
use time::OffsetDateTime;

use super::*;

const NAME: &str = "service.example";

#[tokio::test]
async fn a_certificate_is_judged_by_its_time_its_names_and_its_issuer() {
    use TlsProblem::{
        Expired, IpNotInCertificate, NameMismatch, NotYetValid, SelfSigned, UnknownIssuer,
    };
    let (trusted, other) = (Authority::new(), Authority::new());
    let prober = trusting(&[&trusted.pem]);
    let now = |names: &[&str]| trusted.issue(names, Validity::Now);
    let cases = [
        (now(&[NAME]), NAME, None, None, "good"),
        (trusted.issue(&[NAME], Validity::Past), NAME, None, Some(Expired), "of yesterday"),
        (trusted.issue(&[NAME], Validity::Future), NAME, None, Some(NotYetValid), "of tomorrow"),
        (now(&["other.example"]), NAME, None, Some(NameMismatch), "another name"),
        (now(&["127.0.0.1"]), "127.0.0.1", None, None, "for the address"),
        (now(&[NAME]), "127.0.0.1", None, Some(IpNotInCertificate), "asked for by address"),
        (now(&[NAME, "127.0.0.1"]), NAME, Some(LOOPBACK), None, "with the address"),
        (now(&[NAME]), NAME, Some(LOOPBACK), Some(IpNotInCertificate), "without it"),
        (other.issue(&[NAME], Validity::Now), NAME, None, Some(UnknownIssuer), "unknown issuer"),
        (Identity::self_signed(&[NAME]), NAME, None, Some(SelfSigned), "self-signed"),
    ];
    for (identity, name, ip, problem, why) in cases {
        let expected = TlsExpectation { ip, ..expect(name) };
        let found = finding(&prober, serve(honest(&identity)), expected).await;
        let verdict = problem.map_or(TlsVerdict::Valid, TlsVerdict::Invalid);
        let lasts = OffsetDateTime::now_utc() - found.not_after.expect("it can be read");
        assert_eq!(found.verdict, verdict, "{why}");
        assert_eq!(lasts.is_positive(), verdict == TlsVerdict::Invalid(Expired), "{why}: {lasts}");
    }
}

/// A certificate with what a test changes in it, its own or by an issuer.
fn made(
    change: impl FnOnce(&mut CertificateParams),
    issuer: Option<&Issuer<'_, KeyPair>>,
) -> (CertificateDer<'static>, KeyPair) {
    let mut params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = match issuer {
        Some(issuer) => params.signed_by(&key, issuer),
        None => params.self_signed(&key),
    };
    (certificate.unwrap().into(), key)
}

/// An authority called `authority`, with a key that no other has, and its certificate.
fn authority() -> (Issuer<'static, KeyPair>, CertificateDer<'static>) {
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().into();
    (Issuer::new(params, key), certificate)
}

fn trusting_root(root: CertificateDer<'static>) -> TlsProber {
    let mut roots = RootCertStore::empty();
    roots.add(root).unwrap();
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
    TlsProber { provider, verifier: verifier.build().unwrap() }
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_told_why() {
    let (issuer, root) = authority();
    let (of_the_same_name, _) = authority();
    let prober = trusting_root(root);
    let for_clients = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    };
    let authority = |params: &mut CertificateParams| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    };
    let cases = [
        (made(for_clients, Some(&issuer)), "it is not for servers"),
        (made(|_| {}, Some(&of_the_same_name)), "a signature in its chain is wrong"),
        (made(authority, Some(&issuer)), "it breaks a rule for certificates of servers"),
    ];
    for ((certificate, key), why) in cases {
        let server = server(vec![certificate], &key.serialize_pem(), &TLS13);
        let found = finding(&prober, serve(server), expect(NAME)).await;
        let problem = TlsProblem::BadCertificate(why);
        assert_eq!(found.verdict, TlsVerdict::Invalid(problem));
    }
    let (certificate, key) = made(authority, None);
    let server = server(vec![certificate], &key.serialize_pem(), &TLS13);
    let found = finding(&prober, serve(server), expect(NAME)).await;
    assert_eq!(found.verdict, TlsVerdict::Invalid(TlsProblem::SelfSigned), "it is an authority");
}

#[tokio::test]
async fn a_certificate_that_cannot_be_read_is_malformed() {
    let key = KeyPair::generate().unwrap().serialize_pem();
    let prober = trusting(&[&Authority::new().pem]);
    let server = serve(server(vec![vec![0x30, 0].into()], &key, &TLS13));
    let found = finding(&prober, server, expect(NAME)).await;
    let malformed = TlsProblem::BadCertificate("it is malformed");
    assert_eq!((found.verdict, found.not_after), (TlsVerdict::Invalid(malformed), None));
}

#[tokio::test]
async fn a_chain_is_verified_up_to_a_number_of_certificates() {
    let (issuer, root) = authority();
    let (_, stray) = authority();
    let prober = trusting_root(root);
    let (own, key) = made(|_| {}, Some(&issuer));
    let ways = TlsProblem::BadCertificate("there are too many ways to build its chain");
    let others = (0..8).map(|_| authority().1).collect::<Vec<_>>();
    let cases = [
        (vec![stray.clone(); 8], TlsVerdict::Valid, "as many as are verified"),
        (vec![stray; 9], TlsVerdict::Invalid(TlsProblem::TooManyCertificates), "one more"),
        (others, TlsVerdict::Invalid(ways), "they lead to one another"),
    ];
    for (further, verdict, why) in cases {
        let chain = [vec![own.clone()], further].concat();
        let server = serve(server(chain, &key.serialize_pem(), &TLS13));
        assert_eq!(finding(&prober, server, expect(NAME)).await.verdict, verdict, "{why}");
    }
}

/// Who copies a certificate does not have its key.
#[tokio::test]
async fn a_server_must_have_the_key_of_its_certificate() {
    let authority = Authority::new();
    let prober = trusting(&[&authority.pem]);
    let (own, other) =
        (authority.issue(&[NAME], Validity::Now), authority.issue(&[NAME], Validity::Now));
    for version in [&TLS12, &TLS13] {
        let chain = vec![certificate(&own.certificate)];
        let copied = serve(server(chain.clone(), &other.key, version));
        let found = finding(&prober, copied, expect(NAME)).await;
        let TlsVerdict::Invalid(problem) = found.verdict else { panic!("{version:?}: {found:?}") };
        let said = problem.to_string();
        assert!(said.contains("does not prove to have the key of its certificate"), "{said}");
        let owned = serve(server(chain, &own.key, version));
        assert_eq!(finding(&prober, owned, expect(NAME)).await.verdict, TlsVerdict::Valid);
    }
}

/// The bad certificate is what its owner must know of; that the server wants to see one too is its business.
#[tokio::test]
async fn a_bad_certificate_outweighs_a_handshake_that_the_server_refuses() {
    let authority = Authority::new();
    let prober = trusting(&[&authority.pem]);
    let refused = TlsProblem::Refused("the server refused it");
    for (validity, problem) in [(Validity::Now, refused), (Validity::Past, TlsProblem::Expired)] {
        let identity = authority.issue(&[NAME], validity);
        let mut roots = RootCertStore::empty();
        roots.add(certificate(&authority.pem)).unwrap();
        let provider = Arc::new(ring::default_provider());
        let clients =
            WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
        let server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS12])
            .unwrap()
            .with_client_cert_verifier(clients.build().unwrap())
            .with_single_cert(vec![certificate(&identity.certificate)], key)
            .unwrap();
        let found = finding(&prober, serve(server), expect(NAME)).await;
        assert_eq!(found.verdict, TlsVerdict::Invalid(problem), "{validity:?}");
    }
}
