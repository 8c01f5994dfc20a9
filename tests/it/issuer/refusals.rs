//! What must be refused before the first change: other people's resources, the wrong place, names that nothing can have.

pub(crate) mod account;

use crate::support::tenant::Tenant;

const BOOTSTRAP: &str = "bootstrap --cluster demo --yes";

/// Nothing was changed by this account, and no key was left behind.
#[track_caller]
pub(crate) fn untouched(tenant: &Tenant) {
    assert_eq!(tenant.changes(), Vec::<String>::new());
}

fn create_bucket(tenant: &Tenant, name: &str) {
    let configuration = format!(
        "<CreateBucketConfiguration><LocationConstraint>{}</LocationConstraint></CreateBucketConfiguration>",
        tenant.region
    );
    tenant.call("s3", "PUT", &format!("/{name}"), "", &configuration);
}

#[test]
fn a_bucket_of_another_account() {
    let (owner, tenant) = (Tenant::new(), Tenant::with_key());
    let name = format!("taken-{}", owner.account);
    create_bucket(&owner, &name);
    tenant
        .irsactl(&format!("{BOOTSTRAP} --bucket {name}"))
        .fails(
            4,
            &["403 Forbidden", "belongs to another account", "--bucket"],
        );
    untouched(&tenant);
}

#[test]
fn a_bucket_in_another_region() {
    let (tenant, name) = (Tenant::with_key(), "elsewhere-1");
    create_bucket(&tenant, name);
    tenant
        .irsactl(&format!("{BOOTSTRAP} --bucket {name} --region eu-west-1"))
        .fails(
            4,
            &[
                "it is in region us-west-2, not in eu-west-1",
                "--region us-west-2",
            ],
        );
    assert_eq!(tenant.changes(), ["s3:CreateBucket"]);
}

#[test]
fn a_bucket_that_is_not_tagged_ours_unless_it_is_adopted() {
    let (tenant, name) = (Tenant::with_key(), "somebodys-bucket");
    create_bucket(&tenant, name);
    let tagging =
        "<Tagging><TagSet><Tag><Key>team</Key><Value>data</Value></Tag></TagSet></Tagging>";
    tenant.call("s3", "PUT", &format!("/{name}?tagging"), "", tagging);
    let run = format!("{BOOTSTRAP} --bucket {name}");
    let before = tenant.changes().len();
    tenant
        .irsactl(&run)
        .fails(4, &["it is not ours", "managed-by=irsactl", "--adopt"]);
    assert_eq!(tenant.changes().len(), before);

    tenant.irsactl(&format!("{run} --adopt")).ok();
    let tags = tenant.call("s3", "GET", &format!("/{name}?tagging"), "", "");
    assert!(
        tags.contains("<Key>team</Key>") && tags.contains("<Key>managed-by</Key>"),
        "{tags}"
    );
    let settled = tenant.irsactl(&run);
    assert!(settled.stderr.contains("no changes"), "{settled:#?}");
}

#[test]
fn a_provider_that_is_not_ours_or_another_clusters() {
    let tenant = Tenant::with_key();
    let url = format!(
        "https%3A%2F%2F{}.s3.us-west-2.amazonaws.com",
        tenant.bucket()
    );
    tenant.iam(&format!(
        "Action=CreateOpenIDConnectProvider&Url={url}&ThumbprintList.member.1={}",
        "a".repeat(40)
    ));
    tenant
        .irsactl(BOOTSTRAP)
        .fails(4, &["oidc-provider", "it is not ours", "--adopt"]);
    assert_eq!(tenant.changes(), ["iam:CreateOpenIDConnectProvider"]);
    tenant.irsactl(&format!("{BOOTSTRAP} --adopt")).ok();

    let run = format!(
        "bootstrap --cluster other --bucket {} --yes",
        tenant.bucket()
    );
    let before = tenant.changes().len();
    tenant.irsactl(&run).fails(
        4,
        &[
            "belongs to another cluster",
            "\"demo\"",
            "\"other\"",
            "--prefix",
        ],
    );
    assert_eq!(tenant.changes().len(), before);
}

#[test]
fn a_published_keys_json_that_cannot_be_merged() {
    let (tenant, _) = Tenant::bootstrapped();
    let target = format!("/{}/keys.json", tenant.bucket());
    for (body, reason) in [
        ("<html>", "it is not a JWK Set"),
        (
            r#"{"keys":[{"kty":"RSA","d":"AQAB"}]}"#,
            "private member \"d\"",
        ),
    ] {
        tenant.call("s3", "PUT", &target, "", body);
        let before = tenant.changes().len();
        tenant.irsactl(BOOTSTRAP).fails(
            4,
            &["cannot merge with s3://", reason, "nothing was changed"],
        );
        assert_eq!(tenant.changes().len(), before);
    }
}

