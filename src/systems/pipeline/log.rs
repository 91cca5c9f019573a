//! The logs that clients put: a load balancer's, in which some lines are broken on purpose.

use std::fmt::Write as _;

/// The longest log, in lines.
const LINES_MAX: u64 = 16;
/// Broken lines have this in place of the balancer's name.
pub(super) const BROKEN: &str = "broken";

/// The key of a log: a blank, a plus sign, and what else has to be encoded.
pub(super) fn key(number: u64) -> String {
    format!("logs/2017 02/a+b&c=100%/{number}.log")
}

/// The lines of a log. The same number has the same lines.
pub(super) fn body(number: u64) -> String {
    let mut text = String::new();
    for line in 0..=mixed(number) % LINES_MAX {
        let drawn = mixed(number ^ (line << 48));
        let (second, status) = (drawn % 60, 200 + drawn % 3);
        let received = format!("2017-02-20T03:{:02}:{second:02}.{drawn:06}Z", line % 60);
        let ends = "10.0.0.1:2817 10.0.1.2:80 0.000073 0.001048 0.000057";
        let request =
            format!("\"GET https://example.com:443/{number}/{line} HTTP/1.1\" \"Mozilla/5.0 (X11; Linux)\"");
        let written = match drawn % 16 {
            0 => writeln!(text, "{received} {BROKEN} {ends}"),
            1 => writeln!(text, "{received} {BROKEN} {ends} ok {status} 0 29 {request} - -"),
            2 => writeln!(text, "{received} {BROKEN} {ends} {status} {status} 0 29 \"GET / - -"),
            3 => writeln!(text, "{received} web 10.0.0.1:2817 - -1 -1 -1 504 0 0 0 {request} - -"),
            _ => writeln!(text, "{received} web {ends} {status} {status} 0 29 {request} - -"),
        };
        written.expect("a text takes what is written to it");
    }
    text
}

/// Whether a line is one of those that are broken on purpose.
pub(super) fn is_broken(line: &str) -> bool {
    line.split(' ').nth(1) == Some(BROKEN)
}

/// SplitMix64, of Steele, Lea and Flood.
fn mixed(seed: u64) -> u64 {
    let seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    seed ^ (seed >> 31)
}
