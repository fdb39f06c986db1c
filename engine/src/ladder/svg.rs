//! The ladder as a drawing.

use std::fmt::Write as _;

use dialplan::xml::escaped;

use super::show::{Ladder, cut, time_of_day};

const LEFT: usize = 150;
const WIDTH: usize = 280;
const TOP: usize = 48;
const ROW: usize = 26;
const NAME_MAX: usize = 34;

const STYLE: &str = "text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#1f2937}\
.name{font-weight:600;text-anchor:middle}.label{text-anchor:middle}.time{fill:#6b7280}\
.line{stroke:#d1d5db}.arrow{stroke:#2563eb;stroke-width:1.5}.again{stroke-dasharray:5 3}\
.bad{stroke:#dc2626}@media(prefers-color-scheme:dark){svg{background:#111827}text{fill:#e5e7eb}.line{stroke:#374151}}";

/// SVG 1.1, with nothing in it that runs.
pub(super) fn draw(ladder: &Ladder) -> String {
    let columns: Vec<&str> = ladder.columns().collect();
    let width = LEFT + (columns.len() - 1) * WIDTH + LEFT;
    let height = TOP + (ladder.arrows.len() + 1) * ROW;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\
         <style>{STYLE}</style>\
         <defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
         orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#2563eb\"/></marker></defs>\n"
    );
    // Writing to a string cannot fail.
    for (column, name) in columns.iter().enumerate() {
        let x = LEFT + column * WIDTH;
        let name = escaped(cut(name, NAME_MAX));
        let _ = writeln!(out, "<text class=\"name\" x=\"{x}\" y=\"24\">{name}</text>");
        let _ = writeln!(out, "<line class=\"line\" x1=\"{x}\" y1=\"32\" x2=\"{x}\" y2=\"{height}\"/>");
    }
    for (row, arrow) in ladder.arrows.iter().enumerate() {
        let y = TOP + row * ROW + ROW / 2;
        let (ours, theirs) = (LEFT + ladder.ours() * WIDTH, LEFT + ladder.column(arrow) * WIDTH);
        let (from, to) = if arrow.sent { (ours, theirs) } else { (theirs, ours) };
        let bad = arrow.label.starts_with(['4', '5', '6']);
        let class = format!("arrow{}{}", if arrow.again { " again" } else { "" }, if bad { " bad" } else { "" });
        let _ = writeln!(out, "<g><title>{}</title>", escaped(&arrow.message));
        let _ = writeln!(out, "<text class=\"time\" x=\"6\" y=\"{}\">{}</text>", y + 4, time_of_day(arrow.at_us));
        let _ = writeln!(
            out,
            "<line class=\"{class}\" x1=\"{from}\" y1=\"{y}\" x2=\"{to}\" y2=\"{y}\" marker-end=\"url(#head)\"/>"
        );
        let _ = writeln!(
            out,
            "<text class=\"label\" x=\"{}\" y=\"{}\">{}</text></g>",
            usize::midpoint(from, to),
            y - 5,
            escaped(&arrow.label)
        );
    }
    out.push_str("</svg>\n");
    out
}
