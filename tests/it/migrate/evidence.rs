//! `migrate next`: a stage is left when the API server shows that it took effect, and not when it shows
//! something else.

use std::fs;

use serde_json::{Value, json};

use crate::cluster::merge_rules::DEFAULT;
use crate::migrate::{NEW, STATE, start, state, work};
use crate::support::tenant::Offline;

/// What API servers show before and after a stage.
fn cluster(work: &Offline) {
    work.irsactl("keygen --dir cluster").ok();
    let set = |dir: &str| -> Value {
        let keys = work.irsactl(&format!("jwks --public-key {dir}/sa-signer.pub"));
        keys.json()["keys"][0].clone()
    };
    let (old, new) = (set("cluster"), set("issuer"));
    work.write("old-keys", json!({ "keys": [old] }).to_string());
    work.write("both-keys", json!({ "keys": [old, new] }).to_string());
    let discovery =
        |issuer: &str| json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys.json") });
    work.write("old-issuer", discovery(DEFAULT).to_string());
    work.write("new-issuer", discovery(NEW).to_string());
    work.write("other-issuer", discovery("https://a.example").to_string());
    work.write("forbidden", "Error from server (Forbidden)");
    for (name, dir, issuer, audience) in [
        ("old-token", "cluster", DEFAULT, DEFAULT),
        ("added-token", "cluster", DEFAULT, NEW),
        ("new-token", "issuer", NEW, NEW),
        ("mixed-token", "cluster", NEW, NEW),
    ] {
        work.irsactl(&format!(
            "token mint --dir {dir} --issuer {issuer} --audience {audience} --out {name}"
        ))
        .ok();
    }
}

/// Runs `migrate next` in a stage with what was seen; the state stays as it was unless it is left.
fn case(work: &Offline, state_file: &str, seen: &str, code: i32, words: &str) {
    work.write(STATE, state_file);
    let run = work.irsactl(&format!("migrate next {seen}"));
    let told = format!("{seen}: {run:#?}");
    assert_eq!(run.code, code, "{told}");
    assert!(run.stderr.contains(words), "no {words:?} in {told}");
    assert_eq!(run.stdout.is_empty(), code != 0, "{told}");
    assert_eq!(state(work) == state_file, code != 0, "{told}");
}

#[test]
fn a_stage_is_left_when_its_effect_is_seen_and_not_when_it_is_contradicted() {
    let work = work();
    cluster(&work);
    start(&work, "--format k3s").ok();
    let add = state(&work);
    let swap = add.replace("\"stage\": \"add\"", "\"stage\": \"swap\"");
    let kept = start(&work, "--format k3s --keep-key --dir kept");
    kept.ok();
    let kept = fs::read_to_string(work.path("kept/migration.json")).unwrap();
    let kept_swap = kept.replace("\"stage\": \"add\"", "\"stage\": \"swap\"");
    let hint = "'irsactl migrate status' says how to see it";
    for (stage, seen, code, words) in [
        (&add, "", 4, hint),
        (&add, "--assume-done", 0, ""),
        (&add, "--drop --assume-done", 64, "it is for the stage wait"),
        (&add, "--cluster-jwks both-keys", 0, "pass     cluster keys"),
        (&add, "--cluster-jwks old-keys", 3, "cluster keys: "),
        (
            &add,
            "--cluster-jwks old-keys --assume-done",
            3,
            "cluster keys: ",
        ),
        (&add, "--cluster-jwks forbidden", 3, "it is not JSON"),
        (&add, "--cluster-jwks none", 3, "No such file"),
        // Says nothing of what is accepted.
        (&add, "--cluster-discovery old-issuer", 4, hint),
        (
            &add,
            "--cluster-discovery new-issuer",
            3,
            "irsactl migrate back",
        ),
        (
            &add,
            "--cluster-jwks both-keys --cluster-discovery new-issuer",
            3,
            "cluster issuer",
        ),
        (
            &add,
            "--cluster-jwks both-keys --cluster-discovery old-issuer",
            0,
            "",
        ),
        (&add, "--token old-token", 4, hint),
        (&add, "--token added-token", 0, "pass     audience"),
        (&add, "--token new-token", 3, "claim iss"),
        (
            &add,
            "--token - --cluster-jwks -",
            64,
            "two things from standard input",
        ),
        (&kept, "--cluster-jwks old-keys", 4, hint),
        (&kept, "--token added-token", 0, ""),
        (
            &swap,
            "--cluster-discovery new-issuer",
            0,
            "pass     cluster issuer",
        ),
        (
            &swap,
            "--cluster-discovery old-issuer",
            3,
            "first --service-account-issuer",
        ),
        (
            &swap,
            "--cluster-discovery other-issuer --assume-done",
            3,
            "https://a.example",
        ),
        (&swap, "--cluster-jwks both-keys", 4, hint),
        (
            &swap,
            "--cluster-discovery new-issuer --cluster-jwks old-keys",
            3,
            "cluster keys",
        ),
        (&swap, "--token new-token", 0, ""),
        (
            &swap,
            "--token old-token",
            3,
            "issuer: https://kubernetes.default",
        ),
        (
            &swap,
            "--token mixed-token",
            3,
            "--service-account-signing-key-file",
        ),
        (&swap, "--token forbidden", 1, "cannot take forbidden apart"),
        (&kept_swap, "--token mixed-token", 0, ""),
    ] {
        case(&work, stage, seen, code, words);
    }
}

