//! Ratios of the running service against itself, the kernel and its peers, from interleaved rounds of
//! one run.
//!
//! `scripts/bench` runs it. Absolute times of a shared machine mean little; only the ratios travel.
#![expect(clippy::print_stdout, reason = "prints its table")]

mod itself;
mod load;
mod others;

const ROUNDS: usize = 7;

fn main() {
    println!("{:<58} {:>7} {:>7} {:>7}", "ratio", "median", "min", "max");
    others::the_python_service();
    others::the_kernel();
    others::nmap();
    itself::beside_a_slow_request();
    itself::what_limits_cost();
}

fn report(what: &str, mut ratios: Vec<f64>) {
    ratios.sort_by(f64::total_cmp);
    let (min, max) = (ratios[0], ratios[ratios.len() - 1]);
    println!("{what:<58} {:>7.2} {min:>7.2} {max:>7.2}", ratios[ratios.len() / 2]);
}