#[test]
fn a_provider_for_a_bucket_that_nobody_owns() {
    let tenant = Tenant::with_key();
    tenant
        .irsactl("provider --bucket free-for-anybody --yes")
        .fails(
            4,
            &[
                "s3://free-for-anybody: it is not there",
                "could sign tokens",
                "irsactl publish",
            ],
        );
    // The same under its URL, and a host that serves nothing.
    tenant
        .irsactl("provider --issuer https://free-for-anybody.s3.us-west-2.amazonaws.com/a --yes")
        .fails(4, &["s3://free-for-anybody: it is not there"]);
    // In whatever form of its name, and where the form hides the name.
    for host in [
        "free-for-anybody.s3.dualstack.us-west-2.amazonaws.com",
        "s3.dualstack.us-west-2.amazonaws.com/free-for-anybody",
        "free-for-anybody.s3-fips.us-west-2.amazonaws.com",
        "free-for-anybody.s3-fips.dualstack.us-west-2.amazonaws.com",
        "free-for-anybody.s3-accelerate.amazonaws.com",
        "free-for-anybody.s3-accelerate.dualstack.amazonaws.com",
        "free-for-anybody.s3-external-1.amazonaws.com",
    ] {
        let provider = format!("provider --issuer https://{host} --no-thumbprint --yes");
        let words = ["s3://free-for-anybody: it is not there"];
        tenant.irsactl(&provider).fails(4, &words);
    }
    for host in [
        "free.for.anybody.s3.us-west-2.amazonaws.com",
        "s3.us-west-2.amazonaws.com/free.for.anybody",
    ] {
        let provider = format!("provider --issuer https://{host} --no-thumbprint --yes");
        let words = ["is S3's, and whose bucket it is cannot be told"];
        tenant.irsactl(&provider).fails(4, &words);
    }
    tenant
        .irsactl("provider --issuer https://nothing.amazonaws.com --yes")
        .fails(
            4,
            &[
                "cannot let AWS trust https://nothing.amazonaws.com",
                "https://nothing.amazonaws.com/.well-known/openid-configuration: ",
                "publish both documents first",
            ],
        );
    untouched(&tenant);
}

#[test]
fn a_key_that_is_not_the_issuers_unless_it_is_added() {
    let (tenant, answer) = Tenant::bootstrapped();
    let before = tenant.changes().len();
    // A CI runner without the key, and another cluster's key.
    tenant
        .irsactl("bootstrap --cluster demo --dir empty --yes")
        .fails(
            4,
            &[
                "cannot publish another key",
                answer["kid"].as_str().unwrap(),
                "into --dir",
                "--add-key",
            ],
        );
    assert!(!tenant.path("empty").exists());
    tenant.irsactl("keygen --dir other").ok();
    tenant
        .irsactl(&format!(
            "publish --bucket {} --dir other --yes",
            tenant.bucket()
        ))
        .fails(4, &["cannot publish another key", "--prefix"]);
    assert_eq!(tenant.changes().len(), before);
}

#[test]
fn a_refused_bootstrap_leaves_no_key_behind() {
    let (owner, tenant) = (Tenant::new(), Tenant::new());
    let name = format!("foreign-{}", owner.account);
    create_bucket(&owner, &name);
    tenant
        .irsactl(&format!("{BOOTSTRAP} --bucket {name}"))
        .fails(4, &["another account"]);
    tenant
        .irsactl("bootstrap --cluster demo")
        .fails(64, &["there is no terminal"]);
    assert!(!tenant.path("issuer").exists());
}

#[test]
fn names_are_refused_before_the_first_call() {
    let tenant = Tenant::with_key();
    for (arguments, reason) in [
        (
            "bootstrap --cluster demo --bucket my.bucket --yes",
            "has a dot",
        ),
        (
            "bootstrap --cluster a-cluster-name-that-is-far-too-long-for-it --yes",
            "S3 takes 3 to 63",
        ),
        (
            "bootstrap --cluster demo --region me-south-1 --yes",
            "no account-regional names there",
        ),
        ("publish --bucket My-Bucket --yes", "lower-case letters"),
        ("provider --bucket xn--bucket --yes", "reserved prefix"),
        ("policy --bucket xn--bucket", "reserved prefix"),
        (
            "policy publish --issuer https://oidc.example.com",
            "--issuer goes with",
        ),
        (
            "bootstrap --cluster demo --tag Managed-By=me --yes",
            "a key stands twice",
        ),
        (
            "bootstrap --cluster demo --tag a=1 --tag A=2 --yes",
            "a key stands twice",
        ),
        (
            "provider --issuer http://example.com --yes",
            "scheme must be https",
        ),
        (
            "flags --cluster a-cluster-name-that-is-far-too-long-for-it",
            "S3 takes 3 to 63",
        ),
    ] {
        tenant.irsactl(arguments).fails(64, &[reason]);
    }
    assert_eq!(tenant.log().len(), 0);
}
