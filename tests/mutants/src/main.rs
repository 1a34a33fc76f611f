//! `cargo run --manifest-path tests/mutants/Cargo.toml`: changes the code that keeps the promise in many small ways, one at a time, and
//! sees whether a test notices. See README.md beside this.

mod instrument;
mod record;
mod survivors;
mod tests;
mod tree;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use instrument::Mutant;
use survivors::Accepted;
use tests::{Suite, Verdict};

/// Below this the command fails.
const WANTED_PERCENT: usize = 95;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let known = |argument: &String| argument == "--list" || argument.starts_with("--most=");
    if arguments.iter().any(|argument| argument.starts_with('-') && !known(argument)) {
        eprintln!("usage: mutants [--list] [--most=TESTS PER MUTANT] [PART OF A FILE'S PATH...]");
        return ExitCode::from(2);
    }
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("mutants: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[String]) -> Result<bool, String> {
    let only: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let most = arguments
        .iter()
        .find_map(|argument| argument.strip_prefix("--most=")?.parse().ok())
        .unwrap_or(usize::MAX);
    let began = Instant::now();
    let copy = tree::Copy::make()?;
    let mut mutants = copy.instrument_until_it_compiles()?;
    if !only.is_empty() {
        mutants.retain(|mutant| only.iter().any(|part| mutant.file.contains(part.as_str())));
    }
    println!("{} mutants that compile, after {:.0?}", mutants.len(), began.elapsed());
    if arguments.iter().any(|argument| argument == "--list") {
        mutants.iter().for_each(|mutant| println!("{}:{} {}", mutant.file, mutant.line, mutant.name()));
        return Ok(true);
    }
    let suite = Suite::build(&copy)?;
    println!("{} tests, after {:.0?}", suite.len(), began.elapsed());
    let reached = record::reached_by(&suite)?;
    println!("recorded which test reaches which mutant, after {:.0?}", began.elapsed());
    let verdicts = try_all(&mutants, &suite, &reached, most);
    report(&mutants, &verdicts, &copy, only.is_empty())
}

/// Two at a time; each mutant's tests from the fastest to the slowest, until one fails.
fn try_all(
    mutants: &[Mutant],
    suite: &Suite,
    reached: &record::Reached,
    most: usize,
) -> BTreeMap<u32, Verdict> {
    let queue = Mutex::new(mutants.iter());
    let verdicts = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().ok().and_then(|mut queue| queue.next());
                    let Some(mutant) = next else { return };
                    let mut tests = reached.tests_of(mutant.number);
                    tests.truncate(most);
                    let verdict = suite.try_mutant(mutant.number, &tests);
                    let Ok(mut verdicts) = verdicts.lock() else { return };
                    if !verdict.is_caught() {
                        println!("SURVIVES {}:{} {}", mutant.file, mutant.line, mutant.name());
                    }
                    verdicts.insert(mutant.number, verdict);
                    if verdicts.len() % 50 == 0 {
                        println!("{} of {} tried", verdicts.len(), mutants.len());
                    }
                }
            });
        }
    });
    verdicts.into_inner().unwrap_or_default()
}

fn report(
    mutants: &[Mutant],
    verdicts: &BTreeMap<u32, Verdict>,
    copy: &tree::Copy,
    whole: bool,
) -> Result<bool, String> {
    let accepted = Accepted::read(&copy.original)?;
    let mut by_file: BTreeMap<&str, (usize, usize, usize)> = BTreeMap::new();
    let mut open = Vec::new();
    for mutant in mutants {
        let counts = by_file.entry(&mutant.file).or_default();
        let caught = verdicts.get(&mutant.number).is_some_and(Verdict::is_caught);
        counts.1 += 1;
        if caught {
            counts.0 += 1;
        } else if accepted.reason(mutant).is_some() {
            counts.2 += 1;
        } else {
            open.push(mutant);
        }
    }
    println!("\n{:<64} caught   of  listed with a reason", "file");
    let mut total = (0, 0, 0);
    for (file, (caught, all, listed)) in &by_file {
        println!("{file:<64} {caught:>6} {all:>4} {listed:>4}");
        total = (total.0 + caught, total.1 + all, total.2 + listed);
    }
    let percent = total.0 * 100 / total.1.max(1);
    println!(
        "{} of {} caught: {percent} % (wanted: {WANTED_PERCENT} %), {} listed with a reason",
        total.0, total.1, total.2
    );
    for mutant in &open {
        println!("not caught, not listed: {}:{} {}", mutant.file, mutant.line, mutant.name());
    }
    let unused = if whole { accepted.unused(mutants, verdicts) } else { Vec::new() };
    unused.iter().for_each(|name| println!("listed, and caught or gone: {name}"));
    Ok(percent >= WANTED_PERCENT && open.is_empty() && unused.is_empty())
}
