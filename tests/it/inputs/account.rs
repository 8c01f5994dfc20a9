//! What an account already holds when the tool comes, or puts in its way.

use serde_json::{Value, json};

use crate::support::http::encoded;
use crate::support::tenant::Tenant;
use crate::verify::{VERIFY, check, failed};

const BOOTSTRAP: &str = "bootstrap --cluster demo --yes -o json";

/// Ownership, tags and encryption are part of the creating call; ACLs are part of none.
#[test]
fn what_is_made_is_ours_from_its_first_moment() {
    let (tenant, _) = Tenant::bootstrapped();
    let role = "role --cluster demo --service-account default/app --yes";
    tenant.irsactl(role).ok();
    let log = tenant.log();
    for entry in &log {
        let headers = entry["headers"].to_string();
        assert!(
            !headers.contains("x-amz-acl") && !headers.contains("x-amz-grant"),
            "{entry}"
        );
        assert!(
            !entry["operation"].as_str().unwrap().contains("Acl"),
            "{entry}"
        );
    }
    for operation in ["CreateBucket", "CreateOpenIDConnectProvider", "CreateRole"] {
        let made = log
            .iter()
            .find(|entry| entry["operation"] == operation)
            .unwrap();
        assert!(
            made["body"].as_str().unwrap().contains("managed-by"),
            "{made}"
        );
    }
    let puts: Vec<&Value> = log
        .iter()
        .filter(|entry| entry["operation"] == "PutObject")
        .collect();
    assert_eq!(puts.len(), 2);
    for put in puts {
        assert_eq!(
            put["headers"]["x-amz-server-side-encryption"], "AES256",
            "{put}"
        );
        assert_eq!(put["headers"]["if-none-match"], "*", "{put}");
    }
}

/// A default of KMS encryption would keep the documents from everybody.
#[test]
fn a_document_under_a_kms_key_is_written_again() {
    let (tenant, _) = Tenant::bootstrapped();
    let target = format!("/{}/keys.json", tenant.bucket());
    let body = tenant.call("s3", "GET", &target, "", "");
    let headers = "Content-Type: application/json\r\nx-amz-server-side-encryption: aws:kms\r\n";
    tenant.call("s3", "PUT", &target, headers, &body);
    let before = tenant.changes().len();
    assert_eq!(tenant.irsactl(BOOTSTRAP).json()["changes"], 1);
    assert_eq!(tenant.changes()[before..], ["s3:PutObject"]);
}

#[test]
fn a_policy_without_room_for_ours_stays_as_it_is() {
    let (tenant, _) = Tenant::bootstrapped();
    let bucket = tenant.bucket();
    let statement = |n: usize| {
        json!({ "Sid": format!("Theirs{n}"), "Effect": "Deny", "Principal": "*",
        "Action": "s3:PutObject", "Resource": format!("arn:aws:s3:::{bucket}/{}", "x".repeat(1000)) })
    };
    let theirs =
        json!({ "Version": "2012-10-17", "Statement": (0..17).map(statement).collect::<Vec<_>>() });
    let target = format!("/{bucket}?policy");
    tenant.call("s3", "PUT", &target, "", &theirs.to_string());
    // Ours still fits in 20 KB, and all of theirs stays.
    assert_eq!(tenant.irsactl(BOOTSTRAP).json()["changes"], 1);
    let merged: Value = serde_json::from_str(&tenant.call("s3", "GET", &target, "", "")).unwrap();
    assert_eq!(merged["Statement"].as_array().unwrap().len(), 18);
    let full =
        json!({ "Version": "2012-10-17", "Statement": (0..18).map(statement).collect::<Vec<_>>() });
    tenant.call("s3", "PUT", &target, "", &full.to_string());
    let before = tenant.changes().len();
    tenant
        .irsactl(BOOTSTRAP)
        .fails(4, &["cannot add to the policy", "S3 takes 20480"]);
    assert_eq!(tenant.changes().len(), before);
}

/// A role that trusts the issuer is found on whatever page of the account's list it stands.
#[test]
fn lists_of_several_pages_are_read_to_their_end() {
    let (tenant, answer) = Tenant::bootstrapped();
    let trust = |principal: Value| {
        json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" }] })
        .to_string()
    };
    let plain = encoded(&trust(json!({ "Service": "ec2.amazonaws.com" })));
    for n in 0..120 {
        tenant.iam(&format!(
            "Action=CreateRole&RoleName=a{n:03}&AssumeRolePolicyDocument={plain}"
        ));
    }
    let ours = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow",
        "Principal": { "Federated": answer["provider_arn"] }, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": { "StringEquals": { "x:sub": "y" } } }] });
    tenant.iam(&format!(
        "Action=CreateRole&RoleName=zz-last&AssumeRolePolicyDocument={}",
        encoded(&ours.to_string())
    ));
    tenant
        .irsactl("destroy --cluster demo --roles --confirm demo")
        .fails(4, &["zz-last"]);
    let pages = tenant
        .log()
        .iter()
        .filter(|entry| entry["operation"] == "ListRoles")
        .count();
    assert!(pages >= 2, "{pages}");
}

