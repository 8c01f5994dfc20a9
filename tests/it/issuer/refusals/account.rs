//! What an account, its credentials or its servers do not allow.

use crate::support::tenant::Tenant;
use crate::verify::{VERIFY, check, failed};

const BOOTSTRAP: &str = "bootstrap --cluster demo --yes";

#[test]
fn an_account_that_forbids_public_policies() {
    let tenant = Tenant::with_key();
    let block = "<PublicAccessBlockConfiguration><BlockPublicPolicy>true</BlockPublicPolicy></PublicAccessBlockConfiguration>";
    let header = format!("x-amz-account-id: {}\r\n", tenant.account);
    tenant.call(
        "s3",
        "PUT",
        "/v20180820/configuration/publicAccessBlock",
        &header,
        block,
    );
    tenant.irsactl(BOOTSTRAP).fails(
        4,
        &[
            "account-level public access block has BlockPublicPolicy on",
            &tenant.account,
        ],
    );
    assert_eq!(tenant.changes(), ["s3control:PutAccountPublicAccessBlock"]);
}

/// Policies that are there stay in force: nothing is refused until one is to be written.
#[test]
fn an_account_that_forbids_public_policies_from_now_on() {
    let (tenant, _) = Tenant::bootstrapped();
    let block = |setting: &str| {
        let header = format!("x-amz-account-id: {}\r\n", tenant.account);
        let block = format!(
            "<PublicAccessBlockConfiguration><{setting}>true</{setting}></PublicAccessBlockConfiguration>"
        );
        let path = "/v20180820/configuration/publicAccessBlock";
        tenant.call("s3", "PUT", path, &header, &block);
    };
    block("BlockPublicPolicy");
    let (names, report) = failed(&tenant, VERIFY);
    assert_eq!(names, Vec::<String>::new(), "{report:#}");
    let warned = check(&report, "account public access block");
    assert_eq!(warned["outcome"], "warn");
    assert_eq!(
        tenant.irsactl(BOOTSTRAP).ok(),
        tenant.irsactl(BOOTSTRAP).ok()
    );
    let policy = format!("/{}?policy", tenant.bucket());
    tenant.call("s3", "DELETE", &policy, "", "");
    let words = ["account-level public access block has BlockPublicPolicy on"];
    tenant.irsactl(BOOTSTRAP).fails(4, &words);
    block("RestrictPublicBuckets");
    let words = ["account-level public access block has RestrictPublicBuckets on"];
    tenant.irsactl(BOOTSTRAP).fails(4, &words);
}

#[test]
fn no_credentials_wrong_credentials_wrong_account() {
    let mut tenant = Tenant::with_key();
    tenant
        .irsactl(&format!("{BOOTSTRAP} --account-id 999999999999"))
        .fails(
            4,
            &[
                "cannot work in account 999999999999",
                "the credentials are of account",
            ],
        );
    tenant
        .irsactl(&format!("{BOOTSTRAP} --region cn-north-1"))
        // The local STS answers for the partition of its own name, as AWS's does.
        .ok();
    let tenant_key = tenant
        .offline
        .environment
        .insert("AWS_ACCESS_KEY_ID", "AKIAINVALID0000000000".to_owned());
    tenant.irsactl(BOOTSTRAP).fails(
        77,
        &[
            "sts:GetCallerIdentity: InvalidClientTokenId",
            "aws sts get-caller-identity",
        ],
    );
    assert!(tenant_key.is_some());
    tenant.offline.environment.remove("AWS_ACCESS_KEY_ID");
    tenant
        .irsactl(BOOTSTRAP)
        .fails(77, &["there are no AWS credentials", "--profile"]);
    tenant
        .irsactl(&format!("{BOOTSTRAP} --profile absent"))
        .fails(77, &["there are no AWS credentials", "absent"]);
}

#[test]
fn a_server_that_cannot_be_reached() {
    let mut tenant = Tenant::with_key();
    tenant
        .offline
        .environment
        .insert("HTTPS_PROXY", "http://127.0.0.1:9".to_owned());
    tenant
        .irsactl(BOOTSTRAP)
        .fails(1, &["sts:GetCallerIdentity", "HTTPS_PROXY"]);
}
