//! What `verify` says of the account and of the cluster: roles, other providers, the thumbprint, tokens.

use serde_json::{Value, json};

use crate::support::http::encoded;
use crate::support::tenant::Tenant;
use crate::verify::{VERIFY, check, failed};

fn warned(report: &Value) -> Vec<&str> {
    let checks = report["checks"].as_array().unwrap().iter();
    checks
        .filter(|check| check["outcome"] == "warn")
        .map(|check| check["name"].as_str().unwrap())
        .collect()
}

#[test]
fn roles_that_trust_too_much_or_nobody_are_named() {
    let (tenant, answer) = Tenant::bootstrapped();
    let arn = answer["provider_arn"].as_str().unwrap();
    let (_, host) = arn.split_once(":oidc-provider/").unwrap();
    let role = |name: &str, principal: &str, condition: Value| {
        let trust = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "Federated": principal },
            "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition,
        }]});
        tenant.iam(&format!(
            "Action=CreateRole&RoleName={name}&AssumeRolePolicyDocument={}",
            encoded(&trust.to_string())
        ));
    };
    let (sub, aud) = (format!("{host}:sub"), format!("{host}:aud"));
    let subject = "system:serviceaccount:default:app";
    tenant
        .irsactl("role --cluster demo --service-account default/good --yes")
        .ok();
    assert_eq!(failed(&tenant, VERIFY).0, Vec::<String>::new());

    role("no-aud", arn, json!({ "StringEquals": { &sub: subject } }));
    let (names, report) = failed(&tenant, VERIFY);
    assert_eq!(names, Vec::<String>::new());
    assert_eq!(warned(&report), ["role trust"]);
    let aud_only = json!({ "StringEquals": { &aud: "sts.amazonaws.com" } });
    role("no-sub", arn, aud_only);
    role(
        "slip",
        arn,
        json!({ "StringEquals": { format!("https://{sub}"): subject, &aud: "sts.amazonaws.com" } }),
    );
    let china = arn.replace("arn:aws:", "arn:aws-cn:");
    let both = json!({ "StringEquals": { &sub: subject, &aud: "sts.amazonaws.com" } });
    role("china", &china, both);
    let (names, report) = failed(&tenant, VERIFY);
    assert_eq!(names, ["role trust"]);
    let found: Vec<(&str, &str)> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["name"] == "role trust" && check["outcome"] == "fail")
        .map(|check| {
            let place = check["place"].as_str().unwrap();
            let (_, name) = place.rsplit_once('/').unwrap();
            (name, check["actual"].as_str().unwrap())
        })
        .collect();
    let expected = [
        ("no-sub", "every service account of the cluster"),
        ("slip", "is not of this issuer"),
        ("china", "another partition's or account's"),
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (name, words) in expected {
        let (_, actual) = found.iter().find(|(found, _)| *found == name).unwrap();
        assert!(actual.contains(words), "{name}: {actual}");
    }
}

#[test]
fn every_dangling_provider_of_the_account_is_named() {
    let (tenant, answer) = Tenant::bootstrapped();
    let dangling = "verify --dangling -o json";
    let (names, report) = failed(&tenant, dangling);
    assert_eq!(names, Vec::<String>::new());
    assert_eq!(check(&report, "takeover")["place"], answer["provider_arn"]);
    let thumbprint = "a".repeat(40);
    for url in [
        "https://gone-since-long.s3.us-west-2.amazonaws.com",
        "https://s3.us-west-2.amazonaws.com/gone-path-style",
    ] {
        tenant.iam(&format!(
            "Action=CreateOpenIDConnectProvider&Url={}&ThumbprintList.member.1={thumbprint}&ClientIDList.member.1=x",
            encoded(url)
        ));
    }
    let (names, report) = failed(&tenant, dangling);
    assert_eq!(names, ["takeover"]);
    let outcomes: Vec<&Value> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| &check["outcome"])
        .collect();
    assert_eq!(outcomes, ["pass", "fail", "fail"], "{report:#}");
    assert!(
        tenant
            .irsactl("verify --dangling")
            .stdout
            .contains("CRITICAL")
    );
    // A bucket that somebody else has may be meant to be trusted: by whatever form of its name.
    let (owner, own) = (Tenant::new(), Tenant::in_region("us-east-1"));
    let theirs = format!("theirs-{}", owner.account);
    owner.irsactl("keygen").ok();
    owner
        .irsactl(&format!("publish --bucket {theirs} --yes"))
        .ok();
    own.irsactl("keygen").ok();
    let elsewhere = format!("team-403-{}", own.account);
    own.irsactl(&format!("bootstrap --cluster x --bucket {elsewhere} --yes"))
        .ok();
    for url in [
        format!("https://s3.us-west-2.amazonaws.com/{theirs}"),
        format!("https://{theirs}.s3.us-west-2.amazonaws.com"),
        format!("https://{theirs}.s3-us-west-2.amazonaws.com"),
        format!("https://{theirs}.s3.dualstack.us-west-2.amazonaws.com"),
        format!("https://dotted.{theirs}.s3.us-west-2.amazonaws.com"),
    ] {
        own.iam(&format!(
            "Action=CreateOpenIDConnectProvider&Url={}&ThumbprintList.member.1={thumbprint}&ClientIDList.member.1=x",
            encoded(&url)
        ));
    }
    let (names, report) = failed(&own, "verify --dangling --region us-west-2 -o json");
    assert_eq!(names, Vec::<String>::new(), "{report:#}");
    assert_eq!(warned(&report), ["takeover"; 4]);
    let checks = report["checks"].as_array().unwrap().iter();
    let mut unknown = checks.filter(|check| check["outcome"] == "skipped");
    let unknown = unknown.next().unwrap()["actual"].as_str().unwrap();
    assert!(unknown.contains("the host is S3's"), "{unknown}");
    tenant
        .irsactl("verify --dangling --cluster demo")
        .fails(64, &["cannot be used with"]);
}

