//! The test vectors of `docs/udp.md`, read from there.

use std::{fs, path::Path};

use port_checker_api::{Challenge, UDP_DATAGRAM_BYTES, UdpAnswer, UdpQuestion};

/// One block of the document.
struct Vector {
    token: Vec<u8>,
    challenge: Challenge,
    question: Vec<u8>,
    answer: Vec<u8>,
}

fn vectors() -> Vec<Vector> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/udp.md");
    let document = fs::read_to_string(path).expect("the document");
    let blocks = document.split("```text\n").skip(1);
    blocks.map(|rest| vector(rest.split("```").next().expect("a block"))).collect()
}

fn vector(block: &str) -> Vector {
    let block = block.replace("\n          ", "");
    let field = |name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {block}")).trim_start()
    };
    Vector {
        token: bytes(field("token")),
        challenge: field("challenge").parse().expect("a challenge"),
        question: bytes(field("question")),
        answer: bytes(field("answer")),
    }
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let pairs = hexadecimal.as_bytes().chunks(2);
    let byte =
        |pair| u8::from_str_radix(str::from_utf8(pair).expect("ASCII"), 16).expect("hexadecimal");
    pairs.map(byte).collect()
}

#[test]
fn the_vectors_of_the_document_are_what_is_sent_and_understood() {
    let vectors = vectors();
    assert!(vectors.len() >= 3, "{}", vectors.len());
    for Vector { token, challenge, question, answer } in &vectors {
        let token = token.as_slice().try_into().expect("16 bytes");
        let challenge = challenge.as_str().as_bytes();
        assert_eq!(UdpQuestion { token }.to_bytes(), question.as_slice());
        assert_eq!(UdpQuestion::parse(question), Some(UdpQuestion { token }));
        assert_eq!(UdpQuestion { token }.answered(challenge), *answer);
        assert_eq!(UdpAnswer::parse(answer), Some(UdpAnswer { token, challenge }));
    }
    let longest = vectors.iter().map(|vector| vector.answer.len()).max();
    assert_eq!(longest, Some(152), "the longest is among them");
}

/// The end of the document names them.
#[test]
fn the_datagrams_that_the_document_says_to_ignore_are_no_questions() {
    let question = vectors().swap_remove(0).question;
    assert_eq!(question.len(), UDP_DATAGRAM_BYTES);
    let (mut filled, mut other) = (question.clone(), question.clone());
    filled[159] = 1;
    other[7] = b'!';
    let longer = [&question[..], &[0]].concat();
    for datagram in [&question[..159], &longer, &filled, &other, &question[..24], &[]] {
        assert_eq!(UdpQuestion::parse(datagram), None, "{datagram:?}");
    }
}
