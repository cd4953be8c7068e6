//! A real nginx.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use crate::{process::Running, skip};

/// Starts one with this `server` block, which listens on `address`, and its files in `directory`; or says
/// that it is missing.
///
/// # Panics
/// When it does not start.
pub fn start(directory: &Path, address: SocketAddr, server: &str) -> Option<Running> {
    if !skip::has("nginx", "-v") {
        return None;
    }
    let place = directory.display();
    let configuration = format!(
        "daemon off; worker_processes 1; pid {place}/pid; error_log {place}/error.log;
         events {{}}
         http {{
             access_log off;
             client_body_temp_path {place}/body; proxy_temp_path {place}/proxy;
             fastcgi_temp_path {place}/f; uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;
             {server}
         }}"
    );
    let file = directory.join("nginx.conf");
    fs::write(&file, configuration).expect("a writable directory");
    let mut command = Command::new("nginx");
    command.arg("-p").arg(directory).arg("-c").arg(&file);
    Some(Running::start(&mut command, address))
}
