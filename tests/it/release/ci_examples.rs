//! examples/ci: each file is read by its own linter, and its commands are really run, against the local AWS.
//!
//! GitHub's runner and `gh` are stood in for by runner.rs; GitLab's jobs are run by gitlab-ci-local, and the Makefile by
//! make.

use std::fs;

use crate::release::archive::archive;
use crate::support::linters::{gitlab_ci_local, lint};
use crate::support::runner::Job;
use crate::support::session::repository;
use crate::support::tenant::{Run, Tenant};

/// A repository as the examples want it: the cluster file, and the public half of the cluster's key.
fn checkout() -> Tenant {
    let tenant = Tenant::with_key();
    let file = repository().join("examples/irsactl.yaml");
    fs::copy(file, tenant.path("irsactl.yaml")).unwrap();
    fs::rename(tenant.path("issuer/sa-signer.pub"), tenant.path("sa.pub")).unwrap();
    // Where the private key is, no job comes.
    fs::rename(tenant.path("issuer"), tenant.path("control-plane")).unwrap();
    tenant
}

fn example(name: &str) -> String {
    format!("examples/ci/{name}")
}

fn job<'a>(tenant: &'a Tenant, name: &str) -> Job<'a> {
    Job::of(tenant, &repository().join(example(name)), &archive())
}

/// A sound JWK Set takes the place of the cluster's, of a key that somebody else has.
fn publish_a_strangers_key(tenant: &Tenant) {
    tenant.irsactl("keygen --dir stranger").ok();
    let keys = tenant.irsactl("jwks --public-key stranger/sa-signer.pub");
    let path = format!("/{}/keys.json", tenant.bucket());
    let headers = "Content-Type: application/json\r\nCache-Control: no-cache";
    tenant.call("s3", "PUT", &path, headers, &keys.ok());
}

#[test]
fn the_examples_for_ci_pass_their_linters() {
    let workflows = ["irsa-plan.yml", "irsa-apply.yml", "irsa-verify.yml"];
    let workflows = workflows.map(|name| example(&format!("github/{name}")));
    let workflows: Vec<&str> = workflows.iter().map(String::as_str).collect();
    lint("actionlint", &workflows);
    lint(
        "zizmor",
        &[&["--offline", "--quiet"], workflows.as_slice()].concat(),
    );
    let gitlab = example(".gitlab-ci.yml");
    lint(
        "check-jsonschema",
        &["--builtin-schema", "vendor.gitlab-ci", &gitlab],
    );
}

#[test]
fn github_comments_the_plan_applies_it_on_merge_and_opens_an_issue_when_it_breaks() {
    let tenant = checkout();

    let plan = job(&tenant, "github/irsa-plan.yml").run();
    assert!(plan.succeeded(), "{plan:#?}");
    assert_eq!(tenant.changes(), [""; 0]);
    let [question, comment] = plan.gh("api").try_into().unwrap();
    let marker = "<!-- irsa-plan -->";
    assert!(question.arguments.contains(marker), "{question:#?}");
    assert_eq!(
        comment.arguments,
        "api --silent --method POST repos/acme/clusters/issues/7/comments --field body=@comment.md"
    );
    let shown = comment.body.strip_prefix(&format!("{marker}\n")).unwrap();
    assert!(
        shown.starts_with("### irsactl: plan: 9 to create"),
        "{comment:#?}"
    );
    assert!(plan.summary.contains(shown), "{plan:#?}");

    let apply = job(&tenant, "github/irsa-apply.yml").run();
    assert!(apply.succeeded(), "{apply:#?}");
    assert_eq!(
        apply.outputs["provider_arn"].split(':').nth(4),
        Some(tenant.account.as_str())
    );
    assert!(
        apply.outputs["issuer"].contains(&tenant.bucket()),
        "{apply:#?}"
    );

    let settled = job(&tenant, "github/irsa-plan.yml")
        .with_own_comments("41\n43\n")
        .run();
    let [_, edit] = settled.gh("api").try_into().unwrap();
    assert_eq!(
        edit.arguments,
        "api --silent --method PATCH repos/acme/clusters/issues/comments/41 --field body=@comment.md"
    );
    assert!(edit.body.contains("no changes"), "{settled:#?}");
    let sound = job(&tenant, "github/irsa-verify.yml").run();
    assert!(
        sound.succeeded() && sound.gh("issue").is_empty(),
        "{sound:#?}"
    );

    publish_a_strangers_key(&tenant);
    let stolen = job(&tenant, "github/irsa-verify.yml").run();
    assert!(!stolen.succeeded(), "{stolen:#?}");
    let [create] = stolen.gh("issue create").try_into().unwrap();
    assert!(create.body.contains("cluster keys"), "{create:#?}");

    let keys = format!("/{}/keys.json", tenant.bucket());
    tenant.call("s3", "DELETE", &keys, "", "");
    let broken = job(&tenant, "github/irsa-verify.yml").run();
    assert!(!broken.succeeded());
    let [list, create] = broken.gh("issue").try_into().unwrap();
    assert!(list.arguments.starts_with("issue list"));
    assert!(create.arguments.starts_with("issue create"), "{create:#?}");
    assert!(
        create.body.contains("JWK Set") && create.body.contains("/actions/runs/1"),
        "{create:#?}"
    );
    // A second night does not open a second issue.
    let again = job(&tenant, "github/irsa-verify.yml")
        .with_open_issue("12")
        .run();
    assert!(
        again.gh("issue comment")[0]
            .arguments
            .starts_with("issue comment 12 "),
        "{again:#?}"
    );
    assert!(again.gh("issue create").is_empty());
}

