//! The systemd unit, judged by systemd.

use std::{fs, process::Command};

use port_checker_testbed::skip;

use crate::program::{PORT_CHECKER, repository};

const UNIT: &str = "golem-port-checker.service";

/// The most exposure that is accepted, in tenths: below 2.0.
const EXPOSURE: &str = "19";

#[test]
fn systemd_finds_nothing_to_complain_about() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return skip::missing("systemd-analyze; see scripts/test");
    }
    let directory = tempfile::tempdir().unwrap();
    let unit = directory.path().join(UNIT);
    let text = fs::read_to_string(repository(UNIT)).unwrap();
    let built = text.replace("ExecStart=port-checker ", &format!("ExecStart={PORT_CHECKER} "));
    assert_ne!(built, text, "the unit starts port-checker");
    fs::write(&unit, built).unwrap();
    let verify = Command::new("systemd-analyze").arg("verify").arg(&unit).output().unwrap();
    assert!(verify.status.success(), "{verify:?}");
    assert_eq!(String::from_utf8_lossy(&verify.stderr), "", "verify is silent");
    let security = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager", "--threshold", EXPOSURE])
        .arg(&unit)
        .output()
        .unwrap();
    assert!(security.status.success(), "{}", String::from_utf8_lossy(&security.stdout));
}
