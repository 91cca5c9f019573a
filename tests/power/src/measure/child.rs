//! A process that is asked to end once it has had its time of the processor, with all that it started.

use miette::{Context, IntoDiagnostic};
use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::process::{self, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How often one looks what it has had.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The unit of times in `/proc`, which is the same on all machines that Linux calls by these names.
const TICKS_PER_S: f64 = 100.0;

/// The process, and what it prints.
pub struct Child {
    process: process::Child,
    lines: Lines<BufReader<ChildStdout>>,
    ended: Arc<AtomicBool>,
}

impl Child {
    /// Starts it, and gives it so many seconds.
    pub fn start(command: &mut Command, seconds: f64) -> miette::Result<Self> {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().into_diagnostic()?;
        let lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let (id, ended) = (process.id(), Arc::new(AtomicBool::new(false)));
        processor_seconds(id)?;
        let is_ended = ended.clone();
        thread::spawn(move || {
            while !is_ended.load(Ordering::Relaxed) && processor_seconds(id).is_ok_and(|had| had < seconds) {
                #[allow(clippy::disallowed_methods)] // it looks at a real process
                thread::sleep(LOOK_EVERY);
            }
            if !is_ended.load(Ordering::Relaxed) {
                // It ends in good order, and keeps where it was.
                let _ = Command::new("kill").args(["-INT", &id.to_string()]).stderr(Stdio::null()).status();
            }
        });
        Ok(Child { process, lines, ended })
    }

    /// The next line that it prints; none once it has ended.
    pub fn line(&mut self) -> miette::Result<Option<String>> {
        self.lines.next().transpose().into_diagnostic()
    }

    /// Ends it at once. Returns the time that it has had, in seconds.
    pub fn end(&mut self) -> miette::Result<f64> {
        self.ended.store(true, Ordering::Relaxed);
        let had = processor_seconds(self.process.id());
        self.process.kill().into_diagnostic()?;
        self.process.wait().into_diagnostic()?;
        had
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // It has ended, or is about to.
        let _ = self.process.wait();
    }
}

/// The time that a process has had, and those that it started and waited for.
fn processor_seconds(id: u32) -> miette::Result<f64> {
    let path = format!("/proc/{id}/stat");
    let stat = fs::read_to_string(&path).into_diagnostic().wrap_err_with(|| path.clone())?;
    // The name, in parentheses, may have spaces; what follows has none. See `man 5 proc`: utime, stime, cutime, cstime.
    let after_name = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks = after_name.split_whitespace().skip(11).take(4).filter_map(|ticks| ticks.parse::<f64>().ok());
    Ok(ticks.sum::<f64>() / TICKS_PER_S)
}
