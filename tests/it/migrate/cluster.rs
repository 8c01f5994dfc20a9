//! `--adopt-key` and `migrate` against a cluster that signs as its flags say, through kubectl, and STS.

use std::fs;

use serde_json::Value;

use crate::cluster::merge_rules::DEFAULT;
use crate::support::local_cluster::LocalCluster;
use crate::support::tenant::{Tenant, http};

/// The status with which STS answers to a fresh token of the cluster.
fn sts(tenant: &Tenant) -> u16 {
    let token = tenant.shell("kubectl create token default --audience sts.amazonaws.com");
    let query = format!(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=test&RoleArn=arn:aws:iam::{}:role/demo-default-default&WebIdentityToken={}",
        tenant.account,
        token.trim()
    );
    let form = "Content-Type: application/x-www-form-urlencoded";
    http("POST", "/", form, &query).0
}

/// Rolls a stage out, and asserts that whatever was given out before is still accepted: its issuer, and the
/// key that it was signed with.
fn roll(tenant: &Tenant, flags: &str, tokens: &mut Vec<String>) {
    tenant.write("kube-apiserver.flags", flags);
    let keys = tenant.shell("kubectl get --raw /openid/v1/jwks");
    tenant.write("live.json", keys);
    tokens.push(tenant.shell("kubectl create token default"));
    for token in tokens {
        tenant.write("token", token);
        let decoded = tenant.irsactl("token decode token --public-key live.json -o json");
        let issuer = decoded.json()["claims"]["iss"].as_str().unwrap().to_owned();
        let accepted = format!("--service-account-issuer={issuer}");
        assert!(
            flags.lines().any(|line| line == accepted),
            "{issuer}: {flags}"
        );
    }
}

fn migrate(has_new_key: bool) {
    let mut tenant = Tenant::new();
    let _cluster = LocalCluster::start(&mut tenant.offline);
    let irsactl = env!("CARGO_BIN_EXE_irsactl");
    let mut tokens = vec![tenant.shell("kubectl create token default")];
    let start = format!("migrate start --cluster demo --existing-issuer {DEFAULT}");
    let (start, accepts_key) = match has_new_key {
        true => {
            tenant.irsactl("bootstrap --cluster demo --yes").ok();
            let key = "--existing-public-key /etc/kubernetes/pki/sa.pub";
            (format!("{start} {key}"), "next --kubeconfig kubeconfig")
        }
        false => {
            tenant.shell(&format!(
                "kubectl get --raw /openid/v1/jwks |
                 {irsactl} bootstrap --cluster demo --yes --existing-issuer {DEFAULT} --adopt-key -"
            ));
            (format!("{start} --keep-key"), "next --token fresh")
        }
    };
    tenant
        .irsactl("role --cluster demo --service-account default/default --yes")
        .ok();
    let refused = sts(&tenant);
    assert_eq!(refused, 400, "not the issuer of the cluster yet");

    let add = tenant.irsactl(&start).ok();
    let fresh = || tenant.shell("kubectl create token default > fresh");
    fresh();
    let early = tenant.irsactl(&format!("migrate {accepts_key}"));
    assert_eq!(early.code, if has_new_key { 3 } else { 4 }, "{early:#?}");
    roll(&tenant, &add, &mut tokens);
    assert_eq!(sts(&tenant), 400);
    fresh();
    let swap = tenant.irsactl(&format!("migrate {accepts_key}")).ok();
    let early = tenant.irsactl("migrate next --kubeconfig kubeconfig");
    early.fails(3, &["cluster issuer", DEFAULT]);
    roll(&tenant, &swap, &mut tokens);
    assert_eq!(sts(&tenant), 200);

    let back = tenant.irsactl("migrate back").ok();
    roll(&tenant, &back, &mut tokens);
    fresh();
    let swap = tenant.irsactl(&format!("migrate {accepts_key}")).ok();
    roll(&tenant, &swap, &mut tokens);
    tenant.irsactl("migrate next --kubeconfig kubeconfig").ok();
    assert_eq!(tokens.len(), 5);

    // A day later. Only now tokens are refused, and those of the new issuer are not.
    let file = tenant.path("issuer/migration.json");
    let mut state: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    state["since"] = tenant
        .shell("date -u -d '25 hours ago' +%FT%TZ")
        .trim()
        .into();
    tenant.write("issuer/migration.json", state.to_string());
    let drop = tenant
        .irsactl("migrate next --drop --kubeconfig kubeconfig")
        .ok();
    assert!(
        !drop
            .lines()
            .any(|line| line == format!("--service-account-issuer={DEFAULT}"))
    );
    roll(&tenant, &drop, &mut vec![tokens[4].clone()]);
    assert_eq!(sts(&tenant), 200);
    let own = fs::read_dir(tenant.path("issuer")).unwrap().count();
    assert_eq!(own, if has_new_key { 3 } else { 1 });
}

#[test]
fn a_cluster_moves_to_a_new_issuer_and_key_with_no_token_refused() {
    migrate(true);
}

#[test]
fn a_cluster_moves_to_a_new_issuer_with_the_key_that_it_has() {
    migrate(false);
}
