//! Judges that others wrote: openssl, the aws cli, PyJWT, openid-client with jose, and an STS that
//! really checks.

use serde_json::Value;

use crate::support::tenant::{TOOLS, Tenant, http};

const SUBJECT: &str = "system:serviceaccount:default:app";

/// A token as kube-apiserver signs it, by PyJWT with a key file of `dir`.
pub(crate) fn token(tenant: &Tenant, issuer: &str, dir: &str, kid: &str) -> String {
    let mut sign = tenant.command(TOOLS.python());
    sign.arg(TOOLS.judges().join("pyjwt_sign.py"));
    sign.args([
        &format!("{dir}/sa-signer.key"),
        kid,
        issuer,
        "sts.amazonaws.com",
        SUBJECT,
    ]);
    let output = sign.output().unwrap();
    assert!(output.status.success(), "{output:#?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// What a judge says of a token: the claims, or why not.
pub(crate) fn judged(tenant: &Tenant, judge: &str, issuer: &str) -> Result<Value, String> {
    let program = if judge.ends_with(".mjs") {
        TOOLS.node()
    } else {
        TOOLS.python()
    };
    let mut verify = tenant.command(program);
    verify
        .arg(TOOLS.judges().join(judge))
        .args([issuer, "token", "sts.amazonaws.com"]);
    let output = verify.output().unwrap();
    match output.status.success() {
        true => Ok(serde_json::from_slice(&output.stdout).unwrap()),
        false => Err(String::from_utf8(output.stderr).unwrap()),
    }
}

#[test]
fn foreign_libraries_discover_the_issuer_and_accept_its_tokens_alone() {
    let (tenant, answer) = Tenant::bootstrapped();
    let (issuer, kid) = (
        answer["issuer"].as_str().unwrap(),
        answer["kid"].as_str().unwrap(),
    );
    tenant.irsactl("keygen --dir other").ok();
    for judge in ["pyjwt_verify.py", "openid_client.mjs"] {
        tenant.write("token", token(&tenant, issuer, "issuer", kid));
        let claims = judged(&tenant, judge, issuer).unwrap();
        assert_eq!(claims["sub"], SUBJECT, "{judge}");
        // Signed by another key under our kid.
        tenant.write("token", token(&tenant, issuer, "other", kid));
        let refusal = judged(&tenant, judge, issuer).unwrap_err().to_lowercase();
        assert!(refusal.contains("signature"), "{judge}: {refusal}");
    }
}

#[test]
fn sts_exchanges_a_token_of_the_issuer_for_credentials() {
    let (tenant, answer) = Tenant::bootstrapped();
    let (issuer, kid) = (
        answer["issuer"].as_str().unwrap(),
        answer["kid"].as_str().unwrap(),
    );
    let (arn, host) = (
        answer["provider_arn"].as_str().unwrap(),
        issuer.strip_prefix("https://").unwrap(),
    );
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Federated":"{arn}"}},
        "Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringEquals":{{"{host}:sub":"{SUBJECT}","{host}:aud":"sts.amazonaws.com"}}}}}}]}}"#
    );
    let encoded: String = trust.bytes().map(|b| format!("%{b:02X}")).collect();
    tenant.iam(&format!(
        "Action=CreateRole&RoleName=app&AssumeRolePolicyDocument={encoded}"
    ));
    tenant.irsactl("keygen --dir other").ok();
    let assume = |dir: &str| {
        let query = format!(
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=test&RoleArn=arn:aws:iam::{}:role/app&WebIdentityToken={}",
            tenant.account,
            token(&tenant, issuer, dir, kid)
        );
        http(
            "POST",
            "/",
            "Content-Type: application/x-www-form-urlencoded",
            &query,
        )
    };
    let (status, body) = assume("issuer");
    assert_eq!(status, 200, "{body}");
    assert!(
        body.contains("<AccessKeyId>") && body.contains(SUBJECT),
        "{body}"
    );
    let (status, body) = assume("other");
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("<Code>InvalidIdentityToken</Code>"), "{body}");
}

#[test]
fn the_aws_cli_reads_back_what_was_made() {
    let (tenant, answer) = Tenant::bootstrapped();
    let bucket = tenant.bucket();
    let aws = |arguments: &str| -> Value {
        let mut command = tenant.command(TOOLS.program("aws"));
        command.args(arguments.split(' ')).env("AWS_PAGER", "");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments}: {output:#?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let arn = answer["provider_arn"].as_str().unwrap();
    let provider = aws(&format!(
        "iam get-open-id-connect-provider --open-id-connect-provider-arn {arn}"
    ));
    assert_eq!(
        provider["Url"],
        format!("{bucket}.s3.us-west-2.amazonaws.com")
    );
    assert_eq!(
        provider["ClientIDList"],
        serde_json::json!(["sts.amazonaws.com"])
    );
    assert_eq!(provider["ThumbprintList"], answer["thumbprints"]);
    for (key, document) in [
        ("keys.json", tenant.irsactl("jwks").ok()),
        (
            ".well-known/openid-configuration",
            tenant.irsactl("discovery --cluster demo").ok(),
        ),
    ] {
        let object = aws(&format!(
            "s3api get-object --bucket {bucket} --key {key} read-back"
        ));
        assert_eq!(object["ContentType"], "application/json");
        assert_eq!(object["CacheControl"], "no-cache");
        assert_eq!(object["ServerSideEncryption"], "AES256");
        assert_eq!(
            std::fs::read_to_string(tenant.path("read-back")).unwrap(),
            document
        );
    }
    assert_eq!(
        aws(&format!("s3api get-bucket-policy-status --bucket {bucket}"))["PolicyStatus"]["IsPublic"],
        true
    );

    // The reviewed request is one that the aws cli takes as it is.
    tenant
        .irsactl("bootstrap --cluster second --dry-run --documents docs")
        .ok();
    let made =
        aws("iam create-open-id-connect-provider --cli-input-json file://docs/provider.json");
    assert!(
        made["OpenIDConnectProviderArn"]
            .as_str()
            .unwrap()
            .contains("/second-oidc-")
    );
}

#[test]
fn the_thumbprint_is_the_one_of_iams_own_recipe() {
    let tenant = Tenant::new();
    let host = format!("{}.s3.us-west-2.amazonaws.com", tenant.bucket());
    let proxy = Tenant::proxy().strip_prefix("http://").unwrap();
    // "Obtain the thumbprint for an OpenID Connect identity provider", IAM User Guide.
    let recipe = format!(
        "openssl s_client -proxy {proxy} -servername {host} -showcerts -connect {host}:443 </dev/null 2>/dev/null |
         awk '/BEGIN CERT/ {{ certificate = \"\" }} {{ certificate = certificate $0 \"\\n\" }} /END CERT/ {{ last = certificate }}
              END {{ printf \"%s\", last }}' |
         openssl x509 -fingerprint -sha1 -noout | sed 's/.*=//; s/://g' | tr A-F a-f"
    );
    assert_eq!(
        tenant.irsactl("thumbprint --cluster demo").ok(),
        tenant.shell(&recipe)
    );
}
