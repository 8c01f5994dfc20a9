//! Plans that somebody else has written.

use serde_json::Value;

use crate::issuer::apply::stale::signed;
use crate::support::tenant::Tenant;

/// A kubeconfig names programs. None is taken from a plan, whoever wrote its hash.
#[test]
fn a_plan_starts_no_program() {
    let tenant = Tenant::new();
    tenant.irsactl("bootstrap --cluster demo --yes").ok();
    tenant.irsactl("rotate prepare --cluster demo --yes").ok();
    tenant.write(
        "evil.conf",
        "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n\
         clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n\
         users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: touch, args: [ran], interactiveMode: Never}}}]\n",
    );
    tenant
        .irsactl("rotate retire --cluster demo --compromised --dry-run --out plan.json")
        .ok();
    let saved: Value =
        serde_json::from_slice(&std::fs::read(tenant.path("plan.json")).unwrap()).unwrap();
    let mut forged = saved.clone();
    forged["arguments"] = serde_json::json!([
        "rotate",
        "retire",
        "--cluster=demo",
        "--kubeconfig=evil.conf",
        "--region=us-west-2"
    ]);
    tenant.write("forged.json", signed(&tenant, forged));
    tenant
        .irsactl("apply forged.json")
        .fails(4, &["cannot take --kubeconfig into a plan"]);
    assert!(!tenant.path("ran").exists());
    // Of another user, or behind a link, it is not even read.
    tenant.shell("cp plan.json theirs.json; chown nobody theirs.json; ln -s plan.json link.json");
    tenant
        .irsactl("apply theirs.json")
        .fails(4, &["cannot use theirs.json", "owns it"]);
    assert_eq!(tenant.irsactl("apply link.json").code, 1);
    tenant.irsactl("apply plan.json").ok();
}
