//! What is measured, in the order of the table.

mod footprint;
mod itself;
mod peers;

use crate::table::Table;

pub(crate) fn all(table: &mut Table) -> anyhow::Result<()> {
    peers::python_service(table)?;
    peers::kernel(table)?;
    peers::scanners(table)?;
    peers::bare_connection(table)?;
    itself::what_surrounds_a_check(table)?;
    itself::shared_limits(table)?;
    itself::beside_a_slow_request(table);
    footprint::start(table);
    footprint::idle(table);
    footprint::silent_ports(table)?;
    footprint::all_ports(table);
    Ok(())
}
