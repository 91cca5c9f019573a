//! The share of runs that fail, over the instant from which nothing more was done to them.

/// How many runs fail of those that were left alone from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// The instant, in ms since the workload began.
    pub at_ms: i64,
    /// How many fail the same way.
    pub failing: u32,
    /// Of so many.
    pub of: u32,
}

impl Point {
    /// The share of those that fail.
    pub fn share(&self) -> f64 {
        f64::from(self.failing) / f64::from(self.of)
    }
}

/// Points in the order of their instants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Curve(Vec<Point>);

/// When a failure was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rise {
    /// All fail, even if nothing is done to them at all.
    Settled,
    /// It rises most between these two: what happened there led to it.
    Between(Point, Point),
    /// It rises nowhere by as much as chance would not explain.
    Nowhere,
}

/// A difference of one in so many is hardly chance: of fifty runs, two and a half standard deviations at least.
const JUMP: u32 = 4;
/// Where the share jumps, the time in between is halved so often.
const HALVINGS: u32 = 12;

impl Curve {
    /// Counts what fails at these instants, which are in order, and between neighbours where it jumps; at the first of
    /// them alone, if all fail there. None as soon as `count` gives none.
    pub(super) fn of(
        instants: impl IntoIterator<Item = i64>,
        count: impl Fn(&[i64]) -> Option<Vec<Point>>,
    ) -> Option<Curve> {
        let instants: Vec<i64> = instants.into_iter().collect();
        let (first, later) = instants.split_at(instants.len().min(1));
        let mut points = count(first)?;
        // What no other chance avoids from the beginning, none avoids later.
        if points.iter().all(|point| point.failing == point.of) {
            return Some(Curve(points));
        }
        points.extend(count(later)?);
        for _ in 0..HALVINGS {
            let jumps = points.windows(2).filter(|pair| jumps(&pair[0], &pair[1]));
            let between = jumps.map(|pair| i64::midpoint(pair[0].at_ms, pair[1].at_ms));
            let between: Vec<i64> =
                between.filter(|at| points.iter().all(|point| point.at_ms != *at)).collect();
            if between.is_empty() {
                break;
            }
            points.extend(count(&between)?);
            points.sort_by_key(|point| point.at_ms);
        }
        Some(Curve(points))
    }

    /// Its points.
    pub fn points(&self) -> &[Point] {
        &self.0
    }

    /// Where it rises.
    pub fn rise(&self) -> Rise {
        if self.0.iter().all(|point| point.failing == point.of) {
            return Rise::Settled;
        }
        let by = |pair: &[Point]| i64::from(pair[1].failing) - i64::from(pair[0].failing);
        // The first of those that rise equally.
        let steepest = self.0.windows(2).rev().max_by_key(|pair| by(pair));
        match steepest {
            Some(&[before, after]) if before.failing < after.failing && jumps(&before, &after) => {
                Rise::Between(before, after)
            }
            _ => Rise::Nowhere,
        }
    }
}

fn jumps(before: &Point, after: &Point) -> bool {
    before.failing.abs_diff(after.failing) * JUMP >= before.of
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts as a run would whose failure is settled as `failing` says of each instant.
    fn curve(failing: impl Fn(i64) -> u32) -> Curve {
        let point = |at_ms: &i64| Point { at_ms: *at_ms, failing: failing(*at_ms), of: 50 };
        Curve::of((0..=10).map(|i| i * 100), |instants| Some(instants.iter().map(point).collect()))
            .expect("nobody stops it")
    }

    #[test]
    fn a_step_is_found_to_within_two_milliseconds() {
        let curve = curve(|at| if at < 437 { 3 } else { 50 });
        let Rise::Between(before, after) = curve.rise() else { panic!("{curve:?}") };
        assert!(before.at_ms < 437 && 437 <= after.at_ms && after.at_ms - before.at_ms <= 2, "{curve:?}");
        assert_eq!((before.share(), after.share()), (0.06, 1.0));
    }

    #[test]
    fn a_failure_that_no_other_chance_avoids_is_settled_from_the_beginning() {
        let settled = curve(|_| 50);
        assert_eq!((settled.rise(), settled.points().len()), (Rise::Settled, 1));
    }

    #[test]
    fn noise_is_no_rise() {
        assert_eq!(curve(|at| 20 + (at / 100 % 3) as u32 * 3).rise(), Rise::Nowhere);
        assert_eq!(curve(|_| 0).rise(), Rise::Nowhere);
    }

    #[test]
    fn the_greatest_of_several_rises_is_told_and_where_it_falls_is_none() {
        let steps = |at: i64| match at {
            ..250 => 0,
            250..400 => 15,
            400..600 => 45,
            _ => 5,
        };
        let Rise::Between(before, after) = curve(steps).rise() else { panic!("it rises") };
        assert_eq!((before.failing, after.failing), (15, 45));
    }

    #[test]
    fn whoever_stops_counting_gets_no_curve() {
        assert_eq!(Curve::of([0, 100], |_| None), None);
    }
}
