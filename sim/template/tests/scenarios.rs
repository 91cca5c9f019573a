//! Every scenario file is a test; its path is its name. `SPLITBRAIN_SEEDS` deepens, `SPLITBRAIN_SEED` pins one.

fn main() -> std::process::ExitCode {
    sim::testing::main({{crate_name}}::SYSTEMS, "scenarios")
}
