//! Removal: in the safe order, only what is ours, and gone on with after a failure.

use serde_json::{Value, json};

use crate::support::http::encoded;
use crate::support::tenant::{Tenant, http};

const DESTROY: &str = "destroy --cluster demo -o json";

fn status(target: &str) -> u16 {
    http("GET", target, "", "").0
}

/// An issuer with a role that has a managed and an inline policy.
fn with_role() -> (Tenant, Value) {
    let (tenant, answer) = Tenant::bootstrapped();
    tenant.write(
        "policy.json",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]}"#,
    );
    let role = "role --cluster demo --service-account default/app --policy-arn arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess --inline-policy policy.json --yes";
    tenant.irsactl(role).ok();
    (tenant, answer)
}

#[test]
fn roles_then_the_provider_then_the_documents_and_the_bucket_stays() {
    let (tenant, _) = with_role();
    let before = tenant.changes().len();
    let plan = tenant
        .irsactl(&format!("{DESTROY} --roles --dry-run"))
        .json();
    let planned: Vec<String> = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["operation"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(tenant.changes().len(), before);
    let answer = tenant
        .irsactl(&format!("{DESTROY} --roles --confirm demo"))
        .json();
    assert_eq!(answer["bucket"], "kept");
    let calls = tenant.changes().split_off(before);
    assert_eq!(calls, planned);
    assert_eq!(
        calls,
        [
            "iam:DetachRolePolicy",
            "iam:DeleteRolePolicy",
            "iam:DeleteRole",
            "iam:DeleteOpenIDConnectProvider",
            "s3:DeleteObject",
            "s3:DeleteObject",
            "s3:DeleteBucketPolicy",
        ]
    );
    let granted = tenant
        .irsactl("policy destroy --cluster demo")
        .json()
        .to_string();
    for entry in tenant
        .log()
        .iter()
        .rev()
        .take_while(|entry| entry["operation"] != "GetCallerIdentity")
    {
        let (service, operation) = (
            entry["service"].as_str().unwrap(),
            entry["operation"].as_str().unwrap(),
        );
        let action = match operation {
            "HeadBucket" => "s3:ListBucket".to_owned(),
            "ListObjectVersions" => "s3:ListBucketVersions".to_owned(),
            other => format!("{service}:{other}"),
        };
        assert!(
            granted.contains(&format!("{action:?}")),
            "{action} is not in {granted}"
        );
    }
    // AWS was seen to trust the issuer no more before its documents went.
    let log = tenant.log();
    let place = |operation: &str| {
        log.iter()
            .rposition(|entry| entry["operation"] == operation)
    };
    let delete = log
        .iter()
        .position(|entry| entry["operation"] == "DeleteObject")
        .unwrap();
    let confirmed = log[..delete]
        .iter()
        .rev()
        .find(|entry| entry["service"] == "iam")
        .unwrap();
    assert_eq!(confirmed["operation"], "GetOpenIDConnectProvider");
    assert_eq!(confirmed["code"], "NoSuchEntity");
    assert!(place("DeleteOpenIDConnectProvider") < Some(delete));

    let again = tenant.irsactl(&format!("{DESTROY} --roles --confirm demo"));
    assert!(again.stderr.contains("no changes"), "{again:#?}");
    assert!(tenant.path("issuer/sa-signer.key").exists());
    // The tombstone can be used again, or go.
    tenant.irsactl("bootstrap --cluster demo --yes").ok();
    let gone = tenant
        .irsactl(&format!("{DESTROY} --delete-bucket --confirm demo"))
        .json();
    assert_eq!(gone["bucket"], "deleted");
    let (_, body) = http("GET", &format!("/{}/keys.json", tenant.bucket()), "", "");
    assert!(body.contains("NoSuchBucket"), "{body}");
    let again = tenant.irsactl(&format!("{DESTROY} --delete-bucket --confirm demo"));
    assert!(again.stderr.contains("no changes"), "{again:#?}");
}

#[test]
fn all_versions_go_and_other_issuers_of_the_bucket_stay() {
    let tenant = Tenant::with_key();
    let bucket = format!("shared-{}", tenant.account);
    tenant.irsactl("keygen --dir b").ok();
    let names = |name: &str| format!("--cluster {name} --bucket {bucket} --prefix {name}");
    tenant
        .irsactl(&format!("bootstrap {} --yes", names("a")))
        .ok();
    let versioning = r#"<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>"#;
    tenant.call(
        "s3",
        "PUT",
        &format!("/{bucket}?versioning"),
        "",
        versioning,
    );
    tenant
        .irsactl(&format!("bootstrap {} --yes --dir b", names("b")))
        .ok();
    tenant.call("s3", "PUT", &format!("/{bucket}/a/keys.json"), "", "second");
    tenant.call("s3", "DELETE", &format!("/{bucket}/a/keys.json"), "", "");

    let destroy = format!("destroy {} --confirm a -o json", names("a"));
    assert_eq!(tenant.irsactl(&destroy).json()["changes"], 6);
    let left = tenant.call("s3", "GET", &format!("/{bucket}?versions"), "", "");
    assert!(
        !left.contains("<Key>a/") && left.contains("<Key>b/"),
        "{left}"
    );
    let verify = format!("verify {} --dir b", names("b"));
    tenant.irsactl(&verify).ok();
    let destroy = format!("destroy {} --dir b", names("b"));
    tenant
        .irsactl(&format!("{destroy} --delete-bucket --confirm b"))
        .fails(4, &["a global one", "--i-understand-takeover"]);
    tenant.call("s3", "PUT", &format!("/{bucket}/mine.txt"), "", "mine");
    let all = format!("{destroy} --delete-bucket --i-understand-takeover --confirm b");
    tenant
        .irsactl(&all)
        .fails(4, &["other objects are in it", "mine.txt"]);
    assert_eq!(status(&format!("/{bucket}/b/keys.json")), 200);
    tenant.irsactl(&format!("{destroy} --confirm b")).ok();
    assert_eq!(status(&format!("/{bucket}/b/keys.json")), 403);
}

#[test]
fn what_is_not_ours_is_not_touched() {
    let (tenant, answer) = with_role();
    let before = tenant.changes().len();
    tenant
        .irsactl(DESTROY)
        .fails(64, &["there is no terminal", "--confirm"]);
    tenant
        .irsactl(&format!("{DESTROY} --confirm other"))
        .fails(64, &["'other'", "'demo'"]);
    tenant
        .irsactl(&format!(
            "destroy --cluster other --bucket {} --confirm other",
            tenant.bucket()
        ))
        .fails(4, &["belongs to another cluster"]);
    let arn = answer["provider_arn"].as_str().unwrap();
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Federated": [arn] }, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": { "StringEquals": { "x:sub": "y" } },
    }]});
    tenant.iam(&format!(
        "Action=CreateRole&RoleName=theirs&AssumeRolePolicyDocument={}",
        encoded(&trust.to_string())
    ));
    tenant
        .irsactl(&format!("{DESTROY} --roles --confirm demo"))
        .fails(4, &["not this cluster's alone", "theirs"]);
    assert_eq!(tenant.changes().len(), before + 1);
    tenant.iam("Action=DeleteRole&RoleName=theirs");
    tenant.iam(&format!(
        "Action=UntagOpenIDConnectProvider&OpenIDConnectProviderArn={}&TagKeys.member.1=managed-by",
        encoded(arn)
    ));
    tenant
        .irsactl(&format!("{DESTROY} --confirm demo"))
        .fails(4, &["it is not ours"]);
}

