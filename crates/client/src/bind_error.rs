//! The meaning of an error of bind.

use std::io;

use nix::errno::Errno;

use crate::facts::Local;

/// Why a port cannot be listened on.
pub(crate) fn obstacle(error: &io::Error) -> Local {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EADDRINUSE) => Local::InUse { by: None, listens_on: Vec::new(), waiting: 0 },
        Some(Errno::EACCES | Errno::EPERM) => Local::NotPermitted,
        Some(Errno::EAFNOSUPPORT | Errno::EADDRNOTAVAIL) => Local::FamilyMissing,
        Some(errno) => Local::Failed { error: errno.desc().to_owned() },
        None => Local::Failed { error: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn obstacles_in_words_without_numbers() {
        let failed = |error: &str| Local::Failed { error: error.to_owned() };
        let cases = [
            (Errno::EADDRINUSE, Local::InUse { by: None, listens_on: Vec::new(), waiting: 0 }),
            (Errno::EACCES, Local::NotPermitted),
            (Errno::EAFNOSUPPORT, Local::FamilyMissing),
            (Errno::EMFILE, failed("Too many open files")),
        ];
        for (errno, expected) in cases {
            assert_eq!(obstacle(&io::Error::from(errno)), expected, "{errno}");
        }
    }
}
