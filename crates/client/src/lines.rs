//! Lines out of pieces.
//!
//! `tokio_util`'s codec for lines reads from a stream of bytes whose errors are those of I/O: a deadline that
//! passed, an answer that is too long and a broken connection could not be told apart.

use std::mem;

/// Collects pieces of a text and gives out its lines. Those who read the pieces bound their number.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    unfinished: Vec<u8>,
}

impl Lines {
    /// Takes a piece; returns the lines that it ends, without their line feeds.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        for part in piece.split_inclusive(|&byte| byte == b'\n') {
            self.unfinished.extend_from_slice(part);
            if self.unfinished.last() == Some(&b'\n') {
                self.unfinished.pop();
                lines.push(mem::take(&mut self.unfinished));
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_out_of_pieces() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"on"), Vec::<Vec<u8>>::new());
        assert_eq!(lines.push(b"e\ntwo\nth"), [b"one".to_vec(), b"two".to_vec()]);
        assert_eq!(lines.push(b"ree\n"), [b"three".to_vec()]);
    }
}
