//! Lines out of pieces, with a bound on all of them together.

use std::mem;

/// Collects pieces of a text and gives out its lines.
#[derive(Debug)]
pub(crate) struct Lines {
    unfinished: Vec<u8>,
    left: usize,
}

/// There was more than the bound.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is too long")]
pub(crate) struct TooLong;

impl Lines {
    /// Takes at most `bound` bytes.
    pub(crate) fn new(bound: usize) -> Self {
        Self { unfinished: Vec::new(), left: bound }
    }

    /// Takes a piece; returns the lines that it ends, without their line feeds.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<Vec<Vec<u8>>, TooLong> {
        self.left = self.left.checked_sub(piece.len()).ok_or(TooLong)?;
        let mut lines = Vec::new();
        for part in piece.split_inclusive(|&byte| byte == b'\n') {
            self.unfinished.extend_from_slice(part);
            if self.unfinished.last() == Some(&b'\n') {
                self.unfinished.pop();
                lines.push(mem::take(&mut self.unfinished));
            }
        }
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_out_of_pieces() {
        let mut lines = Lines::new(12);
        assert_eq!(lines.push(b"on"), Ok(vec![]));
        assert_eq!(lines.push(b"e\ntwo\nth"), Ok(vec![b"one".to_vec(), b"two".to_vec()]));
        assert_eq!(lines.push(b"xyz"), Err(TooLong));
    }
}
