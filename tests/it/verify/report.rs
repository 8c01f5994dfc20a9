//! `report --html`, read in Chromium as a reviewer reads it: on a desk and on a phone, light and dark, on paper.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::http::encoded;
use crate::support::session::repository;
use crate::support::tenant::{Offline, TOOLS, Tenant};
use crate::verify::{VERIFY, put};

const REPORT: &str = "report --cluster demo --html report.html";
const CHROMIUM: &str = "/usr/bin/chromium";

/// What a browser shows of a page, in four views; what every page must be like is asserted here.
fn views(tenant: &Tenant) -> Vec<Value> {
    assert!(
        Path::new(CHROMIUM).exists(),
        "there is no {CHROMIUM}\n  remedy: apt-get install --no-install-recommends chromium"
    );
    let offline = Offline::new();
    let mut reader = offline.command(TOOLS.node());
    reader.arg(TOOLS.judges().join("report_reader.mjs"));
    reader.arg(tenant.path("report.html"));
    let reader = reader.env("HOME", offline.dir.path()).output().unwrap();
    assert!(reader.status.success(), "{reader:#?}");
    let views: Vec<Value> = serde_json::from_slice(&reader.stdout).unwrap();
    assert_eq!(views.len(), 4);
    for view in &views {
        let what = format!("{} {}: {view:#}", view["width"], view["colorScheme"]);
        for (name, expected) in [
            ("messages", json!([])),
            ("requests", json!([])),
            ("active", json!([])),
            ("scrolls", json!(false)),
            ("beyond", json!([])),
            ("outside", json!([])),
            ("broken", json!([])),
            ("pictures", json!(1)),
            ("unfolds", json!([false, true, false])),
            (
                "paper",
                json!({ "hidden": 0, "background": "rgb(255, 255, 255)", "color": "rgb(0, 0, 0)" }),
            ),
        ] {
            assert_eq!(view[name], expected, "{name} of {what}");
        }
        // WCAG 2.2, 1.4.3: AA for text of any size.
        assert!(view["lowest"]["ratio"].as_f64().unwrap() >= 4.5, "{what}");
        assert!(view["smallest"].as_f64().unwrap() >= 12.0, "{what}");
    }
    assert_ne!(views[0]["background"], views[1]["background"]);
    views
}

#[track_caller]
fn shows(view: &Value, of: &str, texts: &[&str]) {
    let shown = view[of].as_str().unwrap();
    for text in texts {
        assert!(shown.contains(text), "no {text:?} in {shown}");
    }
}

#[test]
fn a_reviewer_reads_the_whole_issuer_on_one_page() {
    let (tenant, answer) = Tenant::bootstrapped();
    let role = "role --cluster demo --service-account default/app --yes";
    tenant.irsactl(role).ok();
    let changes = tenant.changes().len();
    let told = tenant.irsactl(&format!("{REPORT} -o json")).json();
    assert_eq!(told["html"], "report.html");
    assert_eq!(
        (&told["passed"], &told["changes"]),
        (&json!(true), &json!(0))
    );
    let verified = tenant.irsactl(VERIFY).json();
    let checks = verified["checks"].as_array().unwrap();
    assert_eq!(told["checks"], checks.len());
    assert_eq!(tenant.changes().len(), changes);

    let (issuer, arn) = (
        answer["issuer"].as_str().unwrap(),
        answer["provider_arn"].as_str().unwrap(),
    );
    let bucket = tenant.bucket();
    let picture = format!(
        "- 'img \"Chain of trust: Cluster demo, then Issuer {issuer}, then S3 {bucket}, then IAM provider {arn}, then Roles demo-default-app\"'"
    );
    for view in views(&tenant) {
        let passed = format!("heading \"Passed {}\" [level=3]", checks.len() - 1);
        shows(
            &view,
            "tree",
            &[
                "- banner:",
                "heading \"demo\" [level=1]",
                "link \"Plan in step nothing to change\"",
                "- main:",
                "region \"Checks\"",
                "heading \"Skipped 1\" [level=3]",
                &passed,
                "region \"Certificates\"",
                "heading \"Bucket policy of s3://demo-oidc-",
                "- contentinfo:",
                &picture,
            ],
        );
        for check in checks {
            shows(&view, "text", &[check["name"].as_str().unwrap()]);
        }
        shows(
            &view,
            "text",
            &[
                &tenant.irsactl("jwks").ok(),
                &tenant.irsactl("discovery --cluster demo").ok(),
                "CN=Local AWS Intermediate CA",
                " of 91 days left",
                "IAM's thumbprint",
                "\"Sid\": \"IrsactlPublicDocuments\"",
                "\"system:serviceaccount:default:app\"",
                "role/demo-default-app",
            ],
        );
    }
}

