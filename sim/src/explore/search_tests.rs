//! The search on small specifications of its own.

use super::*;
use crate::spec::{Invariant, Property, Queue, Spec};
use serde::{Deserialize, Serialize};

/// Two numbers that a step increases by one, each up to a bound; 0: without end.
struct Grid {
    most: u32,
    within: u32,
    is_symmetric: bool,
    forbidden: Option<[u32; 2]>,
}

const GRID: Grid = Grid { most: 3, within: u32::MAX, is_symmetric: false, forbidden: None };

#[derive(Clone, Serialize, Deserialize)]
struct Point {
    x: u32,
    y: u32,
}

impl Spec for Grid {
    type State = Point;
    type Action = &'static str;

    fn initial(&self) -> Vec<Point> {
        vec![Point { x: 0, y: 0 }]
    }

    fn next(&self, at: &Point, step: &mut impl FnMut(&'static str, Point)) {
        if at.x < self.most {
            step("Right", Point { x: at.x + 1, y: at.y });
        }
        if at.y < self.most {
            step("Up", Point { x: at.x, y: at.y + 1 });
        }
    }

    fn invariants(&self) -> Vec<Invariant<'_, Point>> {
        vec![Invariant::new("Allowed", |at: &Point| Some([at.x, at.y]) != self.forbidden)]
    }

    fn within(&self, at: &Point) -> bool {
        at.x + at.y <= self.within
    }

    fn representative(&self, at: &Point) -> Option<Point> {
        self.is_symmetric.then(|| Point { x: at.x.min(at.y), y: at.x.max(at.y) })
    }

    fn may_end(&self, at: &Point) -> bool {
        at.x == self.most && at.y == self.most
    }
}

fn counts(explored: &Exploration) -> (u64, u64, u32) {
    (explored.generated, explored.distinct, explored.depth)
}

fn search(spec: &impl Spec) -> Exploration {
    explore(spec, &Options::default())
}

#[test]
fn every_state_is_counted_once_and_every_successor_each_time() {
    let explored = search(&GRID);
    assert!(matches!(explored.ending, Ending::Holds));
    // 16 points; 12 steps right, 12 up, and the beginning.
    assert_eq!(counts(&explored), (25, 16, 7));
    assert_eq!(explored.queue, 0);
}

#[test]
fn states_beyond_the_constraint_are_generated_and_not_followed() {
    let explored = search(&Grid { within: 2, ..GRID });
    assert_eq!(counts(&explored), (13, 6, 3));
}

#[test]
fn a_state_beyond_the_constraint_is_judged() {
    let explored = search(&Grid { within: 2, forbidden: Some([1, 2]), ..GRID });
    let violation = explored.violation().unwrap();
    assert_eq!((violation.property.as_str(), violation.trace.len()), ("Allowed", 4));
    assert!(search(&Grid { within: 2, forbidden: Some([2, 2]), ..GRID }).violation().is_none());
}

#[test]
fn of_states_that_differ_by_a_permutation_one_is_followed() {
    assert_eq!(search(&Grid { is_symmetric: true, ..GRID }).distinct, 10);
}

#[test]
fn a_counterexample_is_a_shortest_one_and_marks_what_changed() {
    let explored = search(&Grid { most: 9, forbidden: Some([1, 1]), ..GRID });
    let trace = &explored.violation().unwrap().trace;
    let actions: Vec<Option<&str>> = trace.iter().map(|told| told.action.as_deref()).collect();
    assert_eq!(actions, [None, Some("Right"), Some("Up")]);
    assert_eq!(trace[1].variables, [("x".to_owned(), "1".to_owned()), ("y".to_owned(), "0".to_owned())]);
    assert_eq!(trace[1].changed, [true, false]);
    assert_eq!(trace[2].changed, [false, true]);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    // Batches of several parts, and levels of several batches.
    let spec = Grid { most: 300, forbidden: Some([170, 200]), ..GRID };
    let told = |threads| {
        let explored = explore(&spec, &Options { threads, ..Options::default() });
        let actions: Vec<Option<String>> =
            explored.violation().unwrap().trace.iter().map(|told| told.action.clone()).collect();
        (counts(&explored), actions)
    };
    let alone = told(1);
    assert_eq!(alone.0.2, 371);
    assert_eq!(told(2), alone);
    assert_eq!(told(7), alone);
}

#[test]
fn a_search_without_end_stops_at_its_limit_and_names_what_grows() {
    let spec = Grid { most: u32::MAX, ..GRID };
    let limited = [
        Options { depth_max: Some(40), ..Options::default() },
        Options { memory_max: Some(4 << 20), ..Options::default() },
        Options { time_max: Some(Duration::from_millis(20)), ..Options::default() },
    ];
    let limits = limited.map(|options| match explore(&spec, &options).ending {
        Ending::Unknown { limit, growing } => {
            let mut names: Vec<String> = growing.into_iter().map(|growth| growth.variable).collect();
            names.sort();
            assert_eq!(names, ["x", "y"]);
            limit
        }
        ending => panic!("{ending:?}"),
    });
    assert_eq!(limits, [Limit::Depth(40), Limit::Memory(4 << 20), Limit::Time(Duration::from_millis(20))]);
}

