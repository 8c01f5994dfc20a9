//! `migrate`: the state is a small file, whole at any time, and what is not ours is left alone.

use std::fs;
use std::os::unix::fs::symlink;

use crate::cluster::merge_rules::DEFAULT;
use crate::migrate::{NEW, STATE, WITH_OLD_KEY, stage_of, start, state, work};

const OLD_KEY: &str = "/keys/old.pub";

#[test]
fn starting_again_shows_the_stage_and_another_migration_is_refused() {
    let work = work();
    start(&work, "--format k3s").ok();
    work.irsactl("migrate next --assume-done").ok();
    let before = state(&work);
    assert_eq!(start(&work, "--format k3s -o json").json()["stage"], "swap");
    start(&work, "--format rke2").fails(4, &["with other options", "rm issuer/migration.json"]);
    let other = format!(
        "migrate start --issuer https://a.example --existing-issuer {DEFAULT} --format k3s"
    );
    work.irsactl(&other)
        .fails(4, &[&format!("is one to {NEW}"), "irsactl migrate status"]);
    assert_eq!(state(&work), before);
    // Each directory has its own.
    let elsewhere = work.irsactl(&format!("{other} --keep-key --dir b"));
    let text = elsewhere.ok();
    assert!(text.contains("irsactl migrate --dir b next"), "{text}");
}

#[test]
fn what_cannot_be_migrated_is_refused_before_a_state_is_written() {
    let work = work();
    for (options, code, words) in [
        ("--format flags", 64, "--existing-public-key"),
        (
            "--format talos",
            4,
            "cannot bring a new signing key into talos",
        ),
        ("--format kops", 4, "--keep-key"),
        ("--format cluster-api --cluster demo", 4, "--adopt-key"),
        ("--format kind", 4, "cannot keep the existing issuer"),
        (
            "--format typhoon --keep-key",
            4,
            "cannot keep the existing issuer",
        ),
        (
            "--format eks-anywhere",
            4,
            "cannot keep the existing issuer",
        ),
        (
            "--format talos --talos-version 1.12 --keep-key",
            4,
            "cannot keep the existing issuer",
        ),
        ("--format cluster-api --keep-key", 64, "--cluster"),
        (
            "--format k3s --kubernetes-version 1.34",
            64,
            "it is for kubeadm and kind",
        ),
        (
            "--format k3s --keep-key --node-dir /a",
            64,
            "cannot be used with",
        ),
        ("--format k3s --dir none", 4, "irsactl keygen"),
    ] {
        start(&work, options).fails(code, &[words]);
        assert!(!work.path(STATE).exists(), "{options}");
    }
    let same = format!("migrate start --issuer {NEW} --existing-issuer {NEW} --format k3s");
    work.irsactl(&same).fails(64, &["to itself"]);
    work.irsactl(&format!("migrate start --issuer {NEW}"))
        .fails(64, &["--existing-issuer"]);
    for command in ["status", "next --assume-done", "back"] {
        work.irsactl(&format!("migrate {command}"))
            .fails(4, &["cannot find a migration", "migrate start"]);
    }
}