#[test]
fn what_is_wrong_is_shown_and_hostile_text_stays_text() {
    let (tenant, answer) = Tenant::bootstrapped();
    let (bucket, issuer) = (tenant.bucket(), answer["issuer"].as_str().unwrap());
    let discovery = json!({
        "issuer": "https://x.example/</pre></details><script>alert(1)</script><img src=x onerror=alert(2)>",
        "jwks_uri": format!("{issuer}/keys.json"), "{{ 7 * 7 }}": "'\"\u{202e}\u{200b}`&amp;",
    });
    let hostile_type = "text/html; x=<iframe>";
    put(
        &tenant,
        ".well-known/openid-configuration",
        hostile_type,
        &discovery.to_string(),
    );
    put(
        &tenant,
        "keys.json",
        "text/html",
        "<!doctype html><script>alert(3)</script>\u{1b}]0;x\u{7}",
    );
    let sub = format!("{}:sub", issuer.strip_prefix("https://").unwrap());
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Federated": answer["provider_arn"] }, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": { "StringLike": { sub: "\"><svg onload=alert(4)>*" } },
    }]});
    for name in 'a'..='j' {
        let role = format!("role --cluster demo --service-account default/{name} --yes");
        tenant.irsactl(&role).ok();
    }
    tenant.iam(&format!(
        "Action=CreateRole&RoleName=open&AssumeRolePolicyDocument={}",
        encoded(&trust.to_string())
    ));

    let run = tenant.irsactl(&format!("{REPORT} -o json"));
    assert_eq!(run.code, 3, "{run:#?}");
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(told["passed"], false);
    let page = fs::read_to_string(tenant.path("report.html")).unwrap();
    for needle in [
        "<script",
        "<img",
        "<iframe",
        "<svg onload",
        "\u{202e}",
        "\u{200b}",
        "\u{1b}",
        "\u{7}",
    ] {
        assert!(!page.contains(needle), "{needle:?}");
    }
    for view in views(&tenant) {
        let failed = told["failed"].as_u64().unwrap();
        let verdict = format!("{failed} of {} checks failed", told["checks"]);
        shows(
            &view,
            "tree",
            &[&format!("heading \"Failed {failed}\" [level=3]"), &verdict],
        );
        shows(
            &view,
            "text",
            &[
                "</pre></details><script>alert(1)</script><img src=x onerror=alert(2)>",
                "\"{{ 7 * 7 }}\"",
                "\\u{202e}\\u{200b}`&amp;",
                "text/html; x=<iframe>",
                "<!doctype html><script>alert(3)</script>\\u{1b}]0;x\\u{7}",
                // What is expected, and the next command.
                "it must be the issuer byte for byte",
                "not as needed",
            ],
        );
    }

    // With a JWK Set that a plan cannot keep there was none; now there is, and the roles are listed.
    tenant.call("s3", "DELETE", &format!("/{bucket}/keys.json"), "", "");
    let run = tenant.irsactl(REPORT);
    assert_eq!(run.code, 3, "{run:#?}");
    let told = run.stdout;
    assert!(
        told.starts_with("report report.html: ") && told.ends_with("; 2 to change\n"),
        "{told}"
    );
    let page = fs::read_to_string(tenant.path("report.html")).unwrap();
    assert!(
        !page.contains("<svg onload") && !page.contains("<script"),
        "{page}"
    );
    for view in views(&tenant) {
        // The role that is wrong comes first, in the picture too.
        shows(&view, "tree", &["then Roles open, demo-default-a, "]);
        shows(
            &view,
            "text",
            &[
                "What irsactl bootstrap would change",
                "update",
                "s3:PutObject",
                "discovery object",
                "There is no document to show",
                "\\\"><svg onload=alert(4)>*",
            ],
        );
    }
}