#[test]
fn a_failure_part_way_is_gone_on_with() {
    let tenant = Tenant::bootstrapped().0.named();
    let role = "role --cluster demo --service-account default/app --yes";
    tenant.irsactl(role).ok();
    tenant.fail_next("DeleteObject", 1, 403, "AccessDenied", "no");
    tenant.irsactl(&format!("{DESTROY} --confirm demo")).fails(
        5,
        &[
            "roles that trust it are kept",
            "done       - OpenID",
            "failed     - object",
            "not tried  - bucket policy",
        ],
    );
    let done = tenant.irsactl(&format!("{DESTROY} --confirm demo")).json();
    assert_eq!(done["changes"], 3);
}

/// What belongs to another cluster, to an instance, or to whoever took the bucket.
#[test]
fn what_is_shared_stops_it_and_what_is_stolen_does_not() {
    let (tenant, answer) = with_role();
    let arn = answer["provider_arn"].as_str().unwrap();
    let destroy = format!("{DESTROY} --roles --confirm demo");
    let refused = |words: &[&str]| {
        let before = tenant.changes().len();
        tenant.irsactl(&destroy).fails(4, words);
        assert_eq!(tenant.changes().len(), before);
    };
    let profile = "InstanceProfileName=nodes&RoleName=demo-default-app";
    tenant.iam("Action=CreateInstanceProfile&InstanceProfileName=nodes");
    tenant.iam(&format!("Action=AddRoleToInstanceProfile&{profile}"));
    refused(&["it is in an instance profile", "nodes"]);
    tenant.iam(&format!("Action=RemoveRoleFromInstanceProfile&{profile}"));
    tenant.iam("Action=TagRole&RoleName=demo-default-app&Tags.member.1.Key=irsactl%2Fcluster&Tags.member.1.Value=other");
    refused(&["not this cluster's alone", "demo-default-app"]);
    tenant.iam("Action=TagRole&RoleName=demo-default-app&Tags.member.1.Key=irsactl%2Fcluster&Tags.member.1.Value=demo");
    let shared = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "Federated": arn }, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": { "StringEquals": { "x:sub": "y" } } },
        { "Effect": "Allow", "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole" },
    ]});
    tenant.iam(&format!(
        "Action=UpdateAssumeRolePolicy&RoleName=demo-default-app&PolicyDocument={}",
        encoded(&shared.to_string())
    ));
    refused(&["not this cluster's alone"]);

    // A bucket that somebody else took: the provider must go above all.
    let (victim, thief) = (Tenant::with_key(), Tenant::new());
    let name = format!("taken-{}", victim.account);
    victim
        .irsactl(&format!("bootstrap --cluster demo --bucket {name} --yes"))
        .ok();
    for target in ["/keys.json", "/.well-known/openid-configuration", ""] {
        victim.call("s3", "DELETE", &format!("/{name}{target}"), "", "");
    }
    thief.irsactl("keygen").ok();
    thief
        .irsactl(&format!("publish --bucket {name} --yes"))
        .ok();
    let gone = victim.irsactl(&format!("{DESTROY} --bucket {name} --confirm demo"));
    assert!(
        gone.stderr
            .contains("is not this account's, and is left alone"),
        "{gone:#?}"
    );
    let answer = gone.json();
    assert_eq!(
        (&answer["changes"], &answer["bucket"]),
        (&json!(1), &json!("foreign"))
    );
    assert_eq!(status(&format!("/{name}/keys.json")), 200);
}

