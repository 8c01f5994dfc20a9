//! The fuzz targets on stable Rust: their corpus is replayed, then mutated for FUZZ_SECONDS each (2 when
//! nobody says otherwise). An input that breaks a promise is written to tests/corpus, so that it stays.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::support::session::repository;
use crate::targets::{TARGETS, Target};

fn seeds(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = repository().join("tests/corpus").join(name);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let read = |path: PathBuf| {
        let bytes = fs::read(&path).unwrap();
        (path, bytes)
    };
    files.into_iter().map(read).collect()
}

/// A seed with a few bytes changed, taken away, doubled, or taken from another seed.
fn mutated(random: &mut fastrand::Rng, seeds: &[(PathBuf, Vec<u8>)]) -> Vec<u8> {
    const TOKENS: [&[u8]; 8] = [
        b"\"d\":\"AQAB\"",
        b"null",
        b"-----BEGIN ",
        b"\xff\xfe",
        b"\r\n",
        b"{\"keys\":[",
        b"9223372036854775808",
        b"*",
    ];
    let pick = |random: &mut fastrand::Rng| random.choice(seeds).unwrap().1.clone();
    let mut bytes = pick(random);
    for _ in 0..random.usize(1..6) {
        let at = random.usize(0..=bytes.len());
        let end = random.usize(at..=bytes.len()).min(at + 64);
        match random.u8(0..6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.u8(0..8),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            3 => {
                let other = pick(random);
                let from = random.usize(0..=other.len());
                bytes.splice(at..end, other[from..].iter().take(64).copied());
            }
            4 => {
                let token = random.choice(TOKENS).unwrap();
                bytes.splice(at..at, token.iter().copied());
            }
            _ => bytes.insert(at, random.u8(..)),
        }
    }
    bytes.truncate(1 << 16);
    bytes
}

fn run((name, target): Target, seconds: u64) -> usize {
    let seeds = seeds(name);
    assert!(seeds.len() >= 3, "{name}");
    let check = |bytes: &[u8]| catch_unwind(AssertUnwindSafe(|| target(bytes))).is_ok();
    for (path, bytes) in &seeds {
        assert!(check(bytes), "{}", path.display());
    }
    // The same inputs in every run of so many; the corpus is what finds are kept in.
    let mut random = fastrand::Rng::with_seed(seeds.len() as u64);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut runs = 0;
    while Instant::now() < end {
        let bytes = mutated(&mut random, &seeds);
        if !check(&bytes) {
            let find = repository().join(format!("tests/corpus/{name}/find-{runs}"));
            fs::write(&find, bytes).unwrap();
            panic!("{name}: see {}", find.display());
        }
        runs += 1;
    }
    runs
}

#[test]
fn no_input_breaks_a_promise() {
    let seconds = std::env::var("FUZZ_SECONDS").map_or(2, |text| text.parse().unwrap());
    let figures: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = TARGETS
            .into_iter()
            .map(|target| (target.0, scope.spawn(move || run(target, seconds))))
            .collect();
        let count = |(name, thread): (&str, std::thread::ScopedJoinHandle<'_, usize>)| {
            format!("{name} {}", thread.join().unwrap())
        };
        threads.into_iter().map(count).collect()
    });
    println!("fuzz: {seconds} s each, inputs: {}", figures.join(", "));
    assert!(figures.iter().all(|figure| !figure.ends_with(" 0")));
}
