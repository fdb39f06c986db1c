//! A flow as a picture (SVG): its nodes in ranks from the top, and the ways between them.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use super::name::NodeName;
use super::node::Node;
use super::{Flow, action};
use crate::say::Part;
use crate::xml::escaped;

/// The picture. Nodes that no way leads to stand in a last rank, dashed; ways to nodes that are not there are left out.
#[must_use]
pub fn draw(flow: &Flow) -> String {
    let places = places(flow);
    let columns = places.values().map(|place| place.column + 1).max().unwrap_or(1);
    let ranks = places.values().map(|place| place.rank + 1).max().unwrap_or(1);
    let (width, height) = (columns * COLUMN + 2 * MARGIN, ranks * RANK + 2 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{}\">\n<style>{STYLE}</style>\n{ARROW}\n",
        escaped(if flow.title.is_empty() { flow.name.as_str() } else { &flow.title }),
    );
    for (name, node) in &flow.nodes {
        let mut taken: BTreeMap<&NodeName, Vec<String>> = BTreeMap::new();
        for exit in node.exits() {
            taken.entry(exit.to).or_default().push(exit.label);
        }
        for (nth, (to, labels)) in taken.into_iter().enumerate() {
            if let (Some(from), Some(to)) = (places.get(name), places.get(to)) {
                way(&mut svg, *from, *to, nth, &labels.join(" "));
            }
        }
    }
    for (name, node) in &flow.nodes {
        if let Some(place) = places.get(name) {
            stand(&mut svg, *place, name, node, *name == flow.start);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

#[derive(Clone, Copy)]
struct Place {
    rank: usize,
    column: usize,
    /// A way leads there.
    reached: bool,
}

/// Each node in the rank of the shortest way to it, in the order in which it is come to.
fn places(flow: &Flow) -> BTreeMap<&NodeName, Place> {
    let mut places: BTreeMap<&NodeName, Place> = BTreeMap::new();
    let mut filled: Vec<usize> = Vec::new();
    let mut put = |places: &mut BTreeMap<_, _>, name, rank: usize, reached| {
        if filled.len() <= rank {
            filled.resize(rank + 1, 0);
        }
        places.insert(name, Place { rank, column: filled[rank], reached });
        filled[rank] += 1;
    };
    let mut next: VecDeque<&NodeName> = VecDeque::new();
    if let Some((start, _)) = flow.nodes.get_key_value(&flow.start) {
        put(&mut places, start, 0, true);
        next.push_back(start);
    }
    while let Some(name) = next.pop_front() {
        let rank = places.get(name).map_or(0, |place| place.rank);
        for exit in flow.nodes.get(name).map(Node::exits).unwrap_or_default() {
            if let (Some((to, _)), false) = (flow.nodes.get_key_value(exit.to), places.contains_key(exit.to)) {
                put(&mut places, to, rank + 1, true);
                next.push_back(to);
            }
        }
    }
    let last = places.values().map(|place| place.rank + 1).max().unwrap_or(0);
    for name in flow.nodes.keys() {
        if !places.contains_key(name) {
            put(&mut places, name, last, false);
        }
    }
    places
}

fn stand(svg: &mut String, place: Place, name: &NodeName, node: &Node, start: bool) {
    let (x, y) = corner(place);
    let class = match (start, place.reached) {
        (true, _) => "start",
        (false, true) => "node",
        (false, false) => "lost",
    };
    let about = clipped(&about(node));
    // Writing to a text cannot fail.
    let _ = writeln!(
        svg,
        "<g class=\"{class}\"><title>{name}: {kind} {whole}</title><rect x=\"{x}\" y=\"{y}\" width=\"{BOX_WIDTH}\" \
         height=\"{BOX_HEIGHT}\" rx=\"6\"/><text x=\"{tx}\" y=\"{ty}\" class=\"name\">{name}</text>\
         <text x=\"{tx}\" y=\"{ky}\" class=\"kind\">{kind}</text><text x=\"{tx}\" y=\"{ay}\">{about}</text></g>",
        name = escaped(name.as_str()),
        kind = node.kind(),
        whole = escaped(&self::about(node)),
        about = escaped(&about),
        tx = x + 10,
        ty = y + 18,
        ky = y + 34,
        ay = y + 50,
    );
}

/// From the lower edge of one to the upper edge of the other; back and sideways around the right.
fn way(svg: &mut String, from: Place, to: Place, nth: usize, label: &str) {
    let ((fx, fy), (tx, ty)) = (corner(from), corner(to));
    let begins = (fx + 20 + (nth * 24).min(BOX_WIDTH - 40), fy + BOX_HEIGHT);
    let path = if to.rank > from.rank {
        let ends = (tx + BOX_WIDTH / 2, ty);
        let bend = (ends.1 - begins.1) / 2;
        format!(
            "M{} {} C{} {} {} {} {} {}",
            begins.0,
            begins.1,
            begins.0,
            begins.1 + bend,
            ends.0,
            ends.1 - bend,
            ends.0,
            ends.1
        )
    } else {
        let (right, low) = (fx.max(tx) + BOX_WIDTH + 20, begins.1 + 18);
        let ends = (tx + BOX_WIDTH, ty + BOX_HEIGHT / 2);
        format!("M{} {} V{low} H{right} V{} H{}", begins.0, begins.1, ends.1, ends.0)
    };
    let _ = writeln!(
        svg,
        "<path d=\"{path}\" marker-end=\"url(#arrow)\"/><text x=\"{}\" y=\"{}\" class=\"way\">{}</text>",
        begins.0 + 4,
        begins.1 + 13 + 11 * (nth % 2),
        escaped(&clipped(label)),
    );
}

fn corner(place: Place) -> (usize, usize) {
    (MARGIN + place.column * COLUMN, MARGIN + place.rank * RANK)
}

/// What is special about a node, in a few words.
fn about(node: &Node) -> String {
    match node {
        Node::Play(play) => action::said(&play.prompts.iter().cloned().map(Part::Prompt).collect::<Vec<_>>()),
        Node::Say(say) => format!("{} parts", say.parts.len()),
        Node::Menu(menu) => format!("{} tries, {} s", menu.tries, menu.timeout_s),
        Node::Collect(collect) => format!("{} of {} to {} digits", collect.into, collect.min, collect.max),
        Node::Set(set) => {
            set.values.iter().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join(", ")
        }
        Node::Condition(condition) if condition.cases.len() == 1 => "1 case".to_owned(),
        Node::Condition(condition) => format!("{} cases", condition.cases.len()),
        Node::Lookup(lookup) => lookup.url.to_string(),
        Node::Queue(queue) => queue.queue.to_string(),
        Node::Extension(ring) | Node::Agent(ring) | Node::Outside(ring) => ring.number.to_string(),
        Node::Voicemail(voicemail) => voicemail.mailbox.to_string(),
        Node::Survey(survey) => survey.survey.to_string(),
        Node::Conference(conference) => conference.room.to_string(),
        Node::Subflow(subflow) => subflow.flow.to_string(),
        Node::Return(_) => String::new(),
        Node::HangUp(end) => end.cause.word().to_owned(),
    }
}

fn clipped(text: &str) -> String {
    if text.chars().count() <= LINE_MAX {
        return text.to_owned();
    }
    text.chars().take(LINE_MAX - 1).chain(['…']).collect()
}

const MARGIN: usize = 24;
const COLUMN: usize = 220;
const RANK: usize = 116;
const BOX_WIDTH: usize = 180;
const BOX_HEIGHT: usize = 60;
/// Characters of a line in a box.
const LINE_MAX: usize = 24;
const STYLE: &str = "text{font:12px sans-serif;fill:#1f2933}.name{font-weight:600}.kind{fill:#52606d}.way{font-size:10px;\
fill:#334e68}rect{fill:#f5f7fa;stroke:#486581}.start rect{fill:#d9e2ec;stroke-width:2}.lost rect{stroke-dasharray:4;\
stroke:#ba2525}path{fill:none;stroke:#829ab1}";
const ARROW: &str = "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" \
markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0 L8 4 L0 8 z\" style=\"fill:#829ab1;stroke:none\"/></marker></defs>";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{BRANCHES, MAIN, read};
    use super::*;

    fn pictures() -> Vec<(Flow, String)> {
        let texts = MAIN.split("---").chain(BRANCHES.split("---"));
        texts.map(|text| read(text).unwrap()).map(|flow| (draw(&flow), flow)).map(|(svg, flow)| (flow, svg)).collect()
    }

    #[test]
    fn every_node_and_every_way_is_there() {
        for (flow, svg) in pictures() {
            for name in flow.nodes.keys() {
                assert!(svg.contains(&format!("class=\"name\">{name}</text>")), "{name} in {svg}");
            }
            let ways: std::collections::BTreeSet<_> = flow
                .nodes
                .iter()
                .flat_map(|(name, node)| node.exits().into_iter().map(move |exit| (name, exit.to)))
                .collect();
            assert_eq!(svg.matches("marker-end").count(), ways.len());
            assert_eq!(svg.matches("class=\"start\"").count(), 1);
        }
    }

    #[test]
    fn no_two_nodes_stand_in_one_place() {
        for (flow, _) in pictures() {
            let places = places(&flow);
            let corners: std::collections::BTreeSet<_> =
                places.values().map(|place| (place.rank, place.column)).collect();
            assert_eq!(corners.len(), flow.nodes.len());
        }
    }

    #[test]
    fn what_nobody_comes_to_is_shown_as_lost_and_what_is_not_there_is_no_way() {
        let text = "name = \"f\"\nstart = \"a\"\n[nodes.a]\nstep = \"play\"\nprompts = [\"x\"]\nnext = \"gone\"\n[nodes.b]\nstep = \"hang_up\"";
        let svg = draw(&read(text).unwrap());
        assert_eq!((svg.matches("class=\"lost\"").count(), svg.matches("marker-end").count()), (1, 0));
    }

    proptest! {
        /// Whatever a title or a number says, the picture stays XML: no tag and no entity of anybody else's.
        #[test]
        fn texts_are_escaped(title in "[ -~<>&\"'\u{0}-\u{1f}\u{fffe}]{0,40}") {
            let mut flow = read(MAIN).unwrap();
            let plain = draw(&flow);
            flow.title = title;
            let svg = draw(&flow);
            prop_assert_eq!(svg.matches('<').count(), plain.matches('<').count());
            prop_assert!(svg.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control()));
            for (at, _) in svg.match_indices('&') {
                prop_assert!(["&amp;", "&lt;", "&gt;", "&quot;"].iter().any(|known| svg[at..].starts_with(known)));
            }
        }
    }
}
