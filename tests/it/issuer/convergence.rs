//! Running again repairs what has drifted, and keeps what others have in the same place.

use serde_json::Value;

use crate::support::tenant::Tenant;

const BOOTSTRAP: &str = "bootstrap --cluster demo --yes -o json";

/// What drifts, how to cause it, and the only calls that may repair it.
#[test]
fn whatever_drifts_is_repaired_and_nothing_else_is_touched() {
    let (tenant, answer) = Tenant::bootstrapped();
    let bucket = tenant.bucket();
    let arn = answer["provider_arn"]
        .as_str()
        .unwrap()
        .replace('/', "%2F")
        .replace(':', "%3A");
    let s3 = |method: &str, target: &str, headers: &str, body: &str| {
        tenant.call("s3", method, &format!("/{bucket}{target}"), headers, body);
    };
    let cases: [(&str, &dyn Fn(), &str); 8] = [
        (
            "policy removed",
            &|| s3("DELETE", "?policy", "", ""),
            "s3:PutBucketPolicy",
        ),
        (
            "public access block removed",
            &|| s3("DELETE", "?publicAccessBlock", "", ""),
            "s3:PutPublicAccessBlock",
        ),
        (
            "keys.json removed",
            &|| s3("DELETE", "/keys.json", "", ""),
            "s3:PutObject",
        ),
        (
            "discovery replaced",
            &|| {
                s3(
                    "PUT",
                    "/.well-known/openid-configuration",
                    "Content-Type: application/json\r\n",
                    "{}",
                )
            },
            "s3:PutObject",
        ),
        (
            "audience removed",
            &|| {
                tenant.iam(&format!(
                    "Action=RemoveClientIDFromOpenIDConnectProvider&OpenIDConnectProviderArn={arn}&ClientID=sts.amazonaws.com"
                ));
            },
            "iam:AddClientIDToOpenIDConnectProvider",
        ),
        (
            "thumbprint replaced",
            &|| {
                tenant.iam(&format!(
                    "Action=UpdateOpenIDConnectProviderThumbprint&OpenIDConnectProviderArn={arn}&ThumbprintList.member.1={}",
                    "a".repeat(40)
                ));
            },
            "iam:UpdateOpenIDConnectProviderThumbprint",
        ),
        (
            "cluster tag removed",
            &|| {
                tenant.iam(&format!(
                    "Action=UntagOpenIDConnectProvider&OpenIDConnectProviderArn={arn}&TagKeys.member.1=irsactl%2Fcluster"
                ));
            },
            "iam:TagOpenIDConnectProvider",
        ),
        (
            "provider removed",
            &|| {
                tenant.iam(&format!(
                    "Action=DeleteOpenIDConnectProvider&OpenIDConnectProviderArn={arn}"
                ));
            },
            "iam:CreateOpenIDConnectProvider",
        ),
    ];
    for (drift, cause, repair) in cases {
        cause();
        let before = tenant.changes().len();
        assert_eq!(tenant.irsactl(BOOTSTRAP).json()["changes"], 1, "{drift}");
        assert_eq!(tenant.changes()[before..], [repair], "{drift}");
    }
    assert_eq!(tenant.irsactl(BOOTSTRAP).json()["changes"], 0);
}

#[test]
fn two_clusters_share_a_bucket_under_prefixes_and_keep_each_others_statement() {
    let tenant = Tenant::with_key();
    let name = format!("shared-{}", tenant.account);
    for prefix in ["one", "t-w/o", "tZ2dw/o"] {
        let cluster = prefix.replace('/', "").to_lowercase();
        let run = format!(
            "bootstrap --cluster {cluster} --bucket {name} --prefix {prefix} --yes -o json"
        );
        let answer = tenant.irsactl(&run).json();
        assert_eq!(
            answer["issuer"],
            format!("https://{name}.s3.us-west-2.amazonaws.com/{prefix}")
        );
    }
    let again = tenant.irsactl(&format!(
        "bootstrap --cluster one --bucket {name} --prefix one --yes -o json"
    ));
    assert_eq!(again.json()["changes"], 0);
    let policy: Value =
        serde_json::from_str(&tenant.call("s3", "GET", &format!("/{name}?policy"), "", ""))
            .unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    assert_eq!(statements.len(), 3);
    for (statement, prefix) in statements.iter().zip(["one", "t-w/o", "tZ2dw/o"]) {
        assert_eq!(statement["Action"], "s3:GetObject");
        assert_eq!(
            statement["Resource"],
            serde_json::json!([
                format!("arn:aws:s3:::{name}/{prefix}/keys.json"),
                format!("arn:aws:s3:::{name}/{prefix}/.well-known/openid-configuration")
            ])
        );
    }
}

