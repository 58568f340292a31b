//! Times a pass by itself: `cargo run --release --example prepare -- big.jsonl`
//!
//! Says how long each step took, how much memory the process needed at most, and what the job takes on the disk.

#![expect(clippy::print_stdout, reason = "it prints figures")]
#![expect(clippy::cast_precision_loss, reason = "figures are shown rounded")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
use openim_importer::export::{Reader, Settings};
use openim_importer::job::Job;
use openim_importer::mapping::Native;
use openim_importer::message::{Release, SendTime};
use openim_importer::prepare::{Phase, Progress, Rules, run};

#[derive(Parser)]
struct Args {
    /// Native JSONL or CSV.
    sources: Vec<String>,
    /// Where the job is made; removed afterwards.
    #[arg(long)]
    job: Option<PathBuf>,
    /// Adds the same sources again as a second pass.
    #[arg(long)]
    again: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let folder = match &args.job {
        Some(dir) => tempfile::tempdir_in(dir)?,
        None => tempfile::tempdir()?,
    };
    let dir = folder.path().join("bench.job");
    let mut job = Job::create(&dir)?;
    for _ in 0..=u8::from(args.again) {
        pass(&args, &mut job)?;
    }
    let mut bytes = Vec::new();
    for file in fs_err::read_dir(&dir)? {
        let file = file?;
        bytes.push((file.file_name().to_string_lossy().into_owned(), file.metadata()?.len()));
    }
    let totals = job.reader()?.totals()?;
    let per_message = |n: u64| n as f64 / totals.messages.max(1) as f64;
    bytes.sort();
    for (name, n) in bytes {
        println!("{name:20} {:8.1} bytes a message", per_message(n));
    }
    println!("peak memory          {:8.1} MB", peak_memory().unwrap_or(0) as f64 / 1e6);
    Ok(())
}

fn pass(args: &Args, job: &mut Job) -> anyhow::Result<()> {
    let now = SendTime(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?);
    let rules = Rules::new(now, Release::V3_8_3, "{}".to_owned());
    let reader = Reader::open(&Settings::default(), &args.sources, job.next_source()?)?;
    let progress = Arc::new(Progress::default());
    let done = Arc::new(AtomicBool::new(false));
    let watch = std::thread::spawn({
        let (progress, done) = (Arc::clone(&progress), Arc::clone(&done));
        move || watch(&progress, &done)
    });
    let started = Instant::now();
    let cpu = cpu_seconds();
    let summary = run(reader, &Native, &rules, job, &progress)?;
    let took = started.elapsed();
    let cpu = cpu_seconds() - cpu;
    done.store(true, Ordering::Relaxed);
    let phases = watch.join().expect("the watch doesn't panic");
    let look = progress.look();
    println!(
        "{} messages in {} conversations of {} users, {:.2} s",
        summary.messages,
        summary.conversations,
        job.reader()?.totals()?.users,
        took.as_secs_f64(),
    );
    for (phase, (time, cpu)) in ["read", "compare", "index"].into_iter().zip(phases) {
        println!("  {phase:8} {time:8.2?} {cpu:8.2} s of CPU");
    }
    println!(
        "{:.0} messages/s, {:.0} MB/s, {:.2} µs of CPU a message, {} findings, {} known",
        look.messages as f64 / took.as_secs_f64(),
        look.read as f64 / took.as_secs_f64() / 1e6,
        cpu * 1e6 / look.messages as f64,
        summary.errors() + summary.warnings(),
        summary.known,
    );
    Ok(())
}

/// How long each phase lasts, to ten milliseconds, and its seconds of CPU.
fn watch(progress: &Progress, done: &AtomicBool) -> [(Duration, f64); 3] {
    let mut times = [(Duration::ZERO, 0.0); 3];
    let mut last = (Instant::now(), cpu_seconds());
    while !done.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(10));
        let phase = match progress.look().phase {
            Phase::Read => 0,
            Phase::Compare => 1,
            Phase::Index => 2,
        };
        let now = (Instant::now(), cpu_seconds());
        times[phase].0 += now.0 - last.0;
        times[phase].1 += now.1 - last.1;
        last = now;
    }
    times
}

fn peak_memory() -> Option<u64> {
    let status = fs_err::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kb| kb * 1024)
}

fn cpu_seconds() -> f64 {
    let stat = fs_err::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).and_then(|t| t.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