#[test]
fn the_same_state_gives_the_same_bytes_and_nobody_elses_file_is_lost() {
    let (mut tenant, _) = Tenant::bootstrapped();
    // A day of the certificate ends in the second in which it was made.
    sleep(Duration::from_millis(1100));
    tenant.irsactl(REPORT).ok();
    let first = fs::read(tenant.path("report.html")).unwrap();
    tenant.irsactl(REPORT).ok();
    assert_eq!(fs::read(tenant.path("report.html")).unwrap(), first);

    let key = fs::read(tenant.path("issuer/sa-signer.key")).unwrap();
    tenant.shell("ln -s report.html link.html; mkdir dir; mkfifo pipe");
    let another = "something else than a report is there";
    for (other, why) in [
        ("issuer/sa-signer.key", another),
        ("link.html", "link.html is a symbolic link"),
        ("dir", another),
        ("pipe", another),
    ] {
        let report = format!("report --cluster demo --html {other}");
        tenant.irsactl(&report).fails(4, &[why, "hint:"]);
    }
    assert_eq!(fs::read(tenant.path("issuer/sa-signer.key")).unwrap(), key);
    tenant
        .irsactl("report --cluster demo --html absent/report.html")
        .fails(1, &["cannot write absent/report.html"]);
    tenant.irsactl("report --cluster demo --html -").fails(
        64,
        &["cannot write the page to stdout", "hint: name a file"],
    );

    // What anybody sees is shown without credentials, too.
    tenant.offline.environment.remove("AWS_ACCESS_KEY_ID");
    let account = tenant.account.clone();
    let report = format!("{REPORT} --account-id {account} -o json");
    assert_eq!(tenant.irsactl(&report).json()["changes"], Value::Null);
    let view = views(&tenant).remove(0);
    shows(
        &view,
        "text",
        &[
            "AWS was not compared with the plan",
            "roles were not listed",
        ],
    );
}

/// With UPDATE=1 it is taken anew.
#[test]
fn the_picture_in_the_readme_is_of_as_many_checks() {
    let (tenant, _) = Tenant::bootstrapped();
    let role = "role --cluster demo --service-account default/app --yes -o json";
    let role = tenant.irsactl(role).json();
    let arn = role["role_arns"][0].as_str().unwrap();
    let proof = format!("--role-arn {arn} --subject default/app");
    tenant.irsactl(&format!("{REPORT} {proof}")).ok();
    let told = tenant.irsactl(&format!("{REPORT} {proof} -o json")).json();
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let checks = &told["checks"];
    let said = format!("![A report: {checks} of {checks} checks pass, nothing to change");
    assert!(readme.contains(&said), "{said}");
    if std::env::var_os("UPDATE").is_some() {
        let page = fs::read_to_string(tenant.path("report.html")).unwrap();
        tenant.write("report.html", page.replace(&tenant.account, "111122223333"));
        let mut reader = tenant.command(TOOLS.node());
        reader
            .arg(TOOLS.judges().join("report_reader.mjs"))
            .arg(tenant.path("report.html"))
            .arg("--picture")
            .arg(repository().join("examples/report.png"));
        let reader = reader.output().unwrap();
        assert!(reader.status.success(), "{reader:#?}");
    }
}
