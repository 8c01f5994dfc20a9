//! `emit terraform`: what it writes is what `bootstrap` makes, in arguments that the AWS provider has. The judges:
//! python-hcl2, pulumi-aws's classes of that provider's schema, and Terraform itself where it is.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::keys::store::{STORES, lose_disk};
use crate::support::session::repository;
use crate::support::tenant::{Offline, TOOLS, Tenant};

/// What the judges read in the text.
fn judged(work: &Offline, text: &str) -> Value {
    work.write("issuer.tf", text);
    let file = fs::File::open(work.path("issuer.tf")).unwrap();
    let mut python = work.command(TOOLS.python());
    python.arg(TOOLS.judges().join("terraform.py"));
    python.arg(TOOLS.terraform_arguments()).stdin(file);
    let output = python.output().unwrap();
    assert!(output.status.success(), "{output:#?}\n{text}");
    let judged: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(judged["faults"], json!([]), "{text}");
    judged
}

/// Says what was not looked at, past the test harness, which keeps printed lines to itself.
fn skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
}

/// Terraform, where it is.
fn terraform(work: &Offline, arguments: &[&str], input: &str) -> Option<String> {
    let mut terraform = work.command("terraform");
    terraform.args(arguments).env("CHECKPOINT_DISABLE", "1");
    terraform.stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = terraform.stderr(Stdio::piped()).spawn() else {
        skipped("terraform is not here");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:#?}");
    Some(String::from_utf8(output.stdout).unwrap())
}

fn cluster_file(work: &Offline) {
    let example = fs::read_to_string(repository().join("examples/irsactl.yaml")).unwrap();
    let hostile = example.replace(
        "s3:ListAllMyBuckets",
        "s3:${aws:username}%{if}\\n\\\"$${x}\u{202e}",
    );
    assert_ne!(hostile, example);
    work.write("irsactl.yaml", hostile);
}

const OFFLINE: &str = "--config irsactl.yaml --offline --account-id 111122223333";

#[test]
fn terraform_gets_what_bootstrap_would_make() {
    let work = Offline::new();
    cluster_file(&work);
    work.irsactl("keygen").ok();
    // Only the public half is needed.
    fs::remove_file(work.path("issuer/sa-signer.key")).unwrap();
    let thumbprint = "--thumbprint 990f4193972f2becf12ddeda5237f9c952f20d9e";
    let emit = format!("emit terraform {OFFLINE} {thumbprint}");
    let text = work.irsactl(&emit).ok();
    assert_eq!(work.irsactl(&emit).ok(), text);
    assert_eq!(
        work.irsactl(&format!("{emit} -o json")).json()["text"],
        text
    );
    let judged = judged(&work, &text);
    let plan = format!("bootstrap --dry-run {OFFLINE} {thumbprint} --documents docs -o json");
    let plan = work.irsactl(&plan).json();
    let document = |name: &str| fs::read_to_string(work.path("docs").join(name)).unwrap();
    let parsed = |text: &Value| serde_json::from_str::<Value>(text.as_str().unwrap()).unwrap();

    let resource = |address: &str| judged["resources"][address].clone();
    let changes = plan["changes"].as_array().unwrap();
    let mut roles = ["demo-default-app", "demo-backup"].into_iter();
    let mut role = Value::Null;
    for change in changes {
        let field = |name: &str| {
            let mut fields = change["fields"].as_array().unwrap().iter();
            let found = fields.find(|field| field["name"] == name);
            found.map_or(Value::Null, |field| field["after"].clone())
        };
        match change["operation"].as_str().unwrap() {
            "s3:CreateBucket" => {
                let bucket = resource("aws_s3_bucket.issuer");
                assert_eq!(
                    change["resource"],
                    format!("bucket s3://{}", bucket["bucket"].as_str().unwrap())
                );
                assert_eq!(bucket["region"], field("region"));
                assert_eq!(bucket["bucket_namespace"], field("namespace"));
                assert_eq!(bucket["tags"], field("tags"));
                assert_eq!(bucket["lifecycle"], json!([{ "prevent_destroy": true }]));
            }
            "s3:PutPublicAccessBlock" => {
                let wanted: Value =
                    serde_json::from_str(&document("public-access-block.json")).unwrap();
                let block = resource("aws_s3_bucket_public_access_block.issuer");
                for (ours, theirs) in [
                    ("BlockPublicAcls", "block_public_acls"),
                    ("IgnorePublicAcls", "ignore_public_acls"),
                    ("BlockPublicPolicy", "block_public_policy"),
                    ("RestrictPublicBuckets", "restrict_public_buckets"),
                ] {
                    assert_eq!(block[theirs], wanted[ours]);
                }
            }
            "s3:PutBucketPolicy" => {
                let policy = resource("aws_s3_bucket_policy.issuer")["policy"].clone();
                assert_eq!(parsed(&policy), field("policy"));
            }
            "s3:PutObject" => {
                let key = change["resource"].as_str().unwrap();
                let (address, name) = match key.ends_with("/keys.json") {
                    true => ("aws_s3_object.keys", "keys.json"),
                    false => ("aws_s3_object.discovery", "discovery.json"),
                };
                let object = resource(address);
                // Byte for byte.
                assert_eq!(object["content"], document(name));
                assert!(key.ends_with(object["key"].as_str().unwrap()));
                assert_eq!(object["content_type"], field("content-type"));
                assert_eq!(object["cache_control"], field("cache-control"));
                assert_eq!(object["server_side_encryption"], field("encryption"));
            }
            "iam:CreateOpenIDConnectProvider" => {
                let provider = resource("aws_iam_openid_connect_provider.issuer");
                assert_eq!(provider["url"], field("url"));
                assert_eq!(provider["client_id_list"], field("audiences"));
                assert_eq!(provider["thumbprint_list"], json!([field("thumbprint")]));
                assert_eq!(provider["tags"], field("tags"));
            }
            "iam:CreateRole" => {
                let name = roles.next().unwrap();
                role = resource(&format!("aws_iam_role.{name}"));
                assert_eq!(change["resource"], format!("role {name}"));
                assert_eq!(role["name"], name);
                assert_eq!(parsed(&role["assume_role_policy"]), field("trust"));
                assert_eq!(role["tags"], field("tags"));
            }
            "iam:AttachRolePolicy" => {
                let attached = resource(&format!(
                    "aws_iam_role_policy_attachment.{}_AmazonS3ReadOnlyAccess",
                    role["name"].as_str().unwrap()
                ));
                assert_eq!(attached["policy_arn"], field("policy"));
            }
            "iam:PutRolePolicy" => {
                let inline = resource("aws_iam_role_policy.demo-backup");
                assert_eq!(parsed(&inline["policy"]), field("policy"));
                assert!(
                    inline["policy"]
                        .as_str()
                        .unwrap()
                        .contains("${aws:username}%{if}")
                );
                assert_eq!(inline["name"], "irsactl");
            }
            other => panic!("{other}"),
        }
    }
    let resources = judged["resources"].as_object().unwrap();
    assert_eq!(resources.len(), changes.len());
    // What an empty account would get is not put over what is there.
    assert_eq!(judged["imports"].as_object().map(|all| all.len()), Some(0));

    if terraform(&work, &["fmt", "-check", "-diff", "issuer.tf"], "").is_some() {
        evaluated(&work, &text, resources);
    }
}

/// Terraform's own reading of the texts of several lines.
fn evaluated(work: &Offline, text: &str, resources: &serde_json::Map<String, Value>) {
    fs::create_dir(work.path("console")).unwrap();
    let mut texts = Vec::new();
    for part in text.split("resource \"").skip(1) {
        let mut names = part.split('"');
        let address = format!("{}.{}", names.next().unwrap(), names.nth(1).unwrap());
        let Some((front, rest)) = part.split_once(" = <<EOT\n") else {
            continue;
        };
        let (heredoc, _) = rest.split_once("\nEOT\n").unwrap();
        let argument = front.rsplit([' ', '\n']).next().unwrap();
        texts.push((heredoc, resources[&address][argument].clone()));
    }
    assert_eq!(texts.len(), 6);
    let numbered = texts.iter().enumerate();
    let locals = numbered.map(|(n, (heredoc, _))| format!("t{n} = <<EOT\n{heredoc}\nEOT\n"));
    let locals = format!("locals {{\n{}}}\n", locals.collect::<String>());
    work.write("console/locals.tf", locals);
    let names: Vec<String> = (0..texts.len()).map(|n| format!("local.t{n}")).collect();
    let ask = format!("jsonencode([{}])\n", names.join(", "));
    let answer = terraform(work, &["-chdir=console", "console"], &ask).unwrap();
    let answer: String = serde_json::from_str(answer.trim()).unwrap();
    let read: Vec<Value> = serde_json::from_str(&answer).unwrap();
    let said: Vec<Value> = texts.into_iter().map(|(_, said)| said).collect();
    assert_eq!(read, said);
}

#[test]
fn what_is_there_is_imported_with_what_others_added_and_nothing_changes() {
    let tenant = Tenant::with_key();
    let example = repository().join("examples/irsactl.yaml");
    fs::copy(example, tenant.path("irsactl.yaml")).unwrap();
    let emit = "emit terraform --config irsactl.yaml";
    let before = judged(&tenant, &tenant.irsactl(emit).ok());
    assert_eq!(before["imports"], json!({}));
    let text = tenant.irsactl(emit).ok();
    let opens = format!(
        "# Everybody will be able to read:\n#   s3://{}/keys.json\n",
        tenant.bucket()
    );
    assert!(text.contains(&opens), "{text}");
    assert_eq!(tenant.changes(), [""; 0]);
    tenant.irsactl("bootstrap --config irsactl.yaml --yes").ok();
    let made = judged(&tenant, &tenant.irsactl(emit).ok());
    assert_eq!(made["resources"], before["resources"]);
    let imports = made["imports"].as_object().unwrap();
    assert!(
        imports
            .keys()
            .eq(made["resources"].as_object().unwrap().keys())
    );
    let id = |address: &str| imports[address].as_str().unwrap().to_owned();
    let bucket = tenant.bucket();
    assert_eq!(id("aws_s3_bucket.issuer"), bucket);
    assert_eq!(id("aws_s3_object.keys"), format!("{bucket}/keys.json"));
    assert_eq!(id("aws_iam_role_policy.demo-backup"), "demo-backup:irsactl");

    // What others added, which a Terraform that does not know of it would remove.
    let arn = id("aws_iam_openid_connect_provider.issuer");
    tenant.iam(&format!(
        "Action=AddClientIDToOpenIDConnectProvider&OpenIDConnectProviderArn={arn}&ClientID=other"
    ));
    tenant.iam("Action=TagRole&RoleName=demo-backup&Tags.member.1.Key=owner&Tags.member.1.Value=x");
    tenant.iam("Action=AttachRolePolicy&RoleName=demo-backup&PolicyArn=arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess");
    let changes = tenant.changes().len();
    let run = tenant.irsactl(emit);
    assert!(
        run.stderr
            .contains("note: the provider also accepts audience"),
        "{run:#?}"
    );
    let kept = judged(&tenant, &run.ok());
    let resource = |address: &str| kept["resources"][address].clone();
    assert_eq!(
        resource("aws_iam_openid_connect_provider.issuer")["client_id_list"],
        json!(["sts.amazonaws.com", "other"])
    );
    assert_eq!(resource("aws_iam_role.demo-backup")["tags"]["owner"], "x");
    let attached = "aws_iam_role_policy_attachment.demo-backup_AmazonS3ReadOnlyAccess";
    assert_eq!(
        kept["imports"][attached],
        "demo-backup/arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    );
    assert_eq!(tenant.changes().len(), changes);
    let again = tenant.irsactl("bootstrap --config irsactl.yaml --yes");
    assert!(again.stderr.starts_with("no changes"), "{again:#?}");
    planned(&tenant, kept["imports"].as_object().unwrap().len());
    // What is not ours would be Terraform's from then on, and marked as ours.
    tenant.iam(&format!(
        "Action=UntagOpenIDConnectProvider&OpenIDConnectProviderArn={arn}&TagKeys.member.1=managed-by"
    ));
    assert_eq!(
        tenant.irsactl("bootstrap --config irsactl.yaml --yes").code,
        4
    );
    tenant
        .irsactl(emit)
        .fails(4, &["it is not ours", "--adopt"]);
    tenant.irsactl(&format!("{emit} --adopt")).ok();
}

/// Where the AWS provider is, Terraform takes the file and adds and removes nothing.
fn planned(tenant: &Tenant, imports: usize) {
    let plugins = std::env::var("TF_PLUGIN_CACHE_DIR").unwrap_or_default();
    let provider = Path::new(&plugins).join("registry.terraform.io/hashicorp/aws");
    if plugins.is_empty() || !provider.is_dir() {
        return skipped("terraform validate and plan: TF_PLUGIN_CACHE_DIR has no AWS provider");
    }
    let init = format!("-plugin-dir={plugins}");
    if terraform(tenant, &["init", "-input=false", &init], "").is_none() {
        return;
    }
    terraform(tenant, &["validate"], "");
    let plan = terraform(tenant, &["plan", "-input=false", "-no-color"], "").unwrap();
    let counts = format!("{imports} to import, 0 to add, ");
    assert!(
        plan.contains(&counts) && plan.contains(" 0 to destroy"),
        "{plan}"
    );
}

#[test]
fn what_cannot_be_written_down_is_refused() {
    let work = Offline::new();
    work.irsactl(
        "emit terraform --cluster demo --region us-west-2 --offline --account-id 111122223333",
    )
    .fails(4, &["issuer/sa-signer.key"]);
    work.irsactl("keygen").ok();
    work.irsactl("emit terraform --cluster demo --region us-west-2 --offline")
        .fails(64, &["give it with --account-id"]);
    work.irsactl("emit terraform --region us-west-2")
        .fails(64, &["--cluster <NAME>"]);
    work.irsactl("emit terrafrom")
        .fails(64, &["a similar subcommand exists: 'terraform'"]);
}

#[test]
fn the_key_is_that_of_the_key_store() {
    for store in STORES {
        let tenant = Tenant::new();
        let options = store.options();
        let kid = tenant.irsactl(&format!("keygen {options}")).ok();
        lose_disk(&tenant);
        let text = tenant.irsactl(&format!("emit terraform {options}")).ok();
        assert!(text.contains(kid.trim()), "{text}");
        assert!(!tenant.path("issuer").exists());
        let offline = "--offline --account-id 111122223333";
        tenant
            .irsactl(&format!("emit terraform {options} {offline}"))
            .fails(64, &["the signing key is in", "--adopt-key"]);
    }
}
