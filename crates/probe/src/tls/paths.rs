//! The number of ways in which certificates lead to one another, which is the cost of their verification: a
//! verifier that finds no trust root tries every one of them, and reads every certificate at each step.
//!
//! A bound on their number is not enough: eight authorities of one name that fill 60 KB took 4.8 seconds.
//! 64 steps over as much take some ten milliseconds.

use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

/// How many steps a verification may take. Those of an honest server take as many as it shows
/// certificates, and some more where authorities vouch for one another.
const MAX_STEPS: usize = 64;

/// Whether trying every path from `certificate` over `intermediates` takes at most [`MAX_STEPS`].
/// Certificates that cannot be read lead nowhere.
pub(super) fn are_few(
    certificate: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
) -> bool {
    // The verifier's own reading, so that none is missed. It reads authorities like servers.
    let read = |der| EndEntityCert::try_from(der).ok();
    let Some(certificate) = read(certificate) else { return true };
    let intermediates: Vec<_> = intermediates.iter().filter_map(read).collect();
    let mut left = MAX_STEPS;
    walk(&mut vec![&certificate], &intermediates, &mut left).is_some()
}

/// Walks on from the last certificate of `path`, in every way; none when no steps are left.
fn walk<'a>(
    path: &mut Vec<&'a EndEntityCert<'a>>,
    intermediates: &'a [EndEntityCert<'a>],
    left: &mut usize,
) -> Option<()> {
    let issuer = path.last().expect("a path begins somewhere").issuer();
    for next in intermediates.iter().filter(|next| next.subject() == issuer) {
        if path.iter().any(|before| is_same_authority(before, next)) {
            continue;
        }
        *left = left.checked_sub(1)?;
        path.push(next);
        let walked = walk(path, intermediates, left);
        path.pop();
        walked?;
    }
    Some(())
}

/// To the verifier a path that comes by the same authority again is none.
fn is_same_authority(one: &EndEntityCert<'_>, other: &EndEntityCert<'_>) -> bool {
    one.subject() == other.subject()
        && one.subject_public_key_info() == other.subject_public_key_info()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, IsCa, Issuer, KeyPair};

    use super::*;

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params
    }

    /// A certificate for `subject` by an authority called `issuer`, with a key that no other has.
    fn certificate(subject: &str, issuer: &str) -> CertificateDer<'static> {
        let key = || KeyPair::generate().unwrap();
        let issuer = Issuer::new(params(issuer), key());
        params(subject).signed_by(&key(), &issuer).unwrap().into()
    }

    #[test]
    fn how_many_ways_are_too_many() {
        let leaf = certificate("leaf", "a");
        let same_named = |count| (0..count).map(|_| certificate("a", "a")).collect::<Vec<_>>();
        let line = ["ab", "bc", "cd", "de", "ef", "fg", "gh", "hi"];
        let line = line.map(|pair| certificate(&pair[..1], &pair[1..]));
        let each_twice = ["ab", "ac", "bd", "cd", "de", "df", "eg", "fg"];
        let each_twice = each_twice.map(|pair| certificate(&pair[..1], &pair[1..]));
        let cases: [(Vec<CertificateDer<'_>>, bool, &str); 8] = [
            (vec![], true, "the certificate alone"),
            (line.to_vec(), true, "a straight line"),
            (each_twice.to_vec(), true, "each authority vouched for by two"),
            (vec![certificate("a", "a"); 8], true, "one authority again and again"),
            (same_named(4), true, "4 + 12 + 24 + 24 = 64 steps"),
            (same_named(5), false, "5 + 20 + 60 + 120 + 120 = 325 steps"),
            (same_named(8), false, "as many as are accepted"),
            (
                vec![CertificateDer::from(vec![0x30, 0]); 8],
                true,
                "certificates that cannot be parsed",
            ),
        ];
        for (intermediates, few, why) in cases {
            assert_eq!(are_few(&leaf, &intermediates), few, "{why}");
        }
    }
}
