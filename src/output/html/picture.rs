//! The picture of what trusts what: boxes with the real names, side by side or one below the other.

use serde::Serialize;

use crate::output::sanitized;
use crate::verify::report::{Check, Outcome};

/// A link of the chain of trust.
pub(super) struct Link<'a> {
    pub(super) part: Part,
    pub(super) label: &'static str,
    pub(super) names: Vec<&'a str>,
    pub(super) facts: Vec<String>,
}

/// A part of an issuer that checks are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Cluster,
    Issuer,
    Bucket,
    Provider,
    Roles,
}

impl Part {
    /// What a check is about, by its name.
    fn of(name: &str) -> &'static [Self] {
        match name {
            "AWS resources" => &[Self::Bucket, Self::Provider],
            "bucket"
            | "bucket tags"
            | "bucket policy"
            | "bucket listing"
            | "public access block"
            | "account public access block"
            | "JWK Set object"
            | "discovery object"
            | "encryption"
            | "wider bucket policy statements"
            | "private keys in the bucket"
            | "other public objects" => &[Self::Bucket],
            "provider" | "provider tags" | "provider audiences" | "thumbprint" | "takeover" => {
                &[Self::Provider]
            }
            "role trust" | "role" | "proof" => &[Self::Roles],
            "TLS" | "TLS expiry" | "signing key published" | "unknown keys" => &[Self::Issuer],
            _ if name.starts_with("discovery") || name.starts_with("JWK Set") => &[Self::Issuer],
            // The cluster's own documents, and its tokens.
            _ => &[Self::Cluster],
        }
    }

    /// The worst that checks of it found; a skipped check says nothing where another one passed.
    fn outcome(self, checks: &[Check]) -> Option<Outcome> {
        let about = |check: &&Check| Self::of(check.name).contains(&self);
        let outcomes = checks.iter().filter(about).map(|check| check.outcome);
        outcomes.max_by_key(|outcome| rank(*outcome))
    }
}

/// How much an outcome matters.
pub(super) fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Fail => 3,
        Outcome::Warn => 2,
        Outcome::Pass => 1,
        Outcome::Skipped => 0,
    }
}

/// Measures in units of the picture, which is as many pixels wide as its width where there is room.
struct Layout {
    class: &'static str,
    box_width: usize,
    gap: usize,
    is_row: bool,
}

const PADDING: usize = 14;
const NAME_LINE: usize = 17;
const FACT_LINE: usize = 15;
/// Lines of names in a box, of which the last one counts the others.
const MAX_LINES: usize = 9;

/// A page as wide as a desk's screen has all boxes side by side.
const WIDE: Layout = Layout {
    class: "wide",
    box_width: 200,
    gap: 26,
    is_row: true,
};
const TALL: Layout = Layout {
    class: "tall",
    box_width: 310,
    gap: 26,
    is_row: false,
};

/// A picture, laid out.
#[derive(Serialize)]
pub(super) struct Picture {
    class: &'static str,
    /// What it shows, in words.
    label: String,
    width: usize,
    height: usize,
    boxes: Vec<Cell>,
    arrows: Vec<Arrow>,
}

#[derive(Serialize)]
struct Cell {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
    label: &'static str,
    outcome: Option<Outcome>,
    names: Vec<Line>,
    facts: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    y: usize,
    text: String,
}

#[derive(Serialize)]
struct Arrow {
    x1: usize,
    y1: usize,
    x2: usize,
    y2: usize,
}

