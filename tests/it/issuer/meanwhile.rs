//! What somebody else does between the look and the call: at the prompt, which may stand for an hour, and beside a
//! run that asks nobody. What was shown is what is there when it is done.

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::keys::store::STORES;
use crate::support::tenant::{Run, Tenant, http};

/// A run on a terminal, which script(1) is, that waits at its prompt.
struct Asked<'t> {
    tenant: &'t Tenant,
    child: Child,
}

impl<'t> Asked<'t> {
    fn start(tenant: &'t Tenant, arguments: &str, prompt: &str) -> Self {
        let binary = env!("CARGO_BIN_EXE_irsactl");
        let _ = fs::remove_file(tenant.path("go"));
        let mut shell = tenant.command("sh");
        shell.args(["-c", &format!(
            "(until [ -e go ]; do sleep 0.1; done; cat go; sleep 30) | script -qefc '{binary} {arguments}' /dev/null > shown 2>&1; echo $? > code"
        )]);
        let child = shell.stdin(Stdio::null()).spawn().unwrap();
        let start = Instant::now();
        while !fs::read_to_string(tenant.path("shown"))
            .unwrap_or_default()
            .contains(prompt)
        {
            assert!(start.elapsed() < Duration::from_secs(60), "no prompt");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { tenant, child }
    }

    fn answer(mut self, answer: &str) -> (i32, String) {
        self.tenant.write("go.new", format!("{answer}\n"));
        fs::rename(self.tenant.path("go.new"), self.tenant.path("go")).unwrap();
        let start = Instant::now();
        let code = loop {
            let code = fs::read_to_string(self.tenant.path("code")).unwrap_or_default();
            if let Ok(code) = code.trim().parse() {
                break code;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "no end");
            std::thread::sleep(Duration::from_millis(50));
        };
        fs::remove_file(self.tenant.path("code")).unwrap();
        let _ = self.child.kill();
        let _ = self.child.wait();
        (code, fs::read_to_string(self.tenant.path("shown")).unwrap())
    }
}

fn public(bucket: &str, key: &str) -> u16 {
    http("GET", &format!("/{bucket}/{key}"), "", "").0
}

#[test]
fn a_neighbour_who_comes_while_somebody_is_asked_is_not_overwritten() {
    let tenant = Tenant::with_key();
    let bucket = format!("shared-{}", tenant.account);
    tenant
        .irsactl(&format!("publish --bucket {bucket} --prefix z --yes"))
        .ok();
    let issuer =
        |prefix: &str| format!("bootstrap --cluster {prefix} --bucket {bucket} --prefix {prefix}");
    let asked = Asked::start(&tenant, &issuer("a"), "make these changes?");
    tenant.irsactl(&format!("{} --yes", issuer("b"))).ok();
    let before = tenant.changes().len();
    let (code, shown) = asked.answer("y");
    assert_eq!(code, 4, "{shown}");
    assert!(
        shown.contains("something has changed since they were shown")
            && shown.contains("not as it was: bucket"),
        "{shown}"
    );
    assert_eq!(tenant.changes().len(), before);
    assert_eq!(public(&bucket, "b/keys.json"), 200);
    // Run again, it is planned anew, and both are there.
    let asked = Asked::start(&tenant, &issuer("a"), "make these changes?");
    let (code, shown) = asked.answer("y");
    assert_eq!(code, 0, "{shown}");
    for prefix in ["a", "b", "z"] {
        assert_eq!(
            public(&bucket, &format!("{prefix}/keys.json")),
            200,
            "{prefix}"
        );
    }
    // A removal that would have taken the whole policy.
    tenant
        .irsactl(&format!(
            "destroy --cluster b --bucket {bucket} --prefix b --confirm b"
        ))
        .ok();
    tenant
        .irsactl(&format!(
            "destroy --cluster z --bucket {bucket} --prefix z --confirm z"
        ))
        .ok();
    let destroy = format!("destroy --cluster a --bucket {bucket} --prefix a");
    let asked = Asked::start(&tenant, &destroy, "Type");
    tenant.irsactl(&format!("{} --yes", issuer("b"))).ok();
    let (code, shown) = asked.answer("a");
    assert_eq!(code, 4, "{shown}");
    assert_eq!(public(&bucket, "b/keys.json"), 200);
}

#[test]
fn a_provider_is_not_made_for_a_bucket_that_went_meanwhile() {
    let tenant = Tenant::with_key();
    let bucket = format!("global-{}", tenant.account);
    tenant
        .irsactl(&format!("publish --bucket {bucket} --yes"))
        .ok();
    let delete = || {
        for target in ["/keys.json", "/.well-known/openid-configuration", ""] {
            tenant.call("s3", "DELETE", &format!("/{bucket}{target}"), "", "");
        }
    };
    let asked = Asked::start(
        &tenant,
        &format!("provider --bucket {bucket}"),
        "make these changes?",
    );
    delete();
    let (code, shown) = asked.answer("y");
    assert_eq!(code, 4, "{shown}");
    assert!(
        shown.contains("it is not there any more") && shown.contains("could sign tokens"),
        "{shown}"
    );
    assert!(
        !tenant
            .changes()
            .iter()
            .any(|change| change.contains("CreateOpenIDConnectProvider"))
    );
}

/// Nobody is asked, and one call takes its time: the other run ends before it comes.
#[test]
fn two_runs_at_once_lose_nothing_or_say_so() {
    let tenant = Tenant::with_key().named();
    let bucket = format!("both-{}", tenant.account);
    tenant
        .irsactl(&format!("publish --bucket {bucket} --prefix z --yes"))
        .ok();
    let issuer = |prefix: &str| {
        format!("bootstrap --cluster {prefix} --bucket {bucket} --prefix {prefix} --yes")
    };
    tenant.delay_next("PutBucketPolicy", 4);
    let mut slow = tenant.command(env!("CARGO_BIN_EXE_irsactl"));
    slow.args(issuer("a").split(' '))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let slow = slow.spawn().unwrap();
    // The call is in hand when the other run begins.
    std::thread::sleep(Duration::from_secs(2));
    let mut fast = tenant.command(env!("CARGO_BIN_EXE_irsactl"));
    fast.args(issuer("b").split(' '))
        .env("AWS_SDK_UA_APP_ID", "another");
    let fast: Run = fast.output().unwrap().into();
    assert_eq!(fast.code, 0, "{fast:#?}");
    let slow: Run = slow.wait_with_output().unwrap().into();
    slow.fails(
        5,
        &[
            "was written by another run at the same time",
            "b/.well-known/openid-configuration was published meanwhile",
            "run both again",
        ],
    );
    for prefix in ["b", "a"] {
        tenant.irsactl(&issuer(prefix)).ok();
    }
    for prefix in ["a", "b", "z"] {
        assert_eq!(
            public(&bucket, &format!("{prefix}/keys.json")),
            200,
            "{prefix}"
        );
    }
}

/// Tags on keys are changes too: planned, saved, counted.
#[test]
fn a_key_that_is_called_compromised_is_in_the_plan() {
    for store in STORES {
        let tenant = Tenant::new();
        let options = store.options();
        tenant.irsactl(&format!("bootstrap --yes {options}")).ok();
        tenant
            .irsactl(&format!("rotate prepare --yes {options}"))
            .ok();
        let retire = format!("rotate retire --compromised {options}");
        let before = store.changes(&tenant).len();
        let plan = tenant
            .irsactl(&format!("{retire} --dry-run --out plan.json -o json"))
            .json();
        let notes = plan["notes"].as_array().unwrap();
        let note = |words: &str| {
            notes
                .iter()
                .any(|note| note.as_str().unwrap().contains(words))
        };
        assert!(
            note("will be marked as compromised: every job refuses that key"),
            "{plan:#}"
        );
        assert!(note("will be marked as activated, retired"), "{plan:#}");
        assert!(note("AWS refuses its tokens from then on"), "{plan:#}");
        let text = tenant.irsactl(&format!("{retire} --dry-run")).ok();
        assert!(
            text.contains("1 to update, 0 to remove, 2 in the key store"),
            "{text}"
        );
        // Somebody marks the key meanwhile: the plan is another.
        let saved: Value =
            serde_json::from_str(&fs::read_to_string(tenant.path("plan.json")).unwrap()).unwrap();
        assert!(saved.to_string().contains("marked as compromised"));
        let answer = tenant.irsactl("apply plan.json -o json").json();
        let made = store.changes(&tenant).len() - before;
        assert_eq!((made, &answer["changes"]), (2, &json!(3)), "{answer:#}");
    }
}
