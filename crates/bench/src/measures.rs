//! The measurements, in the order of the table.

mod footprint;
mod itself;
mod long_line;
mod peers;

use crate::{comparison::Comparison, load::has, soak::rows, table::Table};

pub(crate) fn all(table: &mut Table) -> anyhow::Result<()> {
    let has_load = has("wrk", "--version");
    if has_load {
        peers::python_service(table)?;
        peers::kernel(table)?;
    }
    peers::scanners(table)?;
    peers::bare_connection(table)?;
    if has_load {
        itself::overhead_around_a_check(table)?;
        itself::shared_limits(table)?;
        itself::settling(table)?;
    }
    itself::beside_a_slow_request(table);
    footprint::start(table);
    footprint::idle(table);
    footprint::silent_ports(table)?;
    footprint::all_ports(table);
    rows::health_under_attack(table)
}

pub(crate) fn over_long_lines(table: &mut Table) -> anyhow::Result<Comparison> {
    let mut comparison = Comparison::default();
    long_line::scans(table, &mut comparison)?;
    long_line::single_checks(table, &mut comparison)?;
    long_line::udp::beside_tcp(table, &mut comparison)?;
    long_line::heavy_loss(table)?;
    long_line::all_ports(table, &mut comparison)?;
    Ok(comparison)
}
