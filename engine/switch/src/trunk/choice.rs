//! Which of several trunks is tried first: by priority, and among equals by weight, as RFC 2782 does it for hosts.

use sip::random::Random;

/// A trunk's rank among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rank {
    pub(super) priority: u16,
    pub(super) weight: u16,
}

/// The places of `ranks` in the order in which they are tried. Those without a weight come after the drawn ones of their
/// priority, in the order given. Nothing is drawn where nothing can be chosen.
pub(super) fn order(ranks: &[Rank], random: &mut Random) -> Vec<usize> {
    let mut priorities: Vec<u16> = ranks.iter().map(|rank| rank.priority).collect();
    priorities.sort_unstable();
    priorities.dedup();
    let mut order = Vec::with_capacity(ranks.len());
    for priority in priorities {
        let equals = (0..ranks.len()).filter(|at| ranks[*at].priority == priority);
        let (mut weighted, rest): (Vec<usize>, Vec<usize>) = equals.partition(|at| ranks[*at].weight > 0);
        while weighted.len() > 1 {
            let total: u64 = weighted.iter().map(|at| u64::from(ranks[*at].weight)).sum();
            // The remainder's bias is below 2^-40: a total is below 2^24.
            let mut drawn = random.next_u64() % total;
            let place = weighted.iter().position(|at| {
                let weight = u64::from(ranks[*at].weight);
                let hit = drawn < weight;
                drawn = drawn.saturating_sub(weight);
                hit
            });
            order.push(weighted.remove(place.expect("what is drawn lies below the total")));
        }
        order.extend(weighted);
        order.extend(rest);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(priority: u16, weight: u16) -> Rank {
        Rank { priority, weight }
    }

    #[test]
    fn the_lower_priority_comes_first_and_equals_keep_their_order() {
        let mut random = Random::from_seed([1; 32]);
        let ranks = [rank(1, 0), rank(0, 0), rank(0, 0), rank(1, 5)];
        assert_eq!(order(&ranks, &mut random), [1, 2, 3, 0]);
        assert_eq!(order(&[], &mut random), [0_usize; 0]);
    }

    #[test]
    fn a_weight_is_a_share_of_the_calls() {
        let mut random = Random::from_seed([2; 32]);
        let ranks = [rank(0, 1), rank(0, 3)];
        let firsts = (0..4_000).filter(|_| order(&ranks, &mut random)[0] == 1).count();
        assert!((2_850..3_150).contains(&firsts), "{firsts} of 4000 went to the one with three quarters of the weight");
    }
}
