//! Tells the crate how it is compiled: in a run without optimisation everything takes twenty times as long, and whoever
//! waits should know why.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let level = std::env::var("OPT_LEVEL").unwrap_or_default();
    println!("cargo::rustc-env=SPLITBRAIN_OPT_LEVEL={level}");
}