#[test]
fn documents_whose_cluster_nobody_names_stay() {
    let tenant = Tenant::with_key();
    let bucket = format!("shared-{}", tenant.account);
    let publish = format!("publish --cluster prod --bucket {bucket} --prefix prod --yes");
    tenant.irsactl(&publish).ok();
    let destroy = format!("destroy --cluster test --bucket {bucket} --prefix prod --confirm test");
    tenant
        .irsactl(&format!("{destroy} --dir none"))
        .fails(4, &["cannot tell whose documents", "--dir"]);
    assert_eq!(status(&format!("/{bucket}/prod/keys.json")), 200);
    tenant.irsactl(&destroy).ok();
    assert_eq!(status(&format!("/{bucket}/prod/keys.json")), 403);
}

#[test]
fn what_is_said_of_the_bucket_is_what_became_of_it() {
    let tenant = Tenant::with_key();
    let destroy = |options: &str| {
        let run = tenant.irsactl(&format!("{DESTROY} --confirm demo {options}"));
        assert_eq!(run.code, 0, "{run:#?}");
        run.json()["bucket"].clone()
    };
    let text = |options: &str| {
        let run = format!("destroy --cluster demo --confirm demo {options}");
        tenant.irsactl(&run).ok()
    };
    assert_eq!(destroy(""), "absent");
    assert!(text("").starts_with("nothing of https://"));
    let theirs = format!("theirs-{}", tenant.account);
    let place = "<CreateBucketConfiguration><LocationConstraint>us-west-2</LocationConstraint></CreateBucketConfiguration>";
    tenant.call("s3", "PUT", &format!("/{theirs}"), "", place);
    assert_eq!(destroy(&format!("--bucket {theirs}")), "not-ours");
    assert!(text(&format!("--bucket {theirs}")).contains("its documents are still there"));

    // The wrong region, and a right that is missing, are no reason to call it somebody else's.
    let ours = format!("ours-{}", tenant.account);
    let named = format!("--cluster demo --bucket {ours}");
    tenant.irsactl(&format!("bootstrap {named} --yes")).ok();
    tenant
        .irsactl(&format!(
            "destroy {named} --confirm demo --region us-east-1"
        ))
        .fails(4, &["it is in region us-west-2"]);
    let tenant = Tenant::bootstrapped().0.named();
    tenant.fail_next("HeadBucket", 1, 403, "AccessDenied", "no");
    tenant
        .irsactl("destroy --cluster demo --confirm demo")
        .fails(77, &["grant s3:ListBucket"]);
}
