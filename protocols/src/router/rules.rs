//! Whether a backend is up: one counter, as HAProxy has it.

/// What a router thinks of a backend.
///
/// The counter goes from 0 to rise + fall − 1; the backend is up from `rise` on. It counts answers of one kind in a
/// row: a good answer while up sets it to the top, a bad one while down to the bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Health {
    counter: u32,
    rise: u32,
    fall: u32,
}

impl Health {
    /// Of a backend that was never asked: it is up, and one bad answer brings it down (HAProxy 3.0.11, seen).
    pub fn new(rise: u32, fall: u32) -> Health {
        Health { counter: rise, rise, fall }
    }

    pub fn is_up(self) -> bool {
        self.counter >= self.rise
    }

    /// Takes an answer in.
    pub fn on_answer(&mut self, good: bool) {
        let top = self.rise + self.fall - 1;
        self.counter = match (good, self.is_up()) {
            (true, true) => top,
            (true, false) if self.counter + 1 == self.rise => top,
            (true, false) => self.counter + 1,
            (false, true) if self.counter == self.rise => 0,
            (false, true) => self.counter - 1,
            (false, false) => 0,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether it is up after each of these answers; `+` is a good one.
    fn after(answers: &str) -> String {
        let mut health = Health::new(2, 3);
        let up = answers.chars().map(|answer| {
            health.on_answer(answer == '+');
            if health.is_up() { 'u' } else { '.' }
        });
        up.collect()
    }

    /// HAProxy 3.0.11, seen: up until the first check, one failure of which is down.
    #[test]
    fn who_was_never_asked_is_up_and_the_first_answer_decides() {
        assert!(Health::new(2, 3).is_up());
        assert_eq!(after("+"), "u");
        assert_eq!(after("-"), ".");
    }

    #[test]
    fn three_bad_answers_in_a_row_bring_it_down() {
        assert_eq!(after("+--+---"), "uuuuuu.");
    }

    #[test]
    fn two_good_answers_in_a_row_bring_it_up() {
        assert_eq!(after("-+-++"), "....u");
    }

    #[test]
    fn who_has_come_up_takes_three_bad_answers_to_go_down_again() {
        assert_eq!(after("-++--"), "..uuu");
        assert_eq!(after("-++---"), "..uuu.");
    }

    #[test]
    fn with_rise_and_fall_of_one_each_answer_decides() {
        let mut health = Health::new(1, 1);
        for good in [true, false, true, true, false] {
            health.on_answer(good);
            assert_eq!(health.is_up(), good);
        }
    }
}
