//! The process itself: runs side by side, terminals that are none, locales, and machines that lack
//! what every machine has.

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::inputs::files::allowed;
use crate::support::tenant::{Offline, Run, Tenant};

const BINARY: &str = env!("CARGO_BIN_EXE_irsactl");
const OFFLINE: &str =
    "bootstrap --dry-run --offline --account-id 111122223333 --region us-west-2 --cluster demo";

fn spawn(tenant: &Tenant, arguments: &str) -> Child {
    let mut command = tenant.command(BINARY);
    command
        .args(arguments.split(' '))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn kids(tenant: &Tenant) -> Vec<String> {
    let keys = tenant.call(
        "s3",
        "GET",
        &format!("/{}/keys.json", tenant.bucket()),
        "",
        "",
    );
    let keys: Value = serde_json::from_str(&keys).unwrap();
    let keys = keys["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

/// Two of the same key converge; what one made is not made twice.
#[test]
fn of_bootstraps_at_once_at_least_one_wins_and_all_converge() {
    let tenant = Tenant::with_key().named();
    tenant.delay_next("PutObject", 1);
    let bootstrap = "bootstrap --cluster demo --yes -o json";
    let children: Vec<Child> = (0..3).map(|_| spawn(&tenant, bootstrap)).collect();
    let runs: Vec<Run> = children
        .into_iter()
        .map(|child| child.wait_with_output().unwrap().into())
        .collect();
    assert!(runs.iter().any(|run| run.code == 0), "{runs:#?}");
    // Whoever lost a write says so: refused as its first change, or interrupted after others.
    assert!(
        runs.iter().all(|run| [0, 3, 4, 5].contains(&run.code)),
        "{runs:#?}"
    );
    for run in runs.iter().filter(|run| run.code != 0) {
        assert!(run.stderr.contains("hint: "), "{run:#?}");
    }
    assert_eq!(kids(&tenant), [tenant.kid("issuer/sa-signer.pub")]);
    assert_eq!(tenant.irsactl(bootstrap).json()["changes"], 0);
    tenant.irsactl("verify --cluster demo").ok();
}

/// Two machines with a key each: one key is published, and the other machine is told.
#[test]
fn of_two_keys_for_one_issuer_one_is_published() {
    let tenant = Tenant::new().named();
    for dir in ["one", "two"] {
        tenant.irsactl(&format!("keygen --dir {dir}")).ok();
    }
    let bootstrap = |dir: &str| format!("bootstrap --cluster demo --yes -o json --dir {dir}");
    let children = ["one", "two"].map(|dir| spawn(&tenant, &bootstrap(dir)));
    let runs = children.map(|child| Run::from(child.wait_with_output().unwrap()));
    assert!(
        runs.iter().all(|run| [0, 3, 4, 5].contains(&run.code)),
        "{runs:#?}"
    );
    let published = kids(&tenant);
    let own = ["one", "two"].map(|dir| tenant.kid(&format!("{dir}/sa-signer.pub")));
    let [winner] = published.as_slice() else {
        panic!("{published:?}")
    };
    let winner = own.iter().position(|kid| kid == winner).unwrap();
    let (winner, loser) = (["one", "two"][winner], ["two", "one"][winner]);
    tenant.irsactl(&bootstrap(winner)).ok();
    tenant
        .irsactl(&bootstrap(loser))
        .fails(4, &["cannot publish another key", &published[0]]);
    assert_eq!(kids(&tenant), published);
}

#[test]
fn a_signal_before_the_first_change_changes_nothing() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let tenant = Tenant::with_key().named();
        tenant.delay_next("HeadBucket", 3);
        let child = spawn(&tenant, "bootstrap --cluster demo --yes");
        let start = Instant::now();
        // Who we are is known, and the bucket is being asked for.
        while tenant.log().is_empty() {
            assert!(start.elapsed() < Duration::from_secs(30));
            std::thread::sleep(Duration::from_millis(20));
        }
        tenant.shell(&format!("kill -{signal} {}", child.id()));
        let run = Run::from(child.wait_with_output().unwrap());
        run.fails(code, &["interrupted", "run the same command again"]);
        assert_eq!(tenant.changes(), Vec::<String>::new());
    }
}

#[test]
fn no_terminal_width_or_locale_changes_an_answer() {
    let work = Offline::new();
    work.irsactl("keygen --dir ключи").ok();
    for arguments in [
        "jwks --dir ключи",
        &format!("{OFFLINE} --dir ключи -o json"),
        "--help",
        "bootstrap --help",
    ] {
        let run = |environment: &[(&str, &str)]| -> Run {
            let mut command = work.command(BINARY);
            command
                .args(arguments.split(' '))
                .envs(environment.iter().copied());
            command.output().unwrap().into()
        };
        let expected = run(&[]).ok();
        for environment in [
            &[("TERM", "dumb")][..],
            &[("TERM", "")],
            &[("LC_ALL", "C")],
            &[("LC_ALL", "C.UTF-8")],
            &[("LC_ALL", "tr_TR.ISO-8859-9"), ("LANG", "\u{1}")],
            &[("NO_COLOR", "1"), ("CLICOLOR", "0")],
            &[("COLUMNS", "nonsense")],
        ] {
            let run = run(environment);
            assert_eq!(run.stderr, "", "{arguments} {environment:?}");
            assert_eq!(run.stdout, expected, "{arguments} {environment:?}");
            assert!(!run.stdout.contains('\u{1b}'));
        }
        for columns in ["0", "1", "18446744073709551616"] {
            let narrow = run(&[("COLUMNS", columns)]).ok();
            assert!(!narrow.is_empty());
        }
    }
}

#[test]
fn closed_streams_and_missing_directories_are_no_crash() {
    let work = Offline::new();
    work.irsactl("keygen").ok();
    for line in [
        "jwks >&-",
        "jwks 2>&-",
        "jwks <&- >&- 2>&-",
        "--help >&-",
        "keygen >&- 2>&-",
    ] {
        work.shell(&format!("{BINARY} {line}"));
    }
    work.shell(&format!(
        "code=0; {BINARY} jwks --dir nowhere 2>&- || code=$?; test $code = 4"
    ));
    // The directory that the shell is in is gone.
    let gone = work.shell(&format!(
        "mkdir gone; cd gone; rmdir ../gone; {BINARY} keygen 2>&1 || echo $?"
    ));
    assert!(
        gone.contains("No such file") && gone.ends_with("1\n"),
        "{gone}"
    );
}

/// A container of nothing: no /etc, no HOME, no CA bundle, another user, and nothing can be written.
#[test]
fn a_machine_with_nothing_on_it_is_enough() {
    let test = "a_machine_with_nothing_on_it_is_enough";
    if !allowed(
        test,
        "unshare",
        &[
            "-m",
            "sh",
            "-c",
            "mount -t tmpfs tmpfs /mnt && chroot --userspec=65534:65534 / true",
        ],
    ) {
        return;
    }
    let work = Offline::new();
    work.irsactl("keygen").ok();
    work.shell(&format!(
        "mkdir -p root/work; cp {BINARY} root/irsactl; cp -r issuer root/work
         for library in $(ldd {BINARY} | grep -o '/[^ ]*'); do mkdir -p root$(dirname $library); cp -L $library root$library; done
         chown -R 65534:65534 root/work; chmod 755 root root/work root/irsactl"
    ));
    let expected = work.irsactl("jwks").ok();
    let run = |arguments: &str| -> Run {
        let script = format!(
            "mount --bind root root && mount -o remount,bind,ro root && exec env -i AWS_EC2_METADATA_DISABLED=true $(command -v chroot) --userspec=65534:65534 root /irsactl {arguments}"
        );
        let mut command = work.command("unshare");
        command
            .args(["-m", "sh", "-c", &script])
            .output()
            .unwrap()
            .into()
    };
    let dir = "--dir /work/issuer";
    assert_eq!(run(&format!("jwks {dir}")).ok(), expected);
    assert_eq!(
        run(&format!("keygen {dir}")).ok().trim(),
        work.kid("issuer/sa-signer.pub")
    );
    assert_eq!(
        run(&format!("{OFFLINE} {dir}")).ok(),
        work.irsactl(OFFLINE).ok()
    );
    run("--help").ok();
    run("flags --issuer https://a.example").ok();
    run("keygen --dir /work/new").fails(1, &["/work/new", "Read-only file system"]);
    run("thumbprint s3.us-west-2.amazonaws.com").fails(1, &["s3.us-west-2.amazonaws.com"]);
    run(&format!(
        "bootstrap --cluster demo --region us-west-2 --yes {dir}"
    ))
    .fails(77, &[BUILT_IN, "no AWS credentials"]);
}

const BUILT_IN: &str = "note: no CA certificates on this machine: using Mozilla's, built in (";

/// The root of the local AWS is none of them: it is refused by the SDK's connections and by ours, like any stranger.
#[test]
fn a_machine_without_ca_certificates_trusts_mozillas_and_says_so_once() {
    let test = "a_machine_without_ca_certificates_trusts_mozillas";
    if !allowed(test, "unshare", &["-m", "true"]) {
        return;
    }
    let mut tenant = Tenant::with_key();
    tenant.offline.environment.remove("SSL_CERT_FILE");
    for (arguments, refused) in [
        ("thumbprint s3.us-west-2.amazonaws.com", "UnknownIssuer"),
        ("bootstrap --cluster demo --yes", "certificate"),
        (
            "verify --cluster demo --account-id 111122223333",
            "UnknownIssuer",
        ),
    ] {
        let line = format!("mount -t tmpfs none /etc/ssl && exec {BINARY} {arguments}");
        let mut command = tenant.command("unshare");
        let output = command.args(["-m", "sh", "-c", &line]).output().unwrap();
        let run = Run::from(output);
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(run.code != 0 && said.contains(refused), "{run:#?}");
        assert_eq!(run.stderr.matches(BUILT_IN).count(), 1, "{run:#?}");
        // A bundle that is named and cannot be read is an error, as everywhere.
        let mut command = tenant.command("unshare");
        command.env("SSL_CERT_FILE", "/nonexistent");
        let output = command.args(["-m", "sh", "-c", &line]).output().unwrap();
        let run = Run::from(output);
        assert!(!run.stderr.contains(BUILT_IN), "{run:#?}");
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(said.contains("no root certificates"), "{run:#?}");
    }
    assert_eq!(tenant.log().len(), 0);
}

/// Without roots nothing is trusted: an error that says so, from the SDK's connections and from ours.
#[test]
fn without_a_ca_bundle_nothing_is_trusted_and_nothing_crashes() {
    for (file, dir) in [
        ("/nonexistent", "/nonexistent"),
        ("/dev/null", "/nonexistent"),
    ] {
        let mut tenant = Tenant::with_key();
        let environment = &mut tenant.offline.environment;
        environment.insert("SSL_CERT_FILE", file.to_owned());
        environment.insert("SSL_CERT_DIR", dir.to_owned());
        environment.remove("AWS_CONFIG_FILE");
        environment.remove("AWS_SHARED_CREDENTIALS_FILE");
        for arguments in [
            "thumbprint s3.us-west-2.amazonaws.com",
            "bootstrap --cluster demo --yes",
            "verify --cluster demo --dangling",
        ] {
            let arguments = arguments.replace(" --cluster demo --dangling", " --dangling");
            let run = tenant.irsactl(&arguments);
            assert!(!run.stderr.contains("panicked"), "{arguments}: {run:#?}");
            run.fails(1, &["certificate"]);
        }
        assert_eq!(tenant.log().len(), 0);
    }
}

/// What is gone already is not missed: the other half still goes.
#[test]
fn destroy_goes_on_where_somebody_has_removed_a_part() {
    let encoded = |text: &str| {
        text.bytes()
            .map(|b| format!("%{b:02X}"))
            .collect::<String>()
    };
    for part in ["provider", "bucket"] {
        let (tenant, answer) = Tenant::bootstrapped();
        match part {
            "provider" => drop(tenant.iam(&format!(
                "Action=DeleteOpenIDConnectProvider&OpenIDConnectProviderArn={}",
                encoded(answer["provider_arn"].as_str().unwrap())
            ))),
            _ => {
                for target in ["/keys.json", "/.well-known/openid-configuration", ""] {
                    tenant.call(
                        "s3",
                        "DELETE",
                        &format!("/{}{target}", tenant.bucket()),
                        "",
                        "",
                    );
                }
            }
        }
        let before = tenant.changes().len();
        tenant.irsactl("destroy --cluster demo --confirm demo").ok();
        let calls = tenant.changes().split_off(before);
        let expected: &[&str] = match part {
            "provider" => &[
                "s3:DeleteObject",
                "s3:DeleteObject",
                "s3:DeleteBucketPolicy",
            ],
            _ => &["iam:DeleteOpenIDConnectProvider"],
        };
        assert_eq!(calls, expected, "{part}");
        assert!(fs::exists(tenant.path("issuer/sa-signer.key")).unwrap());
    }
}
