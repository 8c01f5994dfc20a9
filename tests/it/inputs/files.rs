//! Hostile files and file systems: full, read-only, failing, without links, killed half-way.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::support::tenant::{Offline, Run};

const BINARY: &str = env!("CARGO_BIN_EXE_irsactl");
const OFFLINE: &str =
    "bootstrap --dry-run --offline --account-id 111122223333 --region us-west-2 --cluster demo";

/// Whether the machine lets a test do this; if not, it says so where nothing captures it.
pub(crate) fn allowed(test: &str, program: &str, arguments: &[&str]) -> bool {
    let tried = Command::new(program).args(arguments).output();
    let allowed = tried.as_ref().is_ok_and(|output| output.status.success());
    if !allowed {
        let reason = tried.map_or_else(
            |e| e.to_string(),
            |output| String::from_utf8_lossy(&output.stderr).into_owned(),
        );
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED {test}: {program} {arguments:?}: {}",
            reason.trim()
        );
    }
    allowed
}

fn has_strace(test: &str) -> bool {
    allowed(test, "strace", &["-o", "/dev/null", "true"])
}

/// Runs with faults injected into system calls, as `strace -e inject=` names them.
fn faulty(work: &Offline, inject: &[&str], arguments: &str) -> Run {
    let calls: Vec<&str> = inject
        .iter()
        .map(|fault| fault.split(':').next().unwrap())
        .collect();
    let mut strace = work.command("strace");
    strace.args([
        "-f",
        "-o",
        "/dev/null",
        "-e",
        &format!("trace={}", calls.join(",")),
    ]);
    for fault in inject {
        strace.args(["-e", &format!("inject={fault}")]);
    }
    let mut command = strace;
    command.arg(BINARY).args(arguments.split(' '));
    command.output().unwrap().into()
}