/// The jobs' token is of an issuer of this account, in GitLab's place; the local AWS judges it.
#[test]
fn gitlab_plans_a_merge_request_applies_the_default_branch_and_verifies() {
    let tenant = checkout();
    let gitlab = "--cluster gitlab --dir gitlab";
    tenant.irsactl(&format!("bootstrap {gitlab} --yes")).ok();
    let role = "role --cluster gitlab --service-account ci/deploy --yes -o json";
    let role = tenant.irsactl(role).json();
    let mint = format!("token mint {gitlab} --subject ci/deploy --stdout");
    let token = tenant.irsactl(&mint).ok();

    let archive = archive();
    let release = tenant.path(concat!("releases/v", env!("CARGO_PKG_VERSION")));
    fs::create_dir_all(&release).unwrap();
    fs::copy(&archive, release.join(archive.file_name().unwrap())).unwrap();
    let sum = tenant.shell(&format!("sha256sum {}", archive.display()));
    fs::copy(
        repository().join(example(".gitlab-ci.yml")),
        tenant.path(".gitlab-ci.yml"),
    )
    .unwrap();
    tenant.write(
        ".gitignore",
        "gitlab/\ncontrol-plane/\nreleases/\n.gitlab-ci-local/\n",
    );
    tenant.shell("git init -q -b main && git add . && git -c user.name=a -c user.email=a@example.com commit -qm cluster");

    let (node, script) = gitlab_ci_local();
    let pipeline = |source: &str| -> Run {
        let mut run = tenant.command(&node);
        run.arg(&script)
            .args([
                "--force-shell-executor",
                "--no-evaluate-rule-changes",
                "--no-color",
            ])
            .args(["--ignore-predefined-vars", "CI_PIPELINE_SOURCE"])
            .env("HOME", tenant.dir.path());
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            run.env_remove(name);
        }
        for (name, value) in [
            ("CI_PIPELINE_SOURCE", source),
            (
                "IRSACTL_RELEASES",
                &format!("file://{}", tenant.path("releases").display()),
            ),
            ("IRSACTL_SHA256", &sum[..64]),
            ("AWS_REGION", &tenant.region),
            ("AWS_ROLE_ARN", role["role_arns"][0].as_str().unwrap()),
            ("AWS_ID_TOKEN", token.trim()),
        ] {
            run.args(["--variable", &format!("{name}={value}")]);
        }
        run.output().unwrap().into()
    };
    let before = tenant.changes().len();
    let plan = pipeline("merge_request_event");
    assert_eq!(plan.code, 0, "{plan:#?}");
    let shown = fs::read_to_string(tenant.path("plan.md")).unwrap();
    assert!(
        shown.starts_with("### irsactl: plan: 9 to create"),
        "{shown}"
    );
    assert_eq!(tenant.changes().len(), before);

    let apply = pipeline("push");
    assert_eq!(apply.code, 0, "{apply:#?}");
    let told = format!(
        "issuer https://{}.s3.us-west-2.amazonaws.com, 10 changes",
        tenant.bucket()
    );
    assert!(apply.stdout.contains(&told), "{apply:#?}");
    let nightly = pipeline("schedule");
    assert_eq!(nightly.code, 0, "{nightly:#?}");
    assert!(
        nightly
            .stdout
            .contains("issuer of irsactl.yaml, no changes"),
        "{nightly:#?}"
    );
    publish_a_strangers_key(&tenant);
    let stolen = pipeline("schedule");
    assert!(
        stolen.code != 0 && stolen.stdout.contains("cluster keys"),
        "{stolen:#?}"
    );
}

#[test]
fn make_takes_a_kubeadm_cluster_from_a_plan_to_a_token_that_aws_accepts() {
    let tenant = checkout();
    let makefile = repository().join(example("Makefile"));
    let make = |arguments: &str| -> Run {
        let line = format!(
            "make --no-print-directory -f {} SA_PUB=sa.pub IRSACTL={} KUBECTL=./kubectl {arguments}",
            makefile.display(),
            env!("CARGO_BIN_EXE_irsactl"),
        );
        let mut shell = tenant.command("sh");
        shell.args(["-c", &line]).output().unwrap().into()
    };
    assert!(make("plan").ok().contains("plan: 9 to create"));
    // Nobody can be asked here.
    assert_eq!(make("apply").code, 2);
    assert_eq!(tenant.changes(), [""; 0]);
    let applied = make("apply YES=--yes").ok();
    assert!(
        applied.contains("--service-account-issuer=https://demo-oidc-"),
        "{applied}"
    );
    make("settings").ok();
    let settings = fs::read_to_string(tenant.path("kubeadm.yaml")).unwrap();
    assert!(
        settings.contains("kind: ClusterConfiguration"),
        "{settings}"
    );
    assert!(!settings.contains("signing-key-file"), "{settings}");
    make("verify").ok();
    let kubectl = format!(
        "#!/bin/sh\nexec {} token mint --cluster demo --dir control-plane --subject default/default --stdout\n",
        env!("CARGO_BIN_EXE_irsactl")
    );
    tenant.write("kubectl", kubectl);
    tenant.shell("chmod +x kubectl");
    let proof = make("proof").ok();
    assert!(proof.contains("signature: signed by"), "{proof}");
    publish_a_strangers_key(&tenant);
    let stolen = make("verify");
    assert!(
        stolen.code == 2 && stolen.stdout.contains("cluster keys"),
        "{stolen:#?}"
    );
}
