//! splitbrain: replicated-state protocols on simulated machines that fail.
//!
//! The command line is the testbed's ([`sim::cli`]); this program gives it the systems, the specifications and the
//! scenarios that it ships with.

fn main() -> std::process::ExitCode {
    sim::cli::Program::new(splitbrain::systems::ALL)
        .specs(splitbrain::specs::ALL)
        .cards(splitbrain::systems::CARDS)
        .scenarios(splitbrain::scenarios)
        .main()
}
