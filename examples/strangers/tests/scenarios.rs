//! Every scenario file is a test. `SPLITBRAIN_SEEDS` deepens, `SPLITBRAIN_SEED` pins one.

fn main() -> std::process::ExitCode {
    sim::testing::main(splitbrain_strangers::ALL, "scenarios")
}
