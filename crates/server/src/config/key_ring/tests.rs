use port_checker_testbed::certificates::signing_key;
use proptest::prelude::*;

use super::*;

const LIFETIME: Duration = Duration::from_secs(1_800);

fn keys(count: usize) -> Vec<Arc<DatedKey>> {
    let key = || SigningKey::from_pem(signing_key().as_bytes()).expect("a key");
    (0..count).map(|_| Arc::new(DatedKey { key: key(), modified: None })).collect()
}

fn files(signing: &Arc<DatedKey>, next: Option<&Arc<DatedKey>>) -> FileKeys {
    FileKeys { signing: Arc::clone(signing), next: next.map(Arc::clone) }
}

/// Shows the keys by their numbers.
fn numbers(set: &KeySet, keys: &[Arc<DatedKey>]) -> Vec<usize> {
    (0..keys.len()).filter(|&index| set.get(keys[index].id()).is_some()).collect()
}

#[test]
fn a_key_that_was_published_signs_at_once_and_another_after_a_while() {
    let keys = keys(3);
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let mut ring = KeyRing::new(files(&keys[0], Some(&keys[1])), LIFETIME, start);
    assert_eq!(ring.signing(start).id(), keys[0].id(), "the first key has to");
    assert_eq!(numbers(&ring.published(start), &keys), [0, 1]);
    ring.replace(files(&keys[1], Some(&keys[2])), at(400));
    assert_eq!(ring.signing(at(400)).id(), keys[1].id(), "it was published before");
    assert_eq!(numbers(&ring.published(at(400)), &keys), [0, 1, 2]);
    ring.replace(files(&keys[2], None), at(500));
    assert_eq!(ring.signing(at(759)).id(), keys[1].id(), "the third is too new");
    assert_eq!(ring.signing(at(760)).id(), keys[2].id());
    assert_eq!(numbers(&ring.published(at(2_259)), &keys), [0, 1, 2]);
    assert_eq!(numbers(&ring.published(at(2_260)), &keys), [1, 2], "all has expired");
    assert_eq!(numbers(&ring.published(at(4_000)), &keys), [2]);
}

#[test]
fn a_key_that_is_taken_back_does_not_sign() {
    let keys = keys(2);
    let start = Instant::now();
    let mut ring = KeyRing::new(files(&keys[0], None), LIFETIME, start);
    ring.replace(files(&keys[1], None), start);
    ring.replace(files(&keys[0], None), start);
    let later = start + KEY_LEAD_TIME;
    assert_eq!(ring.signing(later).id(), keys[0].id());
    assert_eq!(numbers(&ring.published(later), &keys), [0]);
}

/// What happens, some seconds after the last thing.
#[derive(Debug, Clone)]
enum Step {
    Replace { signing: usize, next: Option<usize> },
    Sign,
    Publish,
}

fn step() -> impl Strategy<Value = (u64, Step)> {
    let replace = (0..4_usize, proptest::option::of(0..4_usize))
        .prop_map(|(signing, next)| Step::Replace { signing, next });
    let step = prop_oneof![2 => replace, 3 => Just(Step::Sign), 3 => Just(Step::Publish)];
    (prop_oneof![Just(0), 1..20_u64, 200..700_u64], step)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// A copy of at most five minutes verifies each statement from when it is made until it expires.
    #[test]
    fn no_copy_lacks_the_key_of_a_statement(steps in proptest::collection::vec(step(), 1..60)) {
        let keys = keys(4);
        let mut now = Instant::now();
        let begin = now;
        let mut ring = KeyRing::new(files(&keys[0], None), LIFETIME, now);
        let (mut copies, mut signed) = (vec![(now, ring.published(now))], Vec::new());
        for (seconds, step) in steps {
            now += Duration::from_secs(seconds);
            match step {
                Step::Replace { signing, next } => {
                    ring.replace(files(&keys[signing], next.map(|next| &keys[next])), now);
                }
                Step::Sign => signed.push((now, ring.signing(now).id())),
                Step::Publish => copies.push((now, ring.published(now))),
            }
        }
        for (made, key) in signed {
            for (taken, copy) in &copies {
                let in_time = *taken + MAX_KEY_SET_AGE >= made && *taken < made + LIFETIME;
                prop_assert!(
                    !in_time || copy.get(key).is_some(),
                    "signed after {:?}, copied after {:?}", made - begin, *taken - begin
                );
            }
        }
    }
}
