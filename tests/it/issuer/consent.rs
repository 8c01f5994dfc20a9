//! Changes need consent: an answer on a terminal, or `--yes`.

use crate::issuer::refusals::untouched;
use crate::support::tenant::{Offline, Run, Tenant};

#[test]
fn without_a_terminal_changes_need_yes() {
    let tenant = Tenant::with_key();
    tenant
        .irsactl("bootstrap --cluster demo")
        .fails(64, &["there is no terminal", "--yes", "--dry-run"]);
    untouched(&tenant);
    tenant
        .irsactl("publish --cluster demo")
        .fails(64, &["--yes"]);
    tenant
        .irsactl("provider --cluster demo")
        .fails(64, &["--yes"]);
    untouched(&tenant);
}

#[test]
fn on_a_terminal_the_answer_decides() {
    let tenant = Tenant::with_key();
    // script(1) gives the binary a terminal and passes its exit code on.
    let ask = |answer: &str| -> Run {
        let binary = env!("CARGO_BIN_EXE_irsactl");
        let line = format!(
            "(sleep 7; echo {answer}) | script -qec '{binary} bootstrap --cluster demo --timeout 6' /dev/null"
        );
        tenant
            .command("sh")
            .args(["-c", &line])
            .output()
            .unwrap()
            .into()
    };
    let no = ask("n");
    assert!(
        no.stdout.contains("make these changes? [y/N]")
            && no.stdout.contains("nothing was changed"),
        "{no:#?}"
    );
    assert_eq!(no.code, 4);
    untouched(&tenant);
    assert_eq!(ask("y").code, 0);
    assert_eq!(tenant.changes().len(), 6);
}

#[test]
fn an_offline_plan_needs_the_account() {
    let run = "publish --bucket abc --region us-west-2 --dry-run --offline";
    let work = Offline::new();
    work.irsactl("keygen").ok();
    work.irsactl(run).fails(64, &["give it with --account-id"]);
}
