//! A CI job is not a person at a terminal: nobody is asked, nothing moves, and the log can be folded.

use crate::issuer::refusals::untouched;
use crate::support::tenant::{Run, Tenant};

/// A frame of the line that moves.
const FRAMES: [char; 4] = ['⠁', '⠉', '⠋', '⠙'];

/// The binary on a terminal, by script(1), which passes its exit code on; both streams are in stdout.
fn on_a_terminal(tenant: &Tenant, arguments: &str, environment: &[(&str, &str)]) -> Run {
    let binary = env!("CARGO_BIN_EXE_irsactl");
    let line = format!("{binary} {arguments}");
    let mut script = tenant.command("script");
    script.args(["-qec", &line, "/dev/null"]);
    script
        .env("TERM", "xterm")
        .envs(environment.iter().copied());
    script.stdin(std::process::Stdio::null());
    script.output().unwrap().into()
}

fn moves(run: &Run) -> bool {
    FRAMES.iter().any(|frame| run.stdout.contains(*frame))
}

#[test]
fn nobody_is_asked_in_a_ci_job_even_on_a_terminal() {
    let tenant = Tenant::with_key();
    for (arguments, ci) in [
        ("bootstrap --cluster demo --ci", ""),
        ("bootstrap --cluster demo", "true"),
        ("destroy --cluster demo", "1"),
    ] {
        let run = on_a_terminal(&tenant, arguments, &[("CI", ci)]);
        assert_eq!(run.code, 64, "{run:#?}");
        assert!(run.stdout.contains("this is a CI job (--ci)"), "{run:#?}");
        assert!(!run.stdout.contains('\u{1b}'), "{run:#?}");
    }
    untouched(&tenant);
    let run = on_a_terminal(&tenant, "destroy --cluster demo", &[("CI", "false")]);
    assert!(!run.stdout.contains("CI job"), "{run:#?}");
}

#[test]
fn a_step_moves_on_a_terminal_and_nowhere_else() {
    let tenant = Tenant::with_key().named();
    let dry_run = "bootstrap --cluster demo --dry-run";
    for (arguments, environment) in [
        (format!("{dry_run} --ci"), ("CI", "")),
        (dry_run.to_owned(), ("CI", "true")),
        (dry_run.to_owned(), ("TERM", "dumb")),
        (format!("{dry_run} 2> progress.txt"), ("TERM", "xterm")),
    ] {
        let run = on_a_terminal(&tenant, &arguments, &[environment]);
        assert_eq!(run.code, 0, "{run:#?}");
        assert!(!moves(&run), "{arguments}: {run:#?}");
    }
    let colours = on_a_terminal(&tenant, &format!("{dry_run} --ci --color always"), &[]);
    assert!(colours.stdout.contains("\u{1b}[32m+"), "{colours:#?}");
    assert!(
        on_a_terminal(&tenant, dry_run, &[])
            .stdout
            .contains("reading what is there")
    );

    tenant.delay_next("CreateBucket", 1);
    let run = on_a_terminal(&tenant, "bootstrap --cluster demo --yes", &[]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(moves(&run), "{run:#?}");
    // It says which step takes how long already,
    let counts = |tenths| {
        run.stdout
            .contains(&format!(" 0.{tenths} s  + bucket s3://demo-oidc-"))
    };
    assert!((3..10).any(counts), "{run:#?}");
    // and goes when the step has ended.
    for line in run.stdout.split('\n') {
        let stays = line.rsplit("\u{1b}[2K").next().unwrap();
        assert!(!stays.contains(FRAMES), "{stays:?}");
    }
}

#[test]
fn a_job_can_fold_its_log_and_never_its_errors() {
    let mut tenant = Tenant::with_key().named();
    for (variable, starts, ends) in [
        ("GITHUB_ACTIONS", "::group::", "::endgroup::"),
        (
            "GITLAB_CI",
            "\u{1b}[0Ksection_start:",
            "\u{1b}[0Ksection_end:",
        ),
    ] {
        let environment = &mut tenant.offline.environment;
        environment.retain(|name, _| !name.starts_with("GIT"));
        environment.insert(variable, "true".to_owned());
        let cluster = variable.to_lowercase().replace('_', "-");
        let run =
            |more: &str| tenant.irsactl(&format!("bootstrap --cluster {cluster} --yes{more}"));
        tenant.fail_next("PutObject", 1, 403, "AccessDenied", "##[add-mask]no");
        let failed = run("");
        assert_eq!(failed.code, 5, "{failed:#?}");
        let (folded, open) = failed.stderr.rsplit_once(ends).unwrap();
        for part in [
            "plan: 5 to create, 1 to update, 0 to remove",
            "making the changes",
        ] {
            assert_eq!(
                folded.matches(part).count(),
                1 + usize::from(part.starts_with("plan"))
            );
        }
        assert_eq!(folded.matches(starts).count(), 2, "{failed:#?}");
        assert_eq!(folded.matches(ends).count(), 1, "{failed:#?}");
        assert!(
            open.contains("  not tried  + OpenID Connect provider") && open.contains("error: ")
        );
        assert!(open.contains("#\\u{23}[add-mask]no") && !failed.stderr.contains("##"));
        // What is nobody's to fold.
        let again = run("");
        assert_eq!(again.code, 0, "{again:#?}");
        let quiet = run("");
        assert!(
            quiet.stderr == "no changes\n" && !quiet.stdout.contains(starts),
            "{quiet:#?}"
        );
    }
}

#[test]
fn an_argument_that_a_job_would_obey_is_shown_in_other_letters() {
    let tenant = Tenant::new();
    for argument in ["##[add-mask]x", "a\u{202e}b"] {
        let mut command = tenant.command(env!("CARGO_BIN_EXE_irsactl"));
        let run: Run = command
            .args(["bootstrap", "--cluster", argument])
            .output()
            .unwrap()
            .into();
        assert_eq!(run.code, 64, "{run:#?}");
        assert!(!run.stderr.contains(argument), "{run:#?}");
    }
}
