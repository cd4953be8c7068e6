//! The report for a person: a table in which equal ports are one line, and advice.

use std::io::{IsTerminal, stdout};

use anstyle::{AnsiColor, Style};
use port_checker_client::{
    Diagnosis, FamilyDiagnosis, Port, PortDiagnosis, PortRanges, PortVerdict, TransportPort,
    TransportPortRanges, router::PortMapping,
};
use textwrap::{Options, WordSplitter, wrap};

use crate::output::{finish_writing, print_part};

/// The widest text that reads well, in columns.
const WIDEST: usize = 100;

/// The width where there is no terminal.
const USUAL: usize = 80;

/// The widest column of ports; longer lists go on below.
const PORTS_WIDTH: usize = 30;

/// Blanks before and between the columns.
const GAPS: usize = 4;

/// The narrowest column of verdicts, on however narrow a terminal.
const NARROWEST: usize = 20;

/// The narrowest column of ports: one range.
const RANGE_WIDTH: usize = "50800-50899".len();

const BOLD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const UNKNOWN: Style = AnsiColor::Yellow.on_default();

/// Ports of one transport in the same situation, in ascending order.
struct Group<'a> {
    ports: TransportPortRanges,
    first: &'a PortDiagnosis,
}

impl Group<'_> {
    fn label(&self) -> String {
        label(&self.ports)
    }
}

fn label(ports: &impl ToString) -> String {
    ports.to_string().replace(',', ", ")
}

/// Prints the report to standard output; in colour if that is a terminal.
pub(crate) fn print(diagnosis: &Diagnosis) -> anyhow::Result<()> {
    finish_writing(print_part(&text(diagnosis)))
}

/// The report as wide as standard output, in colour.
pub(crate) fn text(diagnosis: &Diagnosis) -> String {
    let terminal = stdout().is_terminal();
    let width = if terminal { textwrap::termwidth().min(WIDEST) } else { USUAL };
    render(diagnosis, width)
}

fn render(diagnosis: &Diagnosis, width: usize) -> String {
    let mut text = String::new();
    for notice in &diagnosis.notices {
        text += &format!("{}\n\n", paragraph(&notice.to_string(), "", width));
    }
    for family in &diagnosis.families {
        text += &section(family, width);
    }
    text += &mappings(&diagnosis.mappings, width);
    text + &sum(diagnosis, width) + "\n"
}

fn section(family: &FamilyDiagnosis, width: usize) -> String {
    let groups = if family.outcome.is_some() { groups(&family.ports) } else { Vec::new() };
    let notices = family.notices.iter().map(ToString::to_string);
    let texts = notices.chain(advice(family, &groups));
    let paragraphs = texts.map(|text| paragraph(&text, "  ", width));
    let table = (!groups.is_empty()).then(|| table(&groups, width));
    let parts: Vec<String> = table.into_iter().chain(paragraphs).collect();
    format!("{}\n{}\n\n", heading(family), parts.join("\n\n"))
}

/// The advice for each group; the sentence with which that for several of them ends is said once, behind them.
fn advice(family: &FamilyDiagnosis, groups: &[Group<'_>]) -> Vec<String> {
    let of_groups =
        || groups.iter().filter_map(|group| Some((group, group.first.advice.as_ref()?)));
    let ends_with = |words: &&str| of_groups().filter(|(_, text)| text.ends_with(*words)).count();
    let shared = family.way_to_tell().filter(|words| ends_with(words) > 1);
    let texts = of_groups().map(|(group, text)| {
        let rest = shared.and_then(|words| text.strip_suffix(words)).unwrap_or(text);
        format!("{}: {}", group.label(), rest.trim_end())
    });
    texts.chain(shared.map(str::to_owned)).collect()
}

/// What was done at the router, ports together for which it was the same.
fn mappings(mappings: &[PortMapping], width: usize) -> String {
    let mut groups: Vec<(Vec<Port>, &PortMapping)> = Vec::new();
    for mapping in mappings {
        let port = Port::try_from(mapping.port).expect("it is one of those that were verified");
        match groups.iter_mut().find(|(_, first)| mapping.is_alike(first)) {
            Some((ports, _)) => ports.push(port),
            None => groups.push((vec![port], mapping)),
        }
    }
    let described = groups.into_iter().map(|(ports, first)| {
        let text = first.describe(&label(&ports.into_iter().collect::<PortRanges>()));
        paragraph(&text, "", width) + "\n\n"
    });
    described.collect()
}

fn heading(family: &FamilyDiagnosis) -> String {
    let name = format!("{BOLD}{}{BOLD:#}", family.family);
    let Some(seen) = family.address else { return name };
    let here = family.host.as_ref().and_then(|host| host.outbound).filter(|here| *here != seen);
    match here {
        Some(here) => format!("{name} {seen}, here {here}"),
        None => format!("{name} {seen}"),
    }
}

/// Groups in the order of their first ports.
fn groups(ports: &[PortDiagnosis]) -> Vec<Group<'_>> {
    let mut sorted: Vec<&PortDiagnosis> = ports.iter().collect();
    sorted.sort_by_key(|port| (port.facts.port, port.facts.transport));
    let mut groups: Vec<(Vec<TransportPort>, &PortDiagnosis)> = Vec::new();
    for port in sorted {
        let same = |first: &PortDiagnosis| {
            let of = |port: &PortDiagnosis| (port.facts.transport, port.verdict);
            (of(first), &first.summary, &first.advice) == (of(port), &port.summary, &port.advice)
        };
        match groups.iter_mut().find(|(_, first)| same(first)) {
            Some((ports, _)) => ports.push(port.facts.transport_port()),
            None => groups.push((vec![port.facts.transport_port()], port)),
        }
    }
    let ranges = |(ports, first): (Vec<TransportPort>, _)| Group {
        ports: ports.into_iter().collect(),
        first,
    };
    groups.into_iter().map(ranges).collect()
}

