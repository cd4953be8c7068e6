//! An attack, the attackers, and the results.

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, TcpStream},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use port_checker_testbed::http::Answer;

use super::lab;

/// How soon an attack notices that the time is over.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// One of the attacks: rounds, made again and again until the time is over.
pub(crate) struct Attack {
    /// The kind of weakness, as the table names it.
    pub(crate) kind: char,
    pub(crate) name: &'static str,
    /// How many make it at once.
    pub(crate) threads: usize,
    /// How long each of them rests between two rounds.
    pub(crate) rest: Duration,
    pub(crate) round: fn(&Attacker<'_>),
}

/// The attempts and their results: how often each occurred.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) tried: AtomicU64,
    came_to: Mutex<BTreeMap<String, u64>>,
}

/// Those who make an attack, with addresses that no other attack has.
pub(crate) struct Attacker<'a> {
    pub(crate) tally: &'a Tally,
    addresses: &'a AtomicUsize,
    block: u8,
    begun: Instant,
    until: Instant,
}

/// For how long one caller goes on before another does, whose allowance is not used up.
const TURN: Duration = Duration::from_secs(30);

/// How many blocks of 256 addresses each attack has.
const BLOCKS: u8 = 8;
/// The first block of the attacks; those below are of honest callers.
const FIRST_BLOCK: u8 = 32;

impl Attack {
    /// Makes the attack in the namespace that this thread is in, as the number `index` of all, until the
    /// time is over.
    pub(crate) fn make(&self, index: usize, tally: &Tally, until: Instant) {
        let block = FIRST_BLOCK + u8::try_from(index).expect("a few attacks") * BLOCKS;
        let (addresses, begun) = (AtomicUsize::new(0), Instant::now());
        thread::scope(|scope| {
            for _ in 0..self.threads {
                let attacker = Attacker { tally, addresses: &addresses, block, begun, until };
                scope.spawn(move || {
                    while !attacker.is_over() {
                        (self.round)(&attacker);
                        attacker.rest(self.rest);
                    }
                });
            }
        });
    }
}

impl Tally {
    /// Something was tried.
    pub(crate) fn tried(&self) {
        self.tried.fetch_add(1, Ordering::Relaxed);
    }

    /// Something came of it.
    pub(crate) fn came_to(&self, result: &str) {
        let mut came_to = self.came_to.lock().unwrap_or_else(PoisonError::into_inner);
        *came_to.entry(result.to_owned()).or_default() += 1;
    }

    /// The result of one request.
    pub(crate) fn answered(&self, answer: &io::Result<Answer>) {
        self.came_to(&in_words(answer));
    }

    /// All that came of it, in one line.
    pub(crate) fn summary(&self) -> String {
        let came_to = self.came_to.lock().unwrap_or_else(PoisonError::into_inner);
        let parts = came_to.iter().map(|(result, count)| format!("{count} {result}"));
        parts.collect::<Vec<_>>().join(", ")
    }
}

/// The status and the code of an answer, or why there is none.
pub(crate) fn in_words(answer: &io::Result<Answer>) -> String {
    match answer {
        Ok(answer) if answer.status == 200 => "200".to_owned(),
        Ok(answer) => match serde_json::from_slice::<serde_json::Value>(&answer.body) {
            Ok(body) => {
                format!("{} {}", answer.status, body["detail"]["code"].as_str().unwrap_or(""))
            }
            Err(_) => answer.status.to_string(),
        },
        Err(error) => error.kind().to_string(),
    }
}

impl Attacker<'_> {
    /// An address that was not used for as long as possible.
    pub(crate) fn address(&self) -> Ipv4Addr {
        let next = self.addresses.fetch_add(1, Ordering::Relaxed);
        self.numbered(next)
    }

    /// The address of the one caller who is on for now.
    pub(crate) fn address_of_turn(&self) -> Ipv4Addr {
        let turn = self.begun.elapsed().as_secs() / TURN.as_secs();
        self.numbered(usize::try_from(turn).unwrap_or_default())
    }

    fn numbered(&self, number: usize) -> Ipv4Addr {
        let [.., block, host] = (number % (usize::from(BLOCKS) * 256)).to_be_bytes();
        Ipv4Addr::new(198, 18, self.block + block, host)
    }

    /// Connects from an address; counts it if that fails.
    pub(crate) fn connect(&self, from: Ipv4Addr) -> Option<TcpStream> {
        self.tally.tried();
        let connected = lab::connect(from);
        if let Err(error) = &connected {
            self.tally.came_to(&format!("not connected: {}", error.kind()));
        }
        connected.ok()
    }

    /// Rests, or holds its connections, unless the time is over.
    pub(crate) fn rest(&self, time: Duration) {
        let end = (Instant::now() + time).min(self.until);
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            thread::sleep(left.min(LOOK_AGAIN));
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }
}