/// The same picture for a wide page and for a narrow one.
pub(super) fn pictures(links: &[Link<'_>], checks: &[Check]) -> [Picture; 2] {
    [WIDE, TALL].map(|layout| draw(&layout, links, checks))
}

fn draw(layout: &Layout, links: &[Link<'_>], checks: &[Check]) -> Picture {
    let mut boxes: Vec<Cell> = Vec::new();
    let (mut x, mut y) = (0, 0);
    for link in links {
        let cell = cell(layout, link, link.part.outcome(checks), (x, y));
        if layout.is_row {
            x += layout.box_width + layout.gap
        } else {
            y += cell.height + layout.gap
        }
        boxes.push(cell);
    }
    let height = boxes.iter().map(|cell| cell.height).max().unwrap_or(0);
    let (width, height) = if layout.is_row {
        (x.saturating_sub(layout.gap), height)
    } else {
        (layout.box_width, y.saturating_sub(layout.gap))
    };
    let mut arrows = Vec::new();
    for cell in &mut boxes {
        if layout.is_row {
            cell.height = height;
        }
    }
    for cell in boxes.iter().skip(1) {
        let (x, y) = if layout.is_row {
            (cell.x, height / 2)
        } else {
            (cell.width / 2, cell.y)
        };
        let (length, point) = (layout.gap - 4, 2);
        arrows.push(if layout.is_row {
            Arrow {
                x1: x - length,
                y1: y,
                x2: x - point,
                y2: y,
            }
        } else {
            Arrow {
                x1: x,
                y1: y - length,
                x2: x,
                y2: y - point,
            }
        });
    }
    let told: Vec<String> = links
        .iter()
        .map(|link| format!("{} {}", link.label, link.names.join(", ")))
        .collect();
    Picture {
        class: layout.class,
        label: format!("Chain of trust: {}", told.join(", then ")),
        width,
        height,
        boxes,
        arrows,
    }
}

fn cell(
    layout: &Layout,
    link: &Link<'_>,
    outcome: Option<Outcome>,
    (x, y): (usize, usize),
) -> Cell {
    let room = layout.box_width - 2 * PADDING;
    // Letters of 12 and of 11 px in a typewriter face are 7.3 and 6.7 px wide.
    let (name_room, fact_room) = (room * 10 / 73, room * 10 / 67);
    let mut bottom = y + PADDING + 12;
    let mut lines = |texts: Vec<String>, above: usize, line: usize| -> Vec<Line> {
        bottom += if texts.is_empty() { 0 } else { above };
        let placed = texts.into_iter().map(|text| {
            bottom += line;
            Line { y: bottom, text }
        });
        placed.collect()
    };
    let names = lines(wrapped(&link.names, name_room), 8, NAME_LINE);
    let facts: Vec<&str> = link.facts.iter().map(String::as_str).collect();
    let facts = lines(wrapped(&facts, fact_room), 8, FACT_LINE);
    Cell {
        x,
        y,
        width: layout.box_width,
        height: bottom + PADDING - y,
        label: link.label,
        outcome,
        names,
        facts,
    }
}

/// Texts in lines of at most `width` letters, broken behind punctuation where there is some.
fn wrapped(texts: &[&str], width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let text = sanitized(text);
        let mut letters: Vec<char> = text.chars().collect();
        let mut own = Vec::new();
        while letters.len() > width {
            let soft = letters[..width]
                .iter()
                .rposition(|c| "/:.-_, ".contains(*c))
                .filter(|at| *at >= width / 2);
            let after = letters.split_off(soft.map_or(width, |at| at + 1));
            own.push(letters.into_iter().collect::<String>());
            letters = after;
        }
        own.push(letters.into_iter().collect());
        let is_last = index + 1 == texts.len();
        let room = MAX_LINES - usize::from(!is_last);
        if lines.len() + own.len() > room {
            lines.push(match index {
                0 => format!("{}…", text.chars().take(width - 1).collect::<String>()),
                shown => format!("and {} more", texts.len() - shown),
            });
            break;
        }
        lines.extend(own);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_to_their_boxes() {
        let arn = "arn:aws:iam::111122223333:oidc-provider/demo-oidc-111122223333-us-west-2-an.s3.us-west-2.amazonaws.com";
        let lines = wrapped(&[arn], 23);
        assert_eq!(lines.concat(), arn);
        assert!(
            lines.iter().all(|line| line.chars().count() <= 23),
            "{lines:#?}"
        );
        assert_eq!(lines[0], "arn:aws:iam::");
        let names: Vec<String> = (0..30).map(|index| format!("role-{index}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let lines = wrapped(&names, 23);
        assert_eq!(lines.len(), MAX_LINES);
        assert_eq!(lines[MAX_LINES - 1], "and 22 more");
        assert_eq!(wrapped(&["x".repeat(1000).as_str()], 23).len(), 1);
    }
}
