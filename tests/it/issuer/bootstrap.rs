//! The main job: dry run, apply, apply again.

use std::fs;

use serde_json::Value;

use crate::support::tenant::Tenant;

const BOOTSTRAP: &str = "bootstrap --cluster demo --yes -o json";

fn planned(plan: &Value) -> Vec<String> {
    let changes = plan["changes"].as_array().unwrap();
    changes
        .iter()
        .map(|change| change["operation"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_changing_call_is_one_that_the_dry_run_listed_and_the_second_run_makes_none() {
    let tenant = Tenant::with_key();
    let dry_run = tenant
        .irsactl("bootstrap --cluster demo --dry-run --documents docs -o json")
        .json();
    assert_eq!(tenant.changes(), Vec::<String>::new());
    assert_eq!(
        planned(&dry_run),
        [
            "s3:CreateBucket",
            "s3:PutPublicAccessBlock",
            "s3:PutBucketPolicy",
            "s3:PutObject",
            "s3:PutObject",
            "iam:CreateOpenIDConnectProvider",
        ]
    );

    let answer = tenant.irsactl(BOOTSTRAP).json();
    assert_eq!(tenant.changes(), planned(&dry_run));
    assert_eq!(answer["changes"], 6);
    assert_eq!(answer["kid"], tenant.kid("issuer/sa-signer.pub"));

    // What was written is what was reviewed.
    let bucket = tenant.bucket();
    let log = tenant.log();
    for (key, document) in [
        ("keys.json", "keys.json"),
        (".well-known/openid-configuration", "discovery.json"),
    ] {
        let put = log
            .iter()
            .find(|entry| entry["operation"] == "PutObject" && entry["key"] == key)
            .unwrap();
        assert_eq!(
            put["body"],
            fs::read_to_string(tenant.path("docs").join(document)).unwrap()
        );
        assert_eq!(put["headers"]["content-type"], "application/json");
        assert_eq!(put["headers"]["cache-control"], "no-cache");
        assert_eq!(put["headers"]["x-amz-server-side-encryption"], "AES256");
        assert_eq!(put["headers"]["if-none-match"], "*");
        assert_eq!(put["host"], format!("{bucket}.s3.us-west-2.amazonaws.com"));
    }
    for entry in log.iter().filter(|entry| entry["service"] == "s3") {
        let headers = entry["headers"].as_object().unwrap();
        assert!(!headers.contains_key("x-amz-acl"));
        let owned = headers
            .get("x-amz-expected-bucket-owner")
            .is_some_and(|owner| *owner == tenant.account.as_str());
        assert!(owned || entry["operation"] == "CreateBucket", "{entry}");
    }

    let again = tenant.irsactl(BOOTSTRAP);
    assert!(again.stderr.contains("no changes"), "{again:#?}");
    assert_eq!(again.json()["changes"], 0);
    assert_eq!(tenant.changes().len(), 6);
}

#[test]
fn the_exit_code_of_a_dry_run_tells_whether_changes_are_pending() {
    let (tenant, _) = Tenant::bootstrapped();
    let dry_run = "bootstrap --cluster demo --dry-run --detailed-exitcode";
    let settled = tenant.irsactl(dry_run);
    assert_eq!(settled.code, 0);
    assert!(settled.stdout.ends_with("no changes\n"), "{settled:#?}");
    tenant.call(
        "s3",
        "DELETE",
        &format!("/{}?policy", tenant.bucket()),
        "",
        "",
    );
    assert_eq!(tenant.irsactl(dry_run).code, 2);
    assert_eq!(tenant.irsactl("bootstrap --cluster demo --dry-run").code, 0);
}

#[test]
fn bootstrap_makes_a_key_when_there_is_none_and_a_dry_run_does_not() {
    let tenant = Tenant::new();
    tenant
        .irsactl("bootstrap --cluster demo --dry-run")
        .fails(4, &["issuer/sa-signer.key", "irsactl keygen"]);
    assert!(!tenant.path("issuer").exists());
    let answer = tenant.irsactl(BOOTSTRAP).json();
    assert_eq!(answer["kid"], tenant.kid("issuer/sa-signer.pub"));
}

#[test]
fn publish_and_provider_are_slices_of_the_same_plan() {
    let tenant = Tenant::with_key();
    tenant.irsactl("publish --cluster demo --yes").ok();
    assert_eq!(tenant.changes().len(), 5);
    let arn = tenant.irsactl("provider --cluster demo --yes").ok();
    assert_eq!(
        arn,
        format!(
            "arn:aws:iam::{}:oidc-provider/{}.s3.us-west-2.amazonaws.com\n",
            tenant.account,
            tenant.bucket()
        )
    );
    assert_eq!(tenant.changes().len(), 6);
    assert_eq!(tenant.irsactl(BOOTSTRAP).json()["changes"], 0);
}

#[test]
fn the_issuer_and_the_arn_follow_the_region() {
    for (region, partition, suffix) in [
        ("us-east-1", "aws", "amazonaws.com"),
        ("eu-central-1", "aws", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
        ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
    ] {
        let tenant = Tenant::in_region(region);
        let host = format!("{}.s3.{region}.{suffix}", tenant.bucket());
        let answer = tenant.irsactl(BOOTSTRAP).json();
        assert_eq!(answer["issuer"], format!("https://{host}"));
        assert_eq!(
            answer["provider_arn"],
            format!(
                "arn:{partition}:iam::{}:oidc-provider/{host}",
                tenant.account
            )
        );
        assert_eq!(tenant.irsactl(BOOTSTRAP).json()["changes"], 0, "{region}");
    }
}

#[test]
fn the_provider_gets_the_audiences_thumbprint_and_tags_that_are_asked() {
    let tenant = Tenant::with_key();
    let bootstrap = format!("{BOOTSTRAP} --tag team=platform");
    tenant.irsactl(&bootstrap).json();
    let thumbprint = "0123456789abcdef0123456789abcdef01234567";
    let provider = format!(
        "provider --cluster demo --audience one --audience two --thumbprint {thumbprint} --tag team=core --yes -o json"
    );
    let before = tenant.changes().len();
    let answer = tenant.irsactl(&provider).json();
    assert_eq!(answer["thumbprints"], serde_json::json!([thumbprint]));
    assert_eq!(
        tenant.changes()[before..],
        [
            "iam:TagOpenIDConnectProvider",
            "iam:AddClientIDToOpenIDConnectProvider",
            "iam:AddClientIDToOpenIDConnectProvider",
            "iam:RemoveClientIDFromOpenIDConnectProvider",
            "iam:UpdateOpenIDConnectProviderThumbprint",
        ]
    );
    assert_eq!(tenant.irsactl(&provider).json()["changes"], 0);
    let repeated = provider.replace(
        "--audience one",
        "--audience one --audience two --audience one",
    );
    assert_eq!(tenant.irsactl(&repeated).json()["changes"], 0);
    // The thumbprint of the chain is added to the one that somebody set.
    let own = tenant.irsactl("thumbprint --cluster demo").ok();
    let both = tenant
        .irsactl("provider --cluster demo --tag team=core --yes -o json")
        .json();
    assert_eq!(
        both["thumbprints"],
        serde_json::json!([thumbprint, own.trim()])
    );
    // By default an audience that somebody added is kept, and said.
    let kept = tenant.irsactl("provider --cluster demo --tag team=core --dry-run");
    assert!(
        kept.stdout.contains("also accepts audience \"one\"") && kept.stdout.contains("no changes"),
        "{kept:#?}"
    );
}

#[test]
fn iam_reads_the_thumbprint_itself_when_it_is_left_to_it() {
    let tenant = Tenant::with_key();
    let answer = tenant
        .irsactl(&format!("{BOOTSTRAP} --no-thumbprint"))
        .json();
    let own = tenant.irsactl("thumbprint --cluster demo").ok();
    assert_eq!(answer["thumbprints"], serde_json::json!([own.trim()]));
    assert_eq!(tenant.irsactl(BOOTSTRAP).json()["changes"], 0);
}

#[test]
fn an_overridden_endpoint_is_used_path_style_for_every_service() {
    let mut tenant = Tenant::with_key();
    tenant.offline.environment.remove("HTTPS_PROXY");
    tenant
        .offline
        .environment
        .insert("AWS_ENDPOINT_URL", Tenant::endpoint().to_owned());
    let run = tenant.irsactl(
        "bootstrap --cluster demo --yes --thumbprint 0123456789abcdef0123456789abcdef01234567",
    );
    assert!(
        run.stderr
            .contains(&format!("endpoint  {}", Tenant::endpoint())),
        "{run:#?}"
    );
    run.ok();
    assert_eq!(tenant.changes().len(), 6);
    assert!(
        tenant
            .log()
            .iter()
            .all(|entry| entry["host"] == "127.0.0.1")
    );
}

#[test]
fn region_and_credentials_can_come_from_a_profile() {
    let mut tenant = Tenant::with_key();
    for name in [
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SHARED_CREDENTIALS_FILE",
    ] {
        tenant.offline.environment.remove(name);
    }
    let profile = format!(
        "[profile platform]\nregion = eu-west-1\naws_access_key_id = AKIATEST{}\naws_secret_access_key = x\n",
        tenant.account
    );
    let config = tenant.write("config", profile);
    tenant
        .offline
        .environment
        .insert("AWS_CONFIG_FILE", config.to_str().unwrap().to_owned());
    let answer = tenant
        .irsactl(&format!("{BOOTSTRAP} --profile platform"))
        .json();
    let issuer = answer["issuer"].as_str().unwrap();
    assert!(
        issuer.contains(&tenant.account) && issuer.ends_with(".s3.eu-west-1.amazonaws.com"),
        "{issuer}"
    );
    // A profile that was named wins over credentials in the environment.
    tenant
        .offline
        .environment
        .insert("AWS_ACCESS_KEY_ID", "AKIATEST999999999999".to_owned());
    tenant
        .offline
        .environment
        .insert("AWS_SECRET_ACCESS_KEY", "x".to_owned());
    let named = tenant
        .irsactl("bootstrap --cluster demo --profile platform --dry-run -o json")
        .json();
    assert_eq!(named["account"], tenant.account.as_str());
    // The flag wins, and an empty variable counts as none.
    tenant
        .offline
        .environment
        .insert("AWS_REGION", String::new());
    let discovery = tenant
        .irsactl("discovery --bucket b1b --profile platform")
        .ok();
    assert!(
        discovery.contains("https://b1b.s3.eu-west-1.amazonaws.com"),
        "{discovery}"
    );
    let discovery = tenant
        .irsactl("discovery --bucket b1b --profile platform --region us-east-2")
        .ok();
    assert!(
        discovery.contains("https://b1b.s3.us-east-2.amazonaws.com"),
        "{discovery}"
    );
}

#[test]
fn a_named_profile_may_assume_a_role() {
    let (mut tenant, answer) = Tenant::bootstrapped();
    let role = "role --cluster demo --name ci --service-account default/ci --yes";
    tenant.irsactl(role).ok();
    let token = tenant
        .irsactl("token mint --cluster demo --subject default/ci --stdout")
        .ok();
    let token = tenant.write("token", token.trim());
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        tenant.offline.environment.remove(name);
    }
    let account = tenant.account.clone();
    let role = format!("role_arn = arn:aws:iam::{account}:role/ci");
    let config = format!(
        "[profile base]\naws_access_key_id = AKIATEST{account}\naws_secret_access_key = x\n\
         [profile assumed]\n{role}\nsource_profile = base\n\
         [profile web]\n{role}\nweb_identity_token_file = {}\n",
        token.display()
    );
    let config = tenant.write("config", config);
    let config = config.to_str().unwrap().to_owned();
    tenant.offline.environment.insert("AWS_CONFIG_FILE", config);
    for profile in ["assumed", "web"] {
        let provider = format!("provider --cluster demo --profile {profile} --dry-run -o json");
        let planned = tenant.irsactl(&provider).json();
        assert_eq!(planned["account"], account.as_str(), "{profile}");
        assert_eq!(planned["issuer"], answer["issuer"]);
    }
}

#[test]
fn the_public_key_alone_is_enough_to_plan_and_to_publish() {
    let tenant = Tenant::with_key();
    let whole = tenant.irsactl("bootstrap --cluster demo --dry-run").ok();
    fs::remove_file(tenant.path("issuer/sa-signer.key")).unwrap();
    assert_eq!(
        tenant.irsactl("bootstrap --cluster demo --dry-run").ok(),
        whole
    );
    tenant.irsactl("jwks").ok();
    tenant.irsactl("publish --cluster demo --yes").ok();
    // A whole bootstrap hands the signing key to the API server, so it wants to see it.
    tenant
        .irsactl(BOOTSTRAP)
        .fails(4, &["sa-signer.pub is there without its private key"]);
}
