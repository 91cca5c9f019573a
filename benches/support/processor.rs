//! What other processes cost.

/// The processor time of all processes that this one has waited for, in s: Linux tells it in hundredths.
pub fn of_children() -> f64 {
    let stat =
        std::fs::read_to_string("/proc/self/stat").expect("processor times are read from Linux's /proc");
    let (_, after_the_name) = stat.rsplit_once(')').expect("the name stands in brackets");
    // The user's and the system's time of children, fields 16 and 17 of all.
    let fields = after_the_name.split_whitespace().skip(13).take(2);
    fields.map(|ticks| ticks.parse::<f64>().expect("a number of ticks")).sum::<f64>() / 100.0
}
