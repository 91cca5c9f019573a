//! Recovery on real files, and SQLite beside it.
//!
//! Every replay has a process of its own, which this program starts of itself: so its memory is its own. A round takes
//! each in turn, so that a busy machine slows them all alike. What is read was written shortly before: all of them find
//! their files in the page cache.
//!
//! - [`table`]: the commands as rows, and what SQLite does with them.
//! - [`state`]: what a replay led to, in a form that two can be compared by.

mod state;
mod table;

use crate::report::{Report, megabytes};
use crate::sizes::sizes;
use crate::{Options, work};
use clap::Subcommand;
use host::disk::Disk;
use protocols::bookings::Journal;
use serde::{Deserialize, Serialize};
use state::State;
use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use std::{fs, io};

/// What a process of its own does.
#[derive(Subcommand)]
#[command(hide = true)]
pub enum Part {
    /// Recover from a log of so many commands
    Recover { folder: PathBuf, commands: u32 },
    /// Replay a table by SQLite
    Replay { file: PathBuf },
}

/// What a replay took.
#[derive(Serialize, Deserialize)]
struct Replay {
    seconds: f64,
    /// The most memory that its process had.
    peak_bytes: u64,
    state: State,
}

/// What is compared.
const LOG: &str = "log";
const SNAPSHOTS: &str = "log and snapshots";
const SQLITE: &str = "SQLite";

/// Measures each length: the log, the log with snapshots, and SQLite.
pub fn measure(options: &Options) -> Result<Report, Box<dyn Error>> {
    let columns = ["commands", "", "MB on disk", "ms", "commands/s", "as fast as SQLite", "MB of memory"];
    let mut report = Report::new(columns);
    for commands in options.lengths() {
        let files = Files::fill(commands, options.snapshot)?;
        let mut rounds = [(); 3].map(|()| Vec::new());
        for _ in 0..options.rounds {
            for (part, replays) in files.parts().iter().zip(&mut rounds) {
                replays.push(in_a_process(part)?);
            }
        }
        let told = &rounds[0][0].state;
        assert_eq!(told.commands, u64::from(commands), "all is replayed");
        assert!(rounds.iter().flatten().all(|replay| replay.state == *told), "{commands}: one state");
        let medians = rounds.map(|replays| median(&replays));
        let sqlite = medians[2].seconds;
        for ((what, bytes), Median { seconds, peak_bytes }) in files.bytes()?.into_iter().zip(medians) {
            report.add_row([
                commands.to_string(),
                what.to_owned(),
                megabytes(bytes),
                format!("{:.2}", seconds * 1e3),
                format!("{:.0}", f64::from(commands) / seconds),
                format!("{:.1} ×", sqlite / seconds),
                megabytes(peak_bytes),
            ]);
            report.add_point(what, commands, seconds);
        }
    }
    Ok(report)
}

/// What a process of its own does; its answer is a line of JSON.
pub fn measure_part(part: &Part) -> Result<(), Box<dyn Error>> {
    let replay = match part {
        Part::Recover { folder, commands } => runtime()?.block_on(recover(folder, *commands))?,
        Part::Replay { file } => {
            let begin = Instant::now();
            let replayed = table::replay(file)?;
            let seconds = begin.elapsed().as_secs_f64();
            Replay { seconds, peak_bytes: peak_bytes()?, state: replayed.state()? }
        }
    };
    writeln!(io::stdout(), "{}", serde_json::to_string(&replay)?)?;
    Ok(())
}

async fn recover(folder: &Path, commands: u32) -> Result<Replay, Box<dyn Error>> {
    let begin = Instant::now();
    let disk = Disk::at(folder).await?;
    let mut journal = Journal::open(&disk, &work::options()).await?;
    let seconds = begin.elapsed().as_secs_f64();
    let peak_bytes = peak_bytes()?;
    Ok(Replay { seconds, peak_bytes, state: State::of_journal(&mut journal, commands)? })
}

/// The same commands thrice.
struct Files {
    _folder: tempfile::TempDir,
    log: PathBuf,
    snapshots: PathBuf,
    sqlite: PathBuf,
    commands: u32,
}

impl Files {
    fn fill(commands: u32, snapshot: u32) -> Result<Files, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name);
        let (log, snapshots, sqlite) = (at("log"), at("snapshots"), at("commands.sqlite"));
        let options = work::options();
        runtime()?.block_on(async {
            let mut table = table::Filling::begin(&sqlite)?;
            let mut journal = Journal::open(&Disk::at(&log).await?, &options).await?;
            work::fill::<Box<dyn Error>>(&mut journal, commands, None, |id, command, answer| {
                table.add(id, command, answer)
            })
            .await?;
            table.end()?;
            let mut journal = Journal::open(&Disk::at(&snapshots).await?, &options).await?;
            work::fill::<Box<dyn Error>>(&mut journal, commands, Some(snapshot), |_, _, _| Ok(())).await
        })?;
        Ok(Files { _folder: folder, log, snapshots, sqlite, commands })
    }

    fn parts(&self) -> [Part; 3] {
        let recover = |folder: &PathBuf| Part::Recover { folder: folder.clone(), commands: self.commands };
        [recover(&self.log), recover(&self.snapshots), Part::Replay { file: self.sqlite.clone() }]
    }

    /// What each takes up.
    fn bytes(&self) -> Result<[(&'static str, u64); 3], Box<dyn Error>> {
        let of_log = |folder: &Path| {
            let sizes = runtime()?.block_on(async { sizes(&Disk::at(folder).await?).await });
            sizes.map(|sizes| sizes.on_disk)
        };
        Ok([
            (LOG, of_log(&self.log)?),
            (SNAPSHOTS, of_log(&self.snapshots)?),
            (SQLITE, fs::metadata(&self.sqlite)?.len()),
        ])
    }
}

/// The medians of all rounds.
struct Median {
    seconds: f64,
    peak_bytes: u64,
}

fn median(replays: &[Replay]) -> Median {
    let mut seconds: Vec<f64> = replays.iter().map(|replay| replay.seconds).collect();
    let mut bytes: Vec<u64> = replays.iter().map(|replay| replay.peak_bytes).collect();
    seconds.sort_by(f64::total_cmp);
    bytes.sort_unstable();
    Median { seconds: seconds[seconds.len() / 2], peak_bytes: bytes[bytes.len() / 2] }
}

fn in_a_process(part: &Part) -> Result<Replay, Box<dyn Error>> {
    let mut process = Command::new(std::env::current_exe()?);
    match part {
        Part::Recover { folder, commands } => {
            process.arg("recover").arg(folder).arg(commands.to_string());
        }
        Part::Replay { file } => {
            process.arg("replay").arg(file);
        }
    }
    let output = process.output()?;
    if output.status.success() {
        Ok(serde_json::from_slice(&output.stdout)?)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into())
    }
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// The most that this process took up so far, as Linux tells it.
fn peak_bytes() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib =
        line.and_then(|line| line.trim().strip_suffix(" kB")).ok_or("/proc/self/status has no VmHWM")?;
    Ok(kib.parse::<u64>()? * 1024)
}
