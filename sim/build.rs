//! A file that is new in the template, or gone, is so in the command too: what embeds them sees only those that it has
//! seen.

fn main() {
    println!("cargo::rerun-if-changed=template");
}