#[test]
fn a_state_file_that_is_not_ours_is_refused_and_left_alone() {
    let work = work();
    start(&work, &format!("--format kubeadm{WITH_OLD_KEY}")).ok();
    let good = state(&work);
    let broken = |from: &str, to: &str| {
        assert!(good.contains(from), "{from} in {good}");
        good.replace(from, to)
    };
    for (text, words) in [
        (String::new(), "EOF"),
        (good[..good.len() / 2].to_owned(), "EOF"),
        ("[]".to_owned(), "invalid length"),
        (broken("\"1.0\"", "\"2.0\""), "unknown variant `2.0`"),
        (
            broken("\"stage\": \"add\"", "\"stage\": \"done\""),
            "unknown variant `done`",
        ),
        (
            broken("\"since\": \"2", "\"since\": \"x"),
            "a time looks like",
        ),
        (broken(NEW, "http://a.example"), "scheme must be https"),
        (broken(DEFAULT, "a b"), "an issuer is not empty"),
        (broken(DEFAULT, NEW), "no existing issuer"),
        (broken(OLD_KEY, "/a\\nb"), "absolute path"),
        (broken("/etc/kubernetes/pki/irsa", "irsa"), "absolute path"),
        (broken("\"kid\": \"", "\"kid\": \"\\u001b"), "is no kid"),
        (
            broken("\"kubeadm\"", "\"minikube\""),
            "unknown variant `minikube`",
        ),
        (broken("\"stage\"", "\"stages\""), "unknown field"),
        ("x".repeat(70_000), "larger than 64 KiB"),
    ] {
        work.write(STATE, &text);
        for command in ["status", "next --assume-done", "back"] {
            let run = work.irsactl(&format!("migrate {command}"));
            let code = if text.len() > 65_536 { 1 } else { 4 };
            assert!(!run.stderr.contains('\u{1b}'), "{run:#?}");
            run.fails(code, &[words]);
        }
        assert!(!start(&work, "--format k3s").stderr.is_empty());
        assert_eq!(state(&work), text);
    }
    fs::remove_file(work.path(STATE)).unwrap();
    symlink("sa-signer.pub", work.path(STATE)).unwrap();
    work.irsactl("migrate status")
        .fails(1, &["cannot read issuer/migration.json"]);
}

#[test]
fn a_run_that_is_killed_or_cannot_write_leaves_the_stage_before() {
    let work = work();
    start(&work, "--format k3s").ok();
    let before = state(&work);
    // The kernel kills whoever writes beyond this size.
    let killed = format!(
        "(ulimit -f 0; {} migrate next --assume-done) > out 2> said && exit 1; test ! -s out",
        env!("CARGO_BIN_EXE_irsactl")
    );
    work.shell(&killed);
    assert_eq!(state(&work), before);
    assert_eq!(
        work.irsactl("migrate status -o json").json()["stage"],
        "add"
    );
    // A reader that has gone away keeps nothing from being noted, and status prints it again.
    let deaf = format!(
        "{} migrate next --assume-done | true",
        env!("CARGO_BIN_EXE_irsactl")
    );
    work.shell(&deaf);
    assert_eq!(
        work.irsactl("migrate status -o json").json()["stage"],
        "swap"
    );
    // Another name for the file is not written through.
    fs::rename(work.path(STATE), work.path("elsewhere.json")).unwrap();
    fs::copy(work.path("elsewhere.json"), work.path(STATE)).unwrap();
    let elsewhere = fs::read(work.path("elsewhere.json")).unwrap();
    fs::hard_link(work.path(STATE), work.path("linked.json")).unwrap();
    work.irsactl("migrate next --assume-done").ok();
    assert_eq!(fs::read(work.path("linked.json")).unwrap(), elsewhere);
    assert_eq!(stage_of(&work), "wait");
}

#[test]
fn an_argument_cannot_start_a_line_of_its_own() {
    let work = work();
    start(&work, "--format k3s").ok();
    let hostile = "a\n::error::x\u{1b}[2J";
    let begin = ["migrate", "start", "--issuer", NEW, "--existing-issuer"];
    for arguments in [
        &["jwks", "--adopt-key"][..],
        &["migrate", "status", "--dir"],
        &["migrate", "next", "--cluster-jwks"],
        &["migrate", "next", "--cluster-discovery"],
        &["migrate", "next", "--token"],
        &begin,
    ] {
        let mut command = work.command(env!("CARGO_BIN_EXE_irsactl"));
        let output = command.args(arguments).arg(hostile).output().unwrap();
        let shown = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let is_clean = !shown.contains("\n::") && !shown.contains('\u{1b}');
        assert!(
            is_clean && !output.status.success(),
            "{arguments:?}: {shown}"
        );
    }
}
