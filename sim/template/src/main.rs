//! The command: `list`, `run`, `sweep`, `replay`, `shrink`, `why` and the rest, for this protocol.

fn main() -> std::process::ExitCode {
    sim::cli::main({{crate_name}}::SYSTEMS)
}