/// One setting that cannot be read does not keep the roles from being looked at.
#[test]
fn an_unreadable_setting_leaves_the_other_checks() {
    let (tenant, _) = Tenant::bootstrapped();
    let tenant = tenant.named();
    let role = "role --cluster demo --name any --service-account */* --allow-wildcard --yes";
    tenant.irsactl(role).ok();
    tenant.fail_next("GetBucketPolicy", 1, 403, "AccessDenied", "no");
    let (names, report) = failed(&tenant, VERIFY);
    assert_eq!(names, ["role trust"], "{report:#}");
    for name in [
        "AWS resources",
        "encryption",
        "wider bucket policy statements",
    ] {
        assert_eq!(check(&report, name)["outcome"], "skipped", "{name}");
    }
    // Roles that cannot be listed are said to be.
    tenant.fail_next("ListRoles", 1, 403, "AccessDenied", "no");
    let report = failed(&tenant, VERIFY).1;
    assert_eq!(check(&report, "role trust")["outcome"], "skipped");
}

#[test]
fn a_thumbprint_that_is_not_the_chains_is_a_warning() {
    let tenant = Tenant::with_key();
    let leaf = "b".repeat(40);
    tenant
        .irsactl(&format!(
            "bootstrap --cluster demo --yes --thumbprint {leaf}"
        ))
        .ok();
    let (names, report) = failed(&tenant, VERIFY);
    assert_eq!(names, Vec::<String>::new());
    assert_eq!(warned(&report), ["thumbprint"]);
    let hint = check(&report, "thumbprint")["hint"].as_str().unwrap();
    assert!(hint.contains("where it does not trust the issuer's certificate"));
}

#[test]
fn the_cluster_and_its_tokens_are_compared_with_what_is_published() {
    let (tenant, answer) = Tenant::bootstrapped();
    let issuer = answer["issuer"].as_str().unwrap();
    let cluster =
        format!("{VERIFY} --cluster-jwks live.json --cluster-discovery live-discovery.json");
    let live = |issuer: &str, dir: &str| {
        tenant.write(
            "live.json",
            tenant.irsactl(&format!("jwks --dir {dir}")).ok(),
        );
        let discovery = tenant.irsactl("discovery --cluster demo").ok();
        let own = answer["issuer"].as_str().unwrap();
        tenant.write("live-discovery.json", discovery.replace(own, issuer));
    };
    live(issuer, "issuer");
    assert_eq!(failed(&tenant, &cluster).0, Vec::<String>::new());

    tenant.irsactl("keygen --dir other").ok();
    live("https://kubernetes.default.svc.cluster.local", "other");
    let (names, report) = failed(&tenant, &cluster);
    assert_eq!(names, ["cluster issuer", "cluster keys"], "{report:#}");
    assert_eq!(warned(&report), ["cluster jwks_uri", "published keys"]);
    tenant.write("live.json", "<html>");
    assert_eq!(
        failed(&tenant, &format!("{VERIFY} --cluster-jwks live.json")).0,
        ["cluster keys"]
    );
    assert_eq!(
        failed(&tenant, &format!("{VERIFY} --kubeconfig absent")).0,
        ["cluster issuer", "cluster keys"]
    );
    let asked = format!(
        "{VERIFY} --role-arn arn:aws:iam::{}:role/x --dir nowhere",
        tenant.account
    );
    assert_eq!(failed(&tenant, &asked).0, ["proof"]);
    tenant.write("webhook.yaml", tenant.irsactl("webhook").ok());
    tenant
        .irsactl("verify --webhook webhook.yaml --cluster-jwks live.json")
        .fails(64, &["cannot tell which issuer is meant"]);
    tenant
        .irsactl(&format!("{VERIFY} --cluster-jwks - --token -"))
        .fails(64, &["cannot read two things from standard input"]);

    let token = |arguments: &str| {
        let mint = format!("token mint --cluster demo --stdout {arguments}");
        tenant.write("pod.jwt", tenant.irsactl(&mint).ok());
        failed(&tenant, &format!("{VERIFY} --token pod.jwt")).0
    };
    assert_eq!(token("--subject default/app"), Vec::<String>::new());
    assert_eq!(token("--audience vault"), ["audience"]);
    assert_eq!(token("--dir other"), ["signature"]);
    let foreign = "token mint --issuer https://other.example --stdout";
    tenant.write("pod.jwt", tenant.irsactl(foreign).ok());
    let (names, _) = failed(&tenant, &format!("{VERIFY} --token pod.jwt"));
    assert_eq!(names, ["issuer"]);
}
