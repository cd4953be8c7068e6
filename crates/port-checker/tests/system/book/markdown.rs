//! What a Markdown document has that a test can follow: links, headings, code, rows of tables.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// A link, or the source of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// What is shown; empty for HTML.
    pub(crate) text: String,
    /// Where it leads.
    pub(crate) to: String,
}

/// What was found in a document.
#[derive(Debug, Default)]
pub(crate) struct Document {
    pub(crate) links: Vec<Link>,
    /// The anchors of its headings.
    pub(crate) anchors: Vec<String>,
    /// What stands between backticks and in fences.
    pub(crate) code: Vec<String>,
    /// The cells of each row of its tables, heads not included, as text; a link is also told.
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// A cell of a table.
#[derive(Debug, Default, Clone)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) links: Vec<Link>,
}

impl Document {
    pub(crate) fn read(markdown: &str) -> Self {
        let mut document = Self::default();
        let mut reader = Reader::default();
        for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
            document.take(event, &mut reader);
        }
        document
    }

    fn take(&mut self, event: Event<'_>, reader: &mut Reader) {
        match event {
            Event::Start(Tag::Heading { .. }) => reader.heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let heading = reader.heading.take().unwrap_or_default();
                self.anchors.push(self.anchor(&heading));
            }
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                reader.link = Some(Link { text: String::new(), to: dest_url.into_string() });
            }
            Event::End(TagEnd::Link | TagEnd::Image) => {
                let Some(link) = reader.link.take() else { return };
                reader.cell.links.push(link.clone());
                self.links.push(link);
            }
            Event::Start(Tag::TableRow) => reader.row.clear(),
            Event::End(TagEnd::TableCell) => reader.row.push(std::mem::take(&mut reader.cell)),
            Event::End(TagEnd::TableRow) => self.rows.push(std::mem::take(&mut reader.row)),
            Event::Start(Tag::CodeBlock(_)) => reader.block = Some(String::new()),
            Event::End(TagEnd::CodeBlock) => self.code.extend(reader.block.take()),
            Event::Code(text) => {
                reader.say(&text);
                self.code.push(text.into_string());
            }
            Event::Text(text) => reader.say(&text),
            Event::SoftBreak | Event::HardBreak => reader.say(" "),
            Event::Html(html) | Event::InlineHtml(html) => self.links.extend(sources(&html)),
            _ => {}
        }
    }

    /// The anchor that the forge gives a heading: lower case, blanks as hyphens, without
    /// punctuation, and numbered if there was one before.
    fn anchor(&self, heading: &str) -> String {
        let kept = |char: &char| char.is_alphanumeric() || matches!(char, ' ' | '-' | '_');
        let plain: String = heading.to_lowercase().chars().filter(kept).collect();
        let plain = plain.replace(' ', "-");
        let numbered = (1..).map(|number| format!("{plain}-{number}"));
        let mut names = std::iter::once(plain.clone()).chain(numbered);
        names.find(|name| !self.anchors.contains(name)).unwrap_or(plain)
    }
}

/// Where the parser is.
#[derive(Default)]
struct Reader {
    heading: Option<String>,
    link: Option<Link>,
    block: Option<String>,
    cell: Cell,
    row: Vec<Cell>,
}

impl Reader {
    fn say(&mut self, text: &str) {
        if let Some(block) = &mut self.block {
            return block.push_str(text);
        }
        self.cell.text.push_str(text);
        let link = self.link.as_mut().map(|link| &mut link.text);
        link.into_iter().chain(&mut self.heading).for_each(|part| part.push_str(text));
    }
}

/// What HTML leads to.
fn sources(html: &str) -> Vec<Link> {
    let attributes = ["src=\"", "srcset=\"", "href=\""];
    let values = attributes.iter().flat_map(|attribute| html.split(attribute).skip(1));
    let values = values.filter_map(|rest| rest.split('"').next());
    values.map(|to| Link { text: String::new(), to: to.to_owned() }).collect()
}
