//! The properties of a line, and the counts of its packets.

use std::time::Duration;

/// Bytes of the largest packet, as on Ethernet.
pub(super) const MTU: u16 = 1500;

/// Decides which packets are lost unless a test sets another.
const SEED: u64 = 1;

/// The treatment of the packets of one direction.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// How long each packet takes; half a round trip if both directions are alike.
    pub delay: Duration,
    /// The most that a packet takes longer than that, by chance. Packets never overtake each other.
    pub jitter: Duration,
    /// The share of packets that are lost, 0 to 1.
    pub loss: f64,
}

impl Line {
    /// Without jitter, as far away as a round trip of this length over two of them.
    pub fn with_round_trip(round_trip: Duration, loss: f64) -> Self {
        Self { delay: round_trip / 2, jitter: Duration::ZERO, loss }
    }
}

/// The treatment of packets in each direction.
#[derive(Debug, Clone, Copy)]
pub struct Directions {
    /// From the first namespace to the second.
    pub there: Line,
    /// From the second to the first.
    pub back: Line,
    /// Decides which packets are lost: equal seeds lose the same of equal sequences of packets.
    pub seed: u64,
}

impl From<Line> for Directions {
    fn from(line: Line) -> Self {
        Self { there: line, back: line, seed: SEED }
    }
}

/// Packets of one direction so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Delivered at the other end.
    pub carried: u64,
    /// Lost as the line's loss demands.
    pub lost_by_chance: u64,
    /// Lost because more were under way than the line or its device holds. A test whose verdicts
    /// depend on the loss asserts that this is zero.
    pub lost_to_bound: u64,
}