fn table(groups: &[Group<'_>], width: usize) -> String {
    let widest = groups.iter().map(|group| group.label().len()).max().unwrap_or(0);
    let space = width.saturating_sub(GAPS + NARROWEST).clamp(RANGE_WIDTH, PORTS_WIDTH);
    let column = widest.min(space);
    let rows: Vec<String> = groups.iter().map(|group| row(group, column, width)).collect();
    rows.join("\n")
}

/// The ports in a column, their summary beside it; either may take several lines.
fn row(group: &Group<'_>, column: usize, width: usize) -> String {
    let label = group.label();
    let style = style(group.first);
    let labels = wrap(&label, whole_words(column));
    let space = width.saturating_sub(column + GAPS).max(NARROWEST);
    let summaries = wrap(&group.first.summary, whole_words(space));
    let line = |index: usize| {
        let label = labels.get(index).map_or("", |label| label);
        match summaries.get(index) {
            Some(summary) => format!("  {label:column$}  {style}{summary}{style:#}"),
            None => format!("  {label}"),
        }
    };
    let lines: Vec<String> = (0..labels.len().max(summaries.len())).map(line).collect();
    lines.join("\n")
}

const fn style(port: &PortDiagnosis) -> Style {
    match port.verdict {
        verdict if verdict.is_accessible() => GOOD,
        PortVerdict::NoVerdict => UNKNOWN,
        _ => BAD,
    }
}

fn paragraph(text: &str, indent: &str, width: usize) -> String {
    textwrap::fill(text, whole_words(width).initial_indent(indent).subsequent_indent(indent))
}

/// Lines end at blanks only: a name such as NAT-PMP, an option, a range of ports and a URL stay whole if they fit.
fn whole_words(width: usize) -> Options<'static> {
    Options::new(width).word_splitter(WordSplitter::NoHyphenation)
}

fn sum(diagnosis: &Diagnosis, width: usize) -> String {
    let sums: Vec<String> = sums(diagnosis).iter().map(|sum| paragraph(sum, "", width)).collect();
    sums.join("\n")
}

/// How many ports of each family are reachable, in a sentence each.
pub(crate) fn sums(diagnosis: &Diagnosis) -> Vec<String> {
    let checked = diagnosis.families.iter().filter(|family| family.outcome.is_some());
    // Only a checker outside can show that the Internet reaches a port.
    let word = |family: &FamilyDiagnosis| match diagnosis.is_local_only() {
        true => "usable here",
        false if family.is_private() => "open to the checker",
        false => "reachable",
    };
    let sums: Vec<String> = checked.map(|family| sum_of_family(family, word(family))).collect();
    if sums.is_empty() { vec!["No verdict.".to_owned()] } else { sums }
}

fn sum_of_family(family: &FamilyDiagnosis, word: &str) -> String {
    let count =
        |is: fn(&PortDiagnosis) -> bool| family.ports.iter().filter(|port| is(port)).count();
    let (reachable, all) = (count(|port| port.accessible), family.ports.len());
    let ports = if all == 1 { "port" } else { "ports" };
    let sum = format!("{}: {reachable} of {all} {ports} {word}", family.family);
    match count(|port| port.verdict == PortVerdict::NoVerdict) {
        0 => format!("{sum}."),
        unknown if unknown == all => {
            format!("{}: no verdict about {all} {ports}.", family.family)
        }
        unknown => format!("{sum}, no verdict about {unknown}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_options_ranges_and_urls_are_not_broken() {
        for word in ["NAT-PMP", "--no-router", "50800-50899", "http://a-b.example/c-d", "x-ray"] {
            for width in word.len()..word.len() + 8 {
                let text = paragraph(&format!("over {word}, and {word} too"), "", width);
                let words = text.split_whitespace().filter(|it| it.trim_end_matches(',') == word);
                let fits = width > word.len();
                assert!(!fits || words.count() == 2, "{width}: {text}");
            }
        }
    }
}
