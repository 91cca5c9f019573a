//! The command, for the strangers.

fn main() -> std::process::ExitCode {
    sim::cli::main(splitbrain_strangers::ALL)
}
