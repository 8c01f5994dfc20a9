//! Test tokens: minted here and judged by others, signed by others and taken apart here.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::promises::judges::{judged, token as signed_by_pyjwt};
use crate::support::tenant::{Offline, Tenant};

#[test]
fn a_minted_token_is_accepted_by_libraries_that_others_wrote() {
    let (tenant, answer) = Tenant::bootstrapped();
    let issuer = answer["issuer"].as_str().unwrap();
    let mint = "token mint --cluster demo --subject default/app --out token";
    assert_eq!(tenant.irsactl(mint).ok(), "token\n");
    let mode = fs::metadata(tenant.path("token"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    for judge in ["pyjwt_verify.py", "openid_client.mjs"] {
        let claims = judged(&tenant, judge, issuer).unwrap();
        assert_eq!(
            claims["sub"], "system:serviceaccount:default:app",
            "{judge}"
        );
        assert_eq!(
            claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(),
            610
        );
    }
    // It is not written over anything, and not printed unless asked for.
    tenant.irsactl(mint).fails(4, &["cannot write token"]);
    tenant
        .irsactl("token mint --cluster demo")
        .fails(64, &["--out <FILE>"]);
    let printed = tenant.irsactl("token mint --cluster demo --stdout").ok();
    assert_eq!(printed.trim().split('.').count(), 3);
}

#[test]
fn a_token_of_the_api_server_is_taken_apart_and_checked() {
    let (tenant, answer) = Tenant::bootstrapped();
    let (issuer, kid) = (
        answer["issuer"].as_str().unwrap(),
        answer["kid"].as_str().unwrap(),
    );
    let decode = format!("token decode token --issuer {issuer} --audience sts.amazonaws.com");
    tenant.write("token", signed_by_pyjwt(&tenant, issuer, "issuer", kid));
    let good = tenant.irsactl(&decode);
    assert!(
        good.stdout.contains("\"kubernetes.io\"") && !good.stdout.contains("fail "),
        "{good:#?}"
    );
    let signature = fs::read_to_string(tenant.path("token")).unwrap();
    let signature = signature.trim().rsplit('.').next().unwrap().to_owned();
    assert!(!good.ok().contains(&signature));
    assert!(
        tenant
            .irsactl("token decode token --signature")
            .ok()
            .contains(&signature)
    );

    tenant.irsactl("keygen --dir other").ok();
    let other_issuer = "https://other.s3.us-west-2.amazonaws.com";
    for (token, arguments, failing) in [
        (
            signed_by_pyjwt(&tenant, issuer, "other", kid),
            "",
            "signature",
        ),
        (
            signed_by_pyjwt(&tenant, other_issuer, "issuer", kid),
            "",
            "issuer",
        ),
        (
            signed_by_pyjwt(&tenant, issuer, "issuer", "another-kid"),
            "",
            "signature",
        ),
        (
            signed_by_pyjwt(&tenant, issuer, "issuer", kid),
            " --audience vault",
            "audience",
        ),
    ] {
        tenant.write("token", token);
        let decode = match arguments {
            "" => decode.clone(),
            audience => decode.replace(" --audience sts.amazonaws.com", audience),
        };
        let report = tenant.irsactl(&format!("{decode} -o json"));
        assert_eq!(report.code, 3, "{report:#?}");
        let report: serde_json::Value = serde_json::from_str(&report.stdout).unwrap();
        let checks = report["checks"].as_array().unwrap().iter();
        let failed: Vec<&str> = checks
            .filter(|check| check["outcome"] == "fail")
            .map(|check| check["name"].as_str().unwrap())
            .collect();
        assert_eq!(failed, [failing]);
    }
}

#[test]
fn what_is_not_a_token_and_what_nobody_vouches_for() {
    let work = Offline::new();
    work.irsactl("keygen").ok();
    work.irsactl("token mint --issuer https://oidc.example.com --out token")
        .ok();
    let unchecked = work.irsactl("token decode token");
    assert!(
        unchecked.stdout.contains("skipped  signature: not checked"),
        "{unchecked:#?}"
    );
    assert_eq!(
        work.shell(&format!(
            "{} token decode < token",
            env!("CARGO_BIN_EXE_irsactl")
        )),
        unchecked.ok()
    );
    work.irsactl("token decode token --public-key issuer/sa-signer.pub")
        .ok();
    work.write(
        "hostile",
        "eyJhIjoiXHUwMDFiWzJKIn0.eyJiIjoiXG46OmVycm9yIn0.",
    );
    let hostile = work.irsactl("token decode hostile");
    assert!(
        !hostile.stdout.contains('\u{1b}') && !hostile.stdout.contains("\n::"),
        "{hostile:#?}"
    );
    for text in ["", "a.b.c", "e30.e30.!"] {
        work.write("garbage", text);
        work.irsactl("token decode garbage")
            .fails(1, &["cannot take garbage apart"]);
    }
    let token = fs::read_to_string(work.path("token")).unwrap();
    let argument = work.irsactl(&format!("token decode {token}"));
    assert!(!argument.stderr.contains("eyJ"), "{argument:#?}");
    argument.fails(64, &["cannot take a token as an argument"]);
    work.irsactl("token decode absent")
        .fails(1, &["cannot read absent"]);
    work.irsactl("token mint --issuer https://a.example --subject Default/app --stdout")
        .fails(64, &["NAMESPACE/NAME"]);
}
