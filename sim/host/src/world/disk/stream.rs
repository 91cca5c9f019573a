//! A stream of randomness that is made when something is drawn from it for the first time.

use super::Draw;

pub(super) struct Stream {
    seed: u64,
    purpose: &'static str,
    entity: String,
    draw: Option<Box<Draw>>,
}

impl Stream {
    pub(super) fn new(seed: u64, purpose: &'static str, entity: &str) -> Self {
        Stream { seed, purpose, entity: entity.to_owned(), draw: None }
    }

    /// Whether something of this probability happens. What cannot happen draws nothing.
    pub(super) fn strikes(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.draw().chance(probability)
    }

    pub(super) fn draw(&mut self) -> &mut Draw {
        self.draw.get_or_insert_with(|| Box::new(Draw::new(self.seed, self.purpose, &self.entity)))
    }
}
