//! A few worlds with every run of the tests; many more run in the `sim` profile.

#[test]
fn some_worlds_keep_every_promise() {
    for seed in 1..=40 {
        if let Err(wrong) = sim::world::live(seed) {
            panic!("{wrong}");
        }
    }
}

#[test]
fn a_day_of_a_call_centre_keeps_every_promise() {
    if let Err(wrong) = sim::world::live_day(1, sim::centre::day::Size::SMALL) {
        panic!("{wrong}");
    }
}

#[test]
fn a_seed_gives_the_same_world_again() {
    for seed in [3, 15, 17] {
        let first = sim::world::live(seed).expect("a world that is lived through above, too");
        let again = sim::world::live(seed).expect("the same world");
        assert_eq!(first, again);
    }
}