/// The names in a directory, sorted.
fn names(work: &Offline, dir: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(work.path(dir)) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

const MOUNTS: [&str; 3] = ["-m", "sh", "-c"];

fn can_mount(test: &str) -> bool {
    let mount = [&MOUNTS[..], &["mount -t tmpfs tmpfs /mnt"]].concat();
    allowed(test, "unshare", &mount)
}

/// Runs a script that may mount what nobody else sees.
fn mounting(work: &Offline, script: &str) -> Output {
    let mut command = work.command("unshare");
    command.args(MOUNTS).arg(format!("set -e; {script}"));
    command.output().unwrap()
}

#[test]
fn a_full_disk_leaves_no_part_of_a_file() {
    let test = "a_full_disk_leaves_no_part_of_a_file";
    if !can_mount(test) {
        return;
    }
    let work = Offline::new();
    fs::create_dir(work.path("disk")).unwrap();
    // A file has whole pages of 4 KiB: room for none, for the key alone, and for both.
    let script = format!(
        "mount -t tmpfs -o size=16k tmpfs disk; cd disk
         fill() {{ rm -f ../filled; dd if=/dev/zero of=filler bs=4k count=$1 2>/dev/null; }}
         fill 4; {BINARY} keygen && exit 1; test $? = 1; test -z \"$(ls -A issuer)\"
         fill 3; {BINARY} keygen && exit 1; test \"$(ls -A issuer)\" = sa-signer.key
         rm filler; cp issuer/sa-signer.key ../before; {BINARY} keygen; cmp issuer/sa-signer.key ../before
         fill 2; {BINARY} {OFFLINE} --documents docs > ../plan && exit 1
         test -z \"$(ls -A docs | grep irsactl)\"
         for file in docs/*; do test ! -e $file || test -s $file; done"
    );
    let output = mounting(&work, &script);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{output:#?}");
    assert_eq!(said.matches("No space left on device").count(), 3, "{said}");
    assert!(
        said.contains("cannot write issuer/sa-signer.key")
            && said.contains("cannot write issuer/sa-signer.pub"),
        "{said}"
    );
}

#[test]
fn a_read_only_file_system_is_named_and_read_from() {
    let test = "a_read_only_file_system_is_named_and_read_from";
    if !can_mount(test) {
        return;
    }
    let work = Offline::new();
    fs::create_dir(work.path("disk")).unwrap();
    let script = format!(
        "mount -t tmpfs tmpfs disk; cd disk; {BINARY} keygen; mkdir empty; mount -o remount,ro tmpfs .
         {BINARY} keygen; {BINARY} jwks; {BINARY} {OFFLINE}
         for dir in empty new; do {BINARY} keygen --dir $dir && exit 1; test $? = 1; done"
    );
    let output = mounting(&work, &script);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{output:#?}");
    assert_eq!(said.matches("Read-only file system").count(), 2, "{said}");
}

#[test]
fn a_directory_or_key_of_somebody_else_is_named() {
    let test = "a_directory_or_key_of_somebody_else_is_named";
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    if !allowed(test, "setpriv", &[&nobody[..], &["true"]].concat()) {
        return;
    }
    let work = Offline::new();
    work.irsactl("keygen").ok();
    // Where nobody else may look, there is no program to run either.
    work.shell(&format!(
        "chmod 755 .; cp {BINARY} irsactl; chmod 755 irsactl; mkdir root; chmod 755 root issuer"
    ));
    for (arguments, code, path) in [
        ("keygen --dir root", 1, "root/sa-signer.key"),
        ("keygen --dir root/new", 1, "root/new"),
        ("keygen", 1, "issuer/sa-signer.key"),
    ] {
        let mut command = work.command("setpriv");
        command
            .args(nobody)
            .arg("./irsactl")
            .args(arguments.split(' '));
        Run::from(command.output().unwrap()).fails(code, &[path, "Permission denied"]);
    }
    assert_eq!(names(&work, "root"), Vec::<String>::new());
}

/// The four places where the pair is synced: the key, its directory, the public key, its directory.
#[test]
fn a_failed_sync_is_an_error_and_the_next_run_goes_on() {
    if !has_strace("a_failed_sync_is_an_error_and_the_next_run_goes_on") {
        return;
    }
    for (sync, left) in [
        (1, &[][..]),
        (2, &["sa-signer.key"]),
        (3, &["sa-signer.key"]),
        (4, &["sa-signer.key", "sa-signer.pub"]),
    ] {
        let work = Offline::new();
        faulty(&work, &[&format!("fsync:error=EIO:when={sync}")], "keygen")
            .fails(1, &["cannot write issuer/sa-signer", "Input/output error"]);
        assert_eq!(names(&work, "issuer"), left, "sync {sync}");
        let before = fs::read(work.path("issuer/sa-signer.key")).ok();
        work.irsactl("keygen").ok();
        assert_eq!(names(&work, "issuer"), ["sa-signer.key", "sa-signer.pub"]);
        if let Some(before) = before {
            assert_eq!(fs::read(work.path("issuer/sa-signer.key")).unwrap(), before);
        }
    }
}

/// Killed before each sync and each rename: what is left is private, and in nobody's way.
#[test]
fn a_keygen_that_is_killed_is_gone_on_with() {
    if !has_strace("a_keygen_that_is_killed_is_gone_on_with") {
        return;
    }
    for call in [
        "fsync:signal=KILL:when=1",
        "fsync:signal=KILL:when=2",
        "fsync:signal=KILL:when=3",
        "fsync:signal=KILL:when=4",
        "renameat2:signal=KILL:when=1",
        "renameat2:signal=KILL:when=2",
    ] {
        let work = Offline::new();
        let killed = faulty(&work, &[call], "keygen");
        assert_eq!(
            (killed.code, killed.stdout.as_str()),
            (-1, ""),
            "{call}: {killed:#?}"
        );
        let left = names(&work, "issuer");
        for name in &left {
            let mode = fs::metadata(work.path("issuer").join(name))
                .unwrap()
                .permissions()
                .mode()
                & 0o777;
            let public = name.ends_with(".pub")
                || (name.starts_with(".irsactl-") && left.contains(&"sa-signer.key".to_owned()));
            assert!(
                mode == 0o600 || (public && mode == 0o644),
                "{call}: {name} has mode {mode:o}"
            );
        }
        let before = fs::read(work.path("issuer/sa-signer.key")).ok();
        let kid = work.irsactl("keygen").ok();
        assert_eq!(kid.trim(), work.kid("issuer/sa-signer.pub"));
        assert!(before.is_none_or(|before| before == fs::read(work.path("issuer/sa-signer.key")).unwrap()), "{call}");
        assert_eq!(work.irsactl("keygen").ok(), kid);
    }
}

/// NFS and vfat: no rename that refuses to replace, then no hard link either.
#[test]
fn a_file_system_without_links_is_refused_and_nothing_is_overwritten() {
    if !has_strace("a_file_system_without_links_is_refused_and_nothing_is_overwritten") {
        return;
    }
    let work = Offline::new();
    let (no_rename, no_link) = ("renameat2:error=EINVAL", "linkat:error=EPERM");
    faulty(&work, &[no_rename, no_link], "keygen").fails(1, &["cannot write issuer/sa-signer.key"]);
    assert_eq!(names(&work, "issuer"), Vec::<String>::new());
    faulty(&work, &[no_rename], "keygen").ok();
    assert_eq!(names(&work, "issuer"), ["sa-signer.key", "sa-signer.pub"]);
    // Somebody else is faster: the key comes into being between the look and the link.
    let work = Offline::new();
    faulty(&work, &["renameat2:error=EEXIST"], "keygen").fails(4, &["something is there already"]);
    assert_eq!(names(&work, "issuer"), Vec::<String>::new());
}

#[test]
fn directories_with_any_name_work_and_hints_can_be_pasted() {
    let work = Offline::new();
    for dir in [
        "ключи",
        "my dir",
        "it's",
        "a\nb",
        "-dash",
        "$(touch owned)",
        "--",
        "*",
    ] {
        let run = |command: &str| -> Run {
            let option = format!("--dir={dir}");
            work.command(BINARY)
                .args([command, &option])
                .output()
                .unwrap()
                .into()
        };
        let made = run("keygen");
        assert!(!made.stderr.contains("a\nb"), "{made:#?}");
        let kid = made.ok();
        assert_eq!(run("keygen").ok(), kid, "{dir}");
        let key = work.path(dir).join("sa-signer.key");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        let refused = run("keygen");
        assert_eq!(refused.code, 4, "{refused:#?}");
        // A line break cannot be shown as it is; everything else can be pasted.
        if !dir.contains('\n') {
            let (_, hint) = refused.stderr.split_once("chmod").unwrap();
            let (hint, _) = hint.split_once("; else").unwrap();
            work.shell(&format!("chmod{hint}"));
            assert_eq!(run("keygen").ok(), kid, "{dir}");
        }
    }
    assert!(!work.path("owned").exists());
}

/// Every option that names a file: what is no file, what has no end, what nobody writes.
#[test]
fn what_is_no_file_is_not_waited_for_and_not_read_to_its_end() {
    let work = Offline::new();
    work.irsactl("keygen").ok();
    work.shell("mkfifo fifo; mkdir directory; truncate -s 100M large; ln -s nowhere dangling");
    let issuer = "--issuer https://a.example";
    for option in [
        "jwks --public-key FILE".to_owned(),
        "jwks --adopt-key FILE".to_owned(),
        format!("{OFFLINE} --adopt-key FILE"),
        "role --cluster demo --region us-west-2 --service-account a/b --print-trust-policy --account-id 111122223333 --inline-policy FILE".to_owned(),
        "token decode FILE".to_owned(),
        format!("flags {issuer} --existing-issuer https://b.example --existing-public-key FILE --format talos --talos-version 1.12"),
        "verify --region us-west-2 --webhook FILE".to_owned(),
        "flags --config FILE".to_owned(),
    ] {
        for file in ["/dev/zero", "fifo", "directory", "large", "dangling"] {
            // A cluster file may come out of a pipe, as from <(sops decrypt …): that is waited for.
            if file == "fifo" && option.contains("--config") {
                continue;
            }
            let start = Instant::now();
            let arguments = option.replace("FILE", file);
            let line = format!("ulimit -v 4000000; timeout 30 {BINARY} {arguments} --timeout 2");
            let run: Run = work.command("sh").args(["-c", &line]).output().unwrap().into();
            if !option.contains("--existing-public-key") {
                assert!([1, 3, 4, 64].contains(&run.code) || (file == "fifo" && run.code == 124), "{arguments}: {run:#?}");
            }
            assert!(start.elapsed() < Duration::from_secs(25), "{arguments}: {:?}", start.elapsed());
            assert!(!run.stderr.contains("panicked"), "{arguments}: {run:#?}");
        }
    }
}