/// FIPS and dual-stack endpoints are the SDK's matter, and never the issuer's.
#[test]
fn the_endpoints_in_use_do_not_change_the_issuer() {
    for variable in ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"] {
        let mut tenant = Tenant::with_key();
        tenant
            .offline
            .environment
            .insert(variable, "true".to_owned());
        let names = format!("--cluster demo --account-id {}", tenant.account);
        let document = tenant.irsactl(&format!("discovery {names}")).json();
        assert_eq!(
            document["issuer"],
            format!("https://{}.s3.us-west-2.amazonaws.com", tenant.bucket())
        );
    }
}

/// Five thumbprints are there already: the sixth is not forced in.
#[test]
fn a_provider_that_is_full_of_thumbprints_is_left_as_it_is() {
    let (tenant, answer) = Tenant::bootstrapped();
    let arn = encoded(answer["provider_arn"].as_str().unwrap());
    let five: String = (1..=5)
        .map(|n| format!("&ThumbprintList.member.{n}={}", n.to_string().repeat(40)))
        .collect();
    tenant.iam(&format!(
        "Action=UpdateOpenIDConnectProviderThumbprint&OpenIDConnectProviderArn={arn}{five}"
    ));
    let run = tenant.irsactl(BOOTSTRAP);
    assert!(
        run.stderr.contains("the provider has 5 thumbprints"),
        "{run:#?}"
    );
    assert_eq!(run.json()["changes"], 0);
    // More audiences than IAM takes are a slip that is seen before.
    let many: String = (0..101).map(|n| format!(" --audience a{n}")).collect();
    tenant
        .irsactl(&format!("provider --cluster demo --yes{many}"))
        .fails(64, &["IAM takes at most 100 audiences"]);
}

/// A role right after its provider: IAM may not know the principal yet.
#[test]
fn a_role_whose_provider_iam_does_not_know_yet() {
    let tenant = Tenant::bootstrapped().0.named();
    let role = "role --cluster demo --service-account default/app --yes -o json";
    tenant.fail_next(
        "CreateRole",
        2,
        400,
        "MalformedPolicyDocument",
        "Invalid principal in policy",
    );
    assert_eq!(tenant.irsactl(role).json()["changes"], 1);
    // What IAM will never take is not waited for.
    let never = role.replace("default/app", "default/other");
    tenant.fail_next(
        "CreateRole",
        1,
        400,
        "MalformedPolicyDocument",
        "Syntax errors in policy.",
    );
    tenant
        .irsactl(&never)
        .fails(1, &["MalformedPolicyDocument", "Syntax errors"]);
}

/// Objects under a lock and statements that keep the public out.
#[test]
fn a_lock_and_a_denial_are_said_in_their_own_words() {
    let tenant = Tenant::bootstrapped().0.named();
    let bucket = tenant.bucket();
    let target = format!("/{bucket}?policy");
    let mut policy: Value =
        serde_json::from_str(&tenant.call("s3", "GET", &target, "", "")).unwrap();
    // As a condition on a VPC endpoint does it: nobody outside passes.
    policy["Statement"].as_array_mut().unwrap().push(
        json!({ "Sid": "Outside", "Effect": "Deny", "Principal": "*",
        "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{bucket}/*"),
        "Condition": { "Bool": { "aws:SecureTransport": "true" } } }),
    );
    tenant.call("s3", "PUT", &target, "", &policy.to_string());
    let (names, report) = failed(&tenant, VERIFY);
    assert_eq!(names, ["discovery document", "JWK Set"], "{report:#}");
    assert_eq!(check(&report, "JWK Set")["actual"], "HTTP status 403");
    let run = tenant.irsactl(&format!("{BOOTSTRAP} --timeout 5"));
    run.fails(
        124,
        &["as the public", "HTTP status 403", "denying statement"],
    );
    tenant.fail_next(
        "DeleteObject",
        1,
        403,
        "AccessDenied",
        "Access Denied because object protected by object lock.",
    );
    tenant
        .irsactl("destroy --cluster demo --confirm demo")
        .fails(5, &["protected by object lock", "failed     - object"]);
}
