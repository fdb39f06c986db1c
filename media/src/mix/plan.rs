//! How each output of a room is made with few additions: from a sum that many share, with corrections.

use std::collections::BTreeSet;

use crate::gain::Gain;

/// What one output hears.
#[derive(Debug, Clone)]
pub(super) struct Listen {
    /// Sources with their gains in steps, in order.
    pub(super) terms: Vec<(usize, i32)>,
    /// The source that the sink itself is, if anybody hears it.
    pub(super) own: Option<usize>,
}

/// Shared sums, and what is to be done with them.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Sources of each shared sum.
    pub(super) sums: Vec<Vec<usize>>,
    /// In the order of the outputs.
    pub(super) recipes: Vec<Recipe>,
}

/// One output: a shared sum or silence, plus each source times its steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recipe {
    pub(super) sum: Option<usize>,
    pub(super) terms: Vec<(usize, i32)>,
}

impl Plan {
    pub(super) fn new(sources: usize, listens: Vec<Listen>) -> Self {
        let mut sums: Vec<BTreeSet<usize>> = Vec::new();
        let mut users: Vec<usize> = Vec::new();
        // Sums by source: only those that have a source in common with an output are looked at.
        let mut with_source: Vec<Vec<usize>> = vec![Vec::new(); sources];
        let mut recipes = Vec::new();
        for listen in &listens {
            let candidates: BTreeSet<usize> =
                listen.terms.iter().take(PROBES).flat_map(|(source, _)| with_source[*source].iter().copied()).collect();
            let best = candidates
                .into_iter()
                .map(|sum| corrected(sum, &sums[sum], &listen.terms))
                .min_by_key(|recipe| recipe.terms.len())
                .filter(|recipe| recipe.terms.len() * 2 < listen.terms.len());
            let recipe = match best {
                Some(recipe) => recipe,
                None if listen.terms.len() < SHARED_FROM => Recipe { sum: None, terms: listen.terms.clone() },
                None => {
                    // Its own voice is in the sum of the others, most likely.
                    let members = listen.terms.iter().map(|(source, _)| *source).chain(listen.own).collect();
                    let recipe = corrected(sums.len(), &members, &listen.terms);
                    members.iter().for_each(|source| with_source[*source].push(sums.len()));
                    sums.push(members);
                    users.push(0);
                    recipe
                }
            };
            recipe.sum.into_iter().for_each(|sum| users[sum] += 1);
            recipes.push(recipe);
        }
        // A sum with one user is a detour.
        for (recipe, listen) in recipes.iter_mut().zip(listens) {
            if recipe.sum.is_some_and(|sum| users[sum] == 1) {
                *recipe = Recipe { sum: None, terms: listen.terms };
            }
        }
        let sums = sums.iter().zip(&users).map(|(members, users)| match users {
            0 | 1 => Vec::new(),
            _ => members.iter().copied().collect(),
        });
        Self { sums: sums.collect(), recipes }
    }
}

/// What is to be added to a sum so that it becomes what is to be heard.
fn corrected(sum: usize, members: &BTreeSet<usize>, terms: &[(usize, i32)]) -> Recipe {
    let unity = Gain::UNITY.steps();
    let mut corrections = Vec::new();
    let mut common = 0;
    for (source, steps) in terms {
        let there = if members.contains(source) { unity } else { 0 };
        common += usize::from(there != 0);
        if *steps != there {
            corrections.push((*source, steps - there));
        }
    }
    if common < members.len() {
        let heard: BTreeSet<usize> = terms.iter().map(|(source, _)| *source).collect();
        corrections.extend(members.difference(&heard).map(|source| (*source, -unity)));
    }
    Recipe { sum: Some(sum), terms: corrections }
}

/// Outputs of fewer sources are added up for themselves.
const SHARED_FROM: usize = 3;
/// Sources by which a sum is looked for.
const PROBES: usize = 4;