#[test]
fn published_keys_are_kept_when_another_key_is_published() {
    let (tenant, answer) = Tenant::bootstrapped();
    tenant.irsactl("keygen --dir next").ok();
    tenant
        .irsactl("publish --cluster demo --dir next --add-key --yes")
        .ok();
    let target = format!("/{}/keys.json", tenant.bucket());
    let published: Value =
        serde_json::from_str(&tenant.call("s3", "GET", &target, "", "")).unwrap();
    let kids: Vec<&str> = published["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["kid"].as_str().unwrap())
        .collect();
    let next = tenant.kid("next/sa-signer.pub");
    assert_eq!(kids.len(), 2);
    assert!(kids.is_sorted());
    assert!(kids.contains(&next.as_str()) && kids.contains(&answer["kid"].as_str().unwrap()));
    let put = tenant
        .log()
        .into_iter()
        .rfind(|entry| entry["operation"] == "PutObject")
        .unwrap();
    assert!(put["headers"]["if-match"].is_string(), "{put}");
    // A run with the first key keeps the second one, and says that it is there.
    let kept = tenant.irsactl(BOOTSTRAP);
    assert!(
        kept.stderr.contains(&format!("also holds kid {next}")),
        "{kept:#?}"
    );
    assert_eq!(kept.json()["changes"], 0);
}

#[test]
fn an_adopted_bucket_that_is_public_by_acl_stays_readable() {
    let tenant = Tenant::with_key();
    let name = format!("legacy-{}", tenant.account);
    let location = "<CreateBucketConfiguration><LocationConstraint>us-west-2</LocationConstraint></CreateBucketConfiguration>";
    tenant.call("s3", "PUT", &format!("/{name}"), "", location);
    tenant.call(
        "s3",
        "DELETE",
        &format!("/{name}?publicAccessBlock"),
        "",
        "",
    );
    let run = format!("bootstrap --cluster demo --bucket {name} --adopt");
    let plan = tenant.irsactl(&format!("{run} --dry-run -o json")).json();
    let operations: Vec<&str> = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["operation"].as_str().unwrap())
        .collect();
    assert_eq!(
        operations[..3],
        [
            "s3:PutBucketTagging",
            "s3:PutBucketPolicy",
            "s3:PutPublicAccessBlock"
        ]
    );
    assert!(
        plan["notes"][0]
            .as_str()
            .unwrap()
            .contains("public by ACL become private"),
        "{plan}"
    );
    assert_eq!(
        tenant.irsactl(&format!("{run} --yes -o json")).json()["changes"],
        6 - 1 + 1
    );
}

/// With nothing to change, one wait is enough for both views of the documents.
#[test]
fn what_the_public_sees_is_asked_once_and_beside_what_the_owner_sees() {
    let (tenant, _) = Tenant::bootstrapped();
    let tenant = tenant.named();
    let seen = tenant.strangers().len();
    tenant.delay_next("GetBucketPolicy", 3);
    assert_eq!(tenant.irsactl(BOOTSTRAP).json()["changes"], 0);
    let strangers = tenant.strangers().split_off(seen);
    assert_eq!(strangers.len(), 2, "{strangers:#?}");
    let log = tenant.log();
    let policy = log
        .iter()
        .rfind(|entry| entry["operation"] == "GetBucketPolicy");
    for stranger in &strangers {
        let started = stranger["started"].as_f64();
        assert!(started < policy.unwrap()["ended"].as_f64(), "{stranger:#?}");
    }

    // What is not what was written is asked for again.
    for (status, reads) in [(200, 3), (403, 3)] {
        let seen = tenant.strangers().len();
        tenant.fail_strangers(Some("keys.json"), 1, status);
        assert_eq!(tenant.irsactl(BOOTSTRAP).json()["changes"], 0);
        assert_eq!(tenant.strangers().len() - seen, reads, "{status}");
    }

    // A key that goes to its store first takes its time, and may have been asked about.
    let seen = tenant.strangers().len();
    tenant
        .irsactl("bootstrap --cluster demo --key-store ssm --yes")
        .ok();
    assert_eq!(tenant.strangers().len() - seen, 4);

    // Who only looks is no stranger.
    let seen = tenant.strangers().len();
    tenant
        .irsactl("bootstrap --cluster demo --dry-run -o json")
        .ok();
    tenant.irsactl("emit terraform --cluster demo").ok();
    assert_eq!(tenant.strangers().len(), seen);
}
