//! No files of a room lean on each other in a circle: whoever reads one need not have read them all.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const ROOMS: [&str; 11] = [
    "host/domain",
    "host/store",
    "host/plugin-host",
    "host/service",
    "host/server",
    "plugins/identity",
    "plugins/pricing",
    "plugins/sdk",
    "plugins/validation",
    "templates/cloud-hosting",
    "templates/saas-tiers",
];

/// A module's path in its crate; that of the crate's root is empty.
type Module = Vec<String>;

/// The modules of a crate, each with its text, but for those that only test.
fn modules(folder: &Path, at: &Module, found: &mut BTreeMap<Module, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut module = at.clone();
        if !["lib", "main", "mod"].contains(&name.as_str()) {
            module.push(name.clone());
        }
        if name == "tests" {
            continue;
        }
        if path.is_dir() {
            modules(&path, &module, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let of_tests = text.find("mod tests {").unwrap_or(text.len());
            *found.entry(module).or_default() += &text[..of_tests];
        }
    }
}

/// What a `use` names, without its braces: `a::{b, c::d}` are `a::b` and `a::c::d`.
fn names(tree: &str) -> Vec<String> {
    let Some((before, inside)) = tree.split_once('{') else { return vec![tree.to_owned()] };
    let inside = inside.trim_end().trim_end_matches('}');
    let (mut depth, mut start, mut branches) = (0, 0, Vec::new());
    for (at, character) in inside.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                branches.push(&inside[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    branches.push(&inside[start..]);
    let branches = branches.into_iter().map(str::trim).filter(|branch| !branch.is_empty());
    branches.flat_map(names).map(|name| format!("{before}{name}")).collect()
}

/// The paths into its own crate that a module's text has.
fn paths(text: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for line in text.split(';') {
        let line = line.rsplit("use ").next().unwrap();
        if line.starts_with("crate::") || line.starts_with("super::") {
            paths.extend(names(line));
        }
    }
    let is_name = |character: char| character.is_alphanumeric() || "_:".contains(character);
    for (at, _) in text.match_indices("crate::") {
        let path: String = text[at..].chars().take_while(|character| is_name(*character)).collect();
        // What goes on in braces was read above.
        if !path.ends_with("::") {
            paths.insert(path);
        }
    }
    paths
}

/// The module that a path leads to, seen from another one.
fn module_of(path: &str, from: &Module, all: &BTreeMap<Module, String>) -> Option<Module> {
    let mut steps: Vec<&str> = path.split("::").map(str::trim).collect();
    let mut to = Module::new();
    if steps.first() == Some(&"super") {
        to.clone_from(from);
        while steps.first() == Some(&"super") {
            to.pop();
            steps.remove(0);
        }
    } else {
        steps.remove(0);
    }
    for step in steps {
        to.push(step.to_owned());
        if !all.contains_key(&to) {
            to.pop();
            break;
        }
    }
    // The root only names the others.
    (to != *from && !to.is_empty()).then_some(to)
}

/// Which modules each module leans on.
fn leans(all: &BTreeMap<Module, String>) -> BTreeMap<Module, BTreeSet<Module>> {
    let on = |module: &Module, text: &str| {
        paths(text).iter().filter_map(|path| module_of(path, module, all)).collect()
    };
    all.iter().map(|(module, text)| (module.clone(), on(module, text))).collect()
}

/// A way from a module back to itself, if there is one from here on.
fn circle(
    at: &Module,
    leans: &BTreeMap<Module, BTreeSet<Module>>,
    way: &mut Vec<Module>,
    done: &mut BTreeSet<Module>,
) -> Option<Vec<String>> {
    if let Some(begin) = way.iter().position(|module| module == at) {
        return Some(way[begin..].iter().map(|module| module.join("::")).collect());
    }
    if !done.insert(at.clone()) {
        return None;
    }
    way.push(at.clone());
    let found = leans[at].iter().find_map(|next| circle(next, leans, way, done));
    way.pop();
    found
}

#[test]
fn no_files_of_a_room_lean_on_each_other_in_a_circle() {
    for room in ROOMS {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(room).join("src");
        let mut all = BTreeMap::new();
        modules(&source, &Module::new(), &mut all);
        let leans = leans(&all);
        let mut done = BTreeSet::new();
        for module in leans.keys() {
            let found = circle(module, &leans, &mut Vec::new(), &mut done);
            assert_eq!(found, None, "{room}");
        }
    }
}

#[test]
fn a_circle_is_found() {
    let all: BTreeMap<Module, String> = [
        ("a", "use crate::{b, c::d};"),
        ("b", "use super::c::{self, d::{Thing, Other}};\nfn f(e: crate::e::E) {}"),
        ("c", ""),
        ("e", "use std::fmt;\nuse crate::a::A;"),
    ]
    .map(|(name, text)| (vec![name.to_owned()], text.to_owned()))
    .into();
    let begin = vec!["a".to_owned()];
    let found = circle(&begin, &leans(&all), &mut Vec::new(), &mut BTreeSet::new());
    assert_eq!(found.unwrap(), ["a", "b", "e"]);
}