#[test]
fn a_limit_that_is_not_reached_changes_nothing() {
    let options = Options { depth_max: Some(7), memory_max: Some(1 << 30), ..Options::default() };
    let explored = explore(&GRID, &options);
    assert!(matches!(explored.ending, Ending::Holds));
    assert!(matches!(
        explore(&GRID, &Options { depth_max: Some(6), ..options }).ending,
        Ending::Unknown { limit: Limit::Depth(6), .. }
    ));
}

#[test]
fn walks_find_what_is_everywhere_and_prove_nothing() {
    let (mut drawn, walks) = (0u64, Walks { walks: 20, states_max: 50 });
    let mut pick = |bound| {
        drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (drawn >> 33) % bound
    };
    let found = walk(&Grid { forbidden: Some([3, 3]), ..GRID }, &walks, &Options::default(), &mut pick);
    assert_eq!(found.violation().unwrap().trace.len(), 7);
    let nothing = walk(&GRID, &walks, &Options::default(), &mut pick);
    assert!(matches!(nothing.ending, Ending::Unknown { limit: Limit::Walks(20), .. }));
}

#[test]
fn a_small_graph_is_drawn_and_a_large_one_is_not() {
    let drawn =
        |most, draw_max| explore(&Grid { most, ..GRID }, &Options { draw_max, ..Options::default() }).drawing;
    let drawing = drawn(1, Some(10)).unwrap();
    assert!(drawing.contains("0 [label=\"x = 0\\ly = 0\\l\", style=bold];"), "{drawing}");
    assert_eq!(drawing.matches(" -> ").count(), 4);
    assert_eq!((drawn(5, Some(10)), drawn(1, None)), (None, None));
}

/// A spec whose steps or invariant may fail to be one.
struct Faulty {
    is_stuck: bool,
    panics: bool,
}

impl Spec for Faulty {
    type State = Queue<u8>;
    type Action = u8;

    fn initial(&self) -> Vec<Queue<u8>> {
        vec![Queue::new()]
    }

    fn next(&self, queue: &Queue<u8>, step: &mut impl FnMut(u8, Queue<u8>)) {
        if queue.len() < 2 || !self.is_stuck {
            let mut then = queue.clone();
            if then.len() < 3 {
                then.push(7);
            }
            step(7, then);
        }
    }

    fn invariants(&self) -> Vec<Invariant<'_, Queue<u8>>> {
        let holds = |queue: &Queue<u8>| {
            assert!(!self.panics || queue.len() < 2, "two are too many");
            true
        };
        vec![Invariant::new("Fine", holds)]
    }
}

#[test]
fn a_state_without_successor_is_a_deadlock_unless_that_is_accepted() {
    let stuck = Faulty { is_stuck: true, panics: false };
    let explored = search(&stuck);
    let violation = explored.violation().unwrap();
    assert_eq!((violation.property.as_str(), violation.trace.len()), ("deadlock", 3));
    let accepted = explore(&stuck, &Options { is_deadlock_judged: false, ..Options::default() });
    assert!(matches!(accepted.ending, Ending::Holds));
    assert!(matches!(search(&Faulty { is_stuck: false, panics: false }).ending, Ending::Holds));
}

#[test]
fn an_invariant_that_panics_is_told_with_its_state() {
    let explored = search(&Faulty { is_stuck: false, panics: true });
    let violation = explored.violation().unwrap();
    assert_eq!(
        (violation.property.as_str(), violation.message.as_deref()),
        ("panic", Some("two are too many"))
    );
    assert_eq!(violation.trace.last().unwrap().variables, [("state".to_owned(), "[7,7]".to_owned())]);
}

/// A lamp that a child switches on and off as long as it likes, and a door that opens once.
struct Lamp {
    is_door_fair: bool,
}

impl Spec for Lamp {
    type State = (bool, bool);
    type Action = &'static str;

    fn initial(&self) -> Vec<(bool, bool)> {
        vec![(false, false)]
    }

    fn next(&self, (lamp, door): &(bool, bool), step: &mut impl FnMut(&'static str, (bool, bool))) {
        step("Switch", (!lamp, *door));
        step("Open", (*lamp, true));
    }

    fn properties(&self) -> Vec<Property<'_, (bool, bool)>> {
        vec![
            Property::eventually("DoorOpens", |(_, door): &(bool, bool)| *door),
            Property::leads_to("LampGoesOut", |(lamp, _)| *lamp, |(lamp, _): &(bool, bool)| !lamp),
        ]
    }

    fn fairness(&self, action: &'static str) -> Option<u8> {
        match action {
            "Switch" => Some(0),
            _ => self.is_door_fair.then_some(1),
        }
    }
}

#[test]
fn what_is_treated_fairly_happens_and_what_is_not_may_never() {
    assert!(matches!(search(&Lamp { is_door_fair: true }).ending, Ending::Holds));
    // Stuttering would be unfair to the switch: the circle has to go through it.
    let explored = search(&Lamp { is_door_fair: false });
    let violation = explored.violation().unwrap();
    assert_eq!((violation.property.as_str(), violation.trace.len()), ("DoorOpens", 2));
    assert_eq!(violation.lasso, Some(Lasso::Back { to: 1, action: "Switch".to_owned() }));
}
