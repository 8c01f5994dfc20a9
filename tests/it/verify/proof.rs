//! The proof of `verify`: what STS answers to a token, and what that shows.

use serde_json::json;

use crate::support::tenant::Tenant;
use crate::verify::{VERIFY, check, failed};

#[test]
fn sts_proves_the_issuer_and_the_role() {
    let (tenant, answer) = Tenant::bootstrapped();
    let host = answer["issuer"]
        .as_str()
        .unwrap()
        .strip_prefix("https://")
        .unwrap()
        .to_owned();
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": { "Federated": answer["provider_arn"] },
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": { "StringEquals": {
            format!("{host}:sub"): "system:serviceaccount:default:app",
            format!("{host}:aud"): "sts.amazonaws.com",
        }},
    }]});
    let encoded: String = trust
        .to_string()
        .bytes()
        .map(|b| format!("%{b:02X}"))
        .collect();
    tenant.iam(&format!(
        "Action=CreateRole&RoleName=app&AssumeRolePolicyDocument={encoded}"
    ));
    let proof = format!(
        "{VERIFY} --role-arn arn:aws:iam::{}:role/app",
        tenant.account
    );

    let assumed = failed(&tenant, &format!("{proof} --subject default/app")).1;
    assert!(
        check(&assumed, "proof")["actual"]
            .as_str()
            .unwrap()
            .contains("assumed-role/app/irsactl-verify")
    );
    assert!(!assumed.to_string().contains("ASIA"), "{assumed}");
    // A role that trusts somebody else proves the issuer all the same.
    let refused = failed(&tenant, &proof).1;
    assert!(
        check(&refused, "proof")["actual"]
            .as_str()
            .unwrap()
            .contains("the token is accepted")
    );
    assert_eq!(
        failed(
            &tenant,
            &format!("{proof} --subject default/other --timeout 8")
        )
        .0,
        ["proof"]
    );

    let (names, report) = failed(
        &tenant,
        &format!("{proof} --subject default/app --audience vault"),
    );
    assert_eq!(names, ["proof"]);
    assert!(
        check(&report, "proof")["hint"]
            .as_str()
            .unwrap()
            .contains("not a client ID of the provider"),
        "{report:#}"
    );
    tenant.irsactl("keygen --dir other").ok();
    assert_eq!(
        failed(&tenant, &format!("{proof} --dir other")).0,
        ["signing key published", "unknown keys", "proof"]
    );
}

/// A refusal that comes before STS has looked at the token proves nothing.
#[test]
fn a_refusal_in_other_words_is_no_proof() {
    let (tenant, _) = Tenant::bootstrapped();
    let tenant = tenant.named();
    let proof = format!(
        "{VERIFY} --role-arn arn:aws:iam::{}:role/app",
        tenant.account
    );
    assert_eq!(failed(&tenant, &proof).0, Vec::<String>::new());
    let denied = "User: anonymous is not authorized to perform: sts:AssumeRoleWithWebIdentity with an explicit deny in a VPC endpoint policy";
    let operation = "AssumeRoleWithWebIdentity";
    tenant.fail_next(operation, 1, 403, "AccessDenied", denied);
    let (names, report) = failed(&tenant, &proof);
    assert_eq!(names, ["proof"]);
    let actual = check(&report, "proof")["actual"].as_str().unwrap();
    assert!(
        actual.starts_with("STS has not judged the token"),
        "{actual}"
    );
}

#[test]
fn a_role_that_anybody_can_assume_is_no_proof() {
    let (tenant, _) = Tenant::bootstrapped();
    let role = "role --cluster demo --name any --service-account */* --allow-wildcard --yes";
    tenant.irsactl(role).ok();
    let arn = format!("arn:aws:iam::{}:role/any", tenant.account);
    let (names, report) = failed(&tenant, &format!("{VERIFY} --role-arn {arn}"));
    assert_eq!(names, ["role trust", "proof"]);
    assert!(
        check(&report, "proof")["hint"]
            .as_str()
            .unwrap()
            .contains("no condition on :sub, or a wildcard")
    );
    tenant
        .irsactl("verify --cluster demo --role-arn any")
        .fails(64, &["the ARN of a role"]);
}