#[test]
fn the_old_tokens_have_a_day_and_dropping_them_is_a_decision() {
    let work = work();
    cluster(&work);
    start(&work, "--format k3s").ok();
    work.irsactl("migrate next --assume-done").ok();
    work.irsactl("migrate next --cluster-discovery new-issuer")
        .ok();
    let answer = work.irsactl("migrate status -o json").json();
    let now = state(&work);
    let since = answer["since"].as_str().unwrap();
    let seconds = |time: &Value| {
        let date = format!("date -u -d {} +%s", time.as_str().unwrap());
        work.shell(&date).trim().parse::<u64>().unwrap()
    };
    assert_eq!(
        seconds(&answer["until"]),
        seconds(&answer["since"]) + 86_400
    );
    let yesterday = work.shell("date -u -d '24 hours ago' +%FT%TZ");
    let over = now.replace(since, yesterday.trim());
    let seen = "--cluster-discovery new-issuer";
    let until = answer["until"].as_str().unwrap().to_owned();
    for (stage, options, code, words) in [
        (&now, "--assume-done", 4, "the migration is complete"),
        (&now, "", 4, "irsactl migrate next --drop"),
        (&now, "--drop", 4, until.as_str()),
        (&now, &format!("--drop {seen}"), 4, until.as_str()),
        (
            &now,
            "--drop --assume-done",
            0,
            "warning: once this is rolled out",
        ),
        (&over, "", 4, "the migration is complete"),
        (&over, "--drop", 4, "says how to see it"),
        (
            &over,
            "--drop --cluster-discovery old-issuer",
            3,
            "cluster issuer",
        ),
        (
            &over,
            &format!("--drop {seen}"),
            0,
            "warning: once this is rolled out",
        ),
    ] {
        case(&work, stage, options, code, words);
    }
    work.irsactl("migrate next --assume-done")
        .fails(4, &["it is the last one"]);
}

#[test]
fn kubectl_is_asked_for_both_documents() {
    let mut work = work();
    cluster(&work);
    let path = format!(
        "{}:{}",
        work.dir.path().display(),
        std::env::var("PATH").unwrap()
    );
    work.environment.insert("PATH", path);
    // It is run in no directory of ours.
    let here = work.dir.path().display();
    let kubectl = format!(
        "#!/bin/sh\ncd {here}\n{}",
        "case \"$*\" in\n*/bad' '*) echo 'no configuration' >&2; exit 1 ;;\n*jwks) cat both-keys ;;\n*) cat shown ;;\nesac\n"
    );
    work.write("kubectl", kubectl);
    work.shell("chmod +x kubectl && cp old-issuer shown");
    start(&work, "--format k3s").ok();
    work.irsactl("migrate next --kubeconfig bad")
        .fails(3, &["no configuration"]);
    let answer = work
        .irsactl("migrate next --kubeconfig good -o json")
        .json();
    assert_eq!(answer["stage"], "swap");
    assert_eq!(answer["checks"][0]["name"], "cluster keys");
    work.irsactl("migrate next --kubeconfig good")
        .fails(3, &["cluster issuer"]);
    work.shell("cp new-issuer shown");
    let answer = work
        .irsactl("migrate next --kubeconfig good -o json")
        .json();
    assert_eq!(answer["stage"], "wait");
}
