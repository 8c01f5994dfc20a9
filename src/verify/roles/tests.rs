//! Trust policies, and what is said of them.

use serde_json::json;

use crate::verify::report::Outcome;
use crate::verify::roles::*;

const ARN: &str = "arn:aws:iam::111122223333:oidc-provider/a.example/x";
const SUB: &str = "system:serviceaccount:default:app";

fn outcome(principal: &str, condition: Value) -> (Outcome, String) {
    let audiences = ["sts.amazonaws.com".to_owned()];
    let trusted = Trusted {
        provider_arn: ARN,
        host_path: "a.example/x",
        audiences: Some(&audiences),
    };
    let action = condition.get("Action").cloned();
    let action = action.unwrap_or_else(|| json!(["sts:AssumeRoleWithWebIdentity"]));
    let trust = json!({ "Statement": {
        "Effect": "Allow", "Principal": { "Federated": principal },
        "Action": action, "Condition": condition,
    }});
    let arn = "arn:aws:iam::111122223333:role/app".to_owned();
    let check = check(&[Role { arn, trust }], &trusted).remove(0);
    (check.outcome, check.actual)
}

#[test]
fn each_hole_and_each_slip_is_named() {
    let aud = json!("sts.amazonaws.com");
    let (sub_key, aud_key) = ("a.example/x:sub", "a.example/x:aud");
    let cases = [
        (
            ARN,
            json!({ "StringEquals": { sub_key: SUB, aud_key: aud } }),
            Outcome::Pass,
            "one role",
        ),
        (
            ARN,
            json!({ "StringEquals": { aud_key: aud } }),
            Outcome::Fail,
            "every service account",
        ),
        (
            ARN,
            json!({ "StringNotEquals": { sub_key: "x" }, "StringEquals": { aud_key: aud } }),
            Outcome::Fail,
            "every service account",
        ),
        (
            ARN,
            json!({ "StringEquals": { sub_key: SUB } }),
            Outcome::Warn,
            "any audience",
        ),
        (
            ARN,
            json!({ "StringEquals": { aud_key: aud }, "StringLike": { sub_key: "*" } }),
            Outcome::Fail,
            "every namespace",
        ),
        (
            ARN,
            json!({ "StringEquals": { aud_key: aud }, "StringLike": { sub_key: "system:serviceaccount:*:app" } }),
            Outcome::Fail,
            "every namespace",
        ),
        (
            ARN,
            json!({ "StringEquals": { aud_key: aud }, "StringLike": { sub_key: "system:serviceaccount:default:*" } }),
            Outcome::Warn,
            "tomorrow's",
        ),
        (
            ARN,
            json!({ "StringEquals": { aud_key: aud }, "StringLike": { sub_key: SUB } }),
            Outcome::Warn,
            "StringEquals would do",
        ),
        (
            ARN,
            json!({ "StringEquals": { sub_key: "system:serviceaccount:default:*", aud_key: aud } }),
            Outcome::Fail,
            "by the letter",
        ),
        (
            ARN,
            json!({ "StringEquals": { sub_key: SUB, aud_key: "vault" } }),
            Outcome::Fail,
            "none of the provider's",
        ),
        (
            ARN,
            json!({ "StringEquals": { "https://a.example/x:sub": SUB, aud_key: aud } }),
            Outcome::Fail,
            "not of this issuer",
        ),
        (
            ARN,
            json!({ "Action": "sts:AssumeRoleWith*" }),
            Outcome::Fail,
            "every service account",
        ),
        (
            ARN,
            json!({ "Action": "sts:TagSession" }),
            Outcome::Pass,
            "no role",
        ),
        (
            ARN,
            json!({ "StringEquals": { sub_key: "default/app", aud_key: aud } }),
            Outcome::Fail,
            "no service account is called",
        ),
        (
            ARN,
            json!({ "StringEquals": { sub_key: SUB }, "StringLike": { aud_key: "sts.*" } }),
            Outcome::Warn,
            "is a pattern: a token of any such audience",
        ),
        (
            "arn:aws-cn:iam::111122223333:oidc-provider/a.example/x",
            json!({}),
            Outcome::Fail,
            "another partition's",
        ),
        (
            "arn:aws:iam::111122223333:oidc-provider/other",
            json!({}),
            Outcome::Pass,
            "no role",
        ),
    ];
    for (principal, condition, expected, words) in cases {
        let (outcome, actual) = outcome(principal, condition.clone());
        assert_eq!(outcome, expected, "{condition}: {actual}");
        assert!(actual.contains(words), "{condition}: {actual}");
    }
}
