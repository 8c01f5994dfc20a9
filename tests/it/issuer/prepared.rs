//! What somebody else in the account has prepared, or puts in the place of what was looked at.

use serde_json::{Value, json};

use crate::support::http::encoded;
use crate::support::tenant::Tenant;

const ADMIN: &str = "--policy-arn arn:aws:iam::aws:policy/AdministratorAccess";

/// A role as somebody who may create and tag roles makes it.
fn role(tenant: &Tenant, name: &str, tags: &[(&str, &str)], statements: &Value) {
    let trust = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    let tags = tags.iter().enumerate().map(|(index, (key, value))| {
        let member = format!("Tags.member.{}", index + 1);
        format!("&{member}.Key={}&{member}.Value={value}", encoded(key))
    });
    let tags: String = tags.collect();
    tenant.iam(&format!(
        "Action=CreateRole&RoleName={name}&AssumeRolePolicyDocument={}{tags}",
        encoded(&trust)
    ));
}

const OURS: [(&str, &str); 2] = [("managed-by", "irsactl"), ("irsactl/cluster", "demo")];

fn service(name: &str) -> Value {
    json!({ "Effect": "Allow", "Principal": { "Service": name }, "Action": "sts:AssumeRole" })
}

/// Who lets himself into a role gets no policy by ours, and is named.
#[test]
fn a_role_that_lets_others_in_gets_no_policy() {
    let (tenant, _) = Tenant::bootstrapped();
    let dry = "role --cluster demo --service-account default/app";
    let command = format!("{dry} --yes");
    let trust =
        tenant.irsactl("role --cluster demo --service-account default/app --print-trust-policy");
    let own = trust.json()["Statement"][0].clone();
    let mallory =
        json!({ "Effect": "Allow", "Principal": { "AWS": "*" }, "Action": "sts:AssumeRole" });
    role(&tenant, "demo-default-app", &OURS, &json!([own, mallory]));
    tenant.write("policy.json", r#"{"Version":"2012-10-17","Statement":[]}"#);
    for policy in [ADMIN, "--inline-policy policy.json"] {
        tenant.irsactl(&format!("{command} {policy}")).fails(
            4,
            &[
                "cannot give a policy",
                r#"{"AWS":"*"} by "sts:AssumeRole""#,
                "--adopt",
            ],
        );
    }
    // Where it gets nothing new, it is said all the same.
    let settled = tenant.irsactl(&command);
    assert!(
        settled.stderr.contains("can be assumed by others"),
        "{settled:#?}"
    );
    settled.ok();
    let verified = tenant.irsactl("verify --cluster demo").stdout;
    assert!(verified.contains("others can assume it, too"), "{verified}");
    let adopted = tenant
        .irsactl(&format!("{dry} {ADMIN} --adopt --dry-run"))
        .ok();
    assert!(adopted.contains("can be assumed by others"), "{adopted}");
}

/// A role of ours by its tag alone stands for something else: its policies are not for our service accounts.
#[test]
fn a_role_of_no_cluster_is_not_taken() {
    let (tenant, _) = Tenant::bootstrapped();
    role(
        &tenant,
        "old",
        &OURS[..1],
        &json!([service("ec2.amazonaws.com")]),
    );
    let command = "role --cluster demo --service-account default/app --name old";
    tenant
        .irsactl(&format!("{command} --yes"))
        .fails(4, &["trusts nobody of this issuer", "--adopt"]);
    tenant.irsactl(&format!("{command} --dry-run --adopt")).ok();
}

/// With our tags, and made after the look: it is not ours for that.
#[test]
fn a_role_that_comes_meanwhile_gets_no_policy() {
    let tenant = Tenant::bootstrapped().0.named();
    let command = format!("role --cluster demo --service-account default/app {ADMIN} --yes");
    role(
        &tenant,
        "demo-default-app",
        &OURS,
        &json!([service("ec2.amazonaws.com")]),
    );
    let unseen = || tenant.fail_next("GetRole", 1, 404, "NoSuchEntity", "cannot be found.");
    unseen();
    tenant
        .irsactl(&command)
        .fails(4, &["another process created it during this run"]);
    // Its trust policy is another one than was seen: nothing is attached, however long that lasts.
    tenant.iam("Action=DeleteRole&RoleName=demo-default-app");
    tenant
        .irsactl("role --cluster demo --service-account default/app --yes")
        .ok();
    tenant.delay_next("ListAttachedRolePolicies", 4);
    let trust = json!({ "Version": "2012-10-17", "Statement": [service("ec2.amazonaws.com")] });
    let trust = encoded(&trust.to_string());
    let run = std::thread::scope(|scope| {
        let run = scope.spawn(|| tenant.irsactl(&format!("{command} --timeout 12")));
        std::thread::sleep(std::time::Duration::from_millis(2500));
        tenant.iam(&format!(
            "Action=UpdateAssumeRolePolicy&RoleName=demo-default-app&PolicyDocument={trust}"
        ));
        run.join().unwrap()
    });
    run.fails(
        124,
        &["its trust policy is not the one that was seen or set"],
    );
    assert!(
        !tenant
            .changes()
            .contains(&"iam:AttachRolePolicy".to_owned())
    );
}

/// Between the look and the call somebody has made another role, or another provider, of the same name.
#[test]
fn what_is_not_ours_any_more_is_not_removed() {
    let tenant = Tenant::bootstrapped().0.named();
    let account = tenant.account.clone();
    tenant
        .irsactl("role --cluster demo --service-account default/app --yes")
        .ok();
    let provider = format!(
        "arn:aws:iam::{account}:oidc-provider/{}.s3.us-west-2.amazonaws.com",
        tenant.bucket()
    );
    let destroy = "destroy --cluster demo --roles --confirm demo";
    // All is looked at, then the first call takes its time, and fails.
    let replaced = |delayed: &str, replace: &dyn Fn()| {
        tenant.delay_next(delayed, 4);
        std::thread::scope(|scope| {
            let run = scope.spawn(|| tenant.irsactl(destroy));
            std::thread::sleep(std::time::Duration::from_millis(2500));
            replace();
            run.join().unwrap()
        })
    };
    let run = replaced("ListInstanceProfilesForRole", &|| {
        tenant.iam("Action=DeleteRole&RoleName=demo-default-app");
        role(
            &tenant,
            "demo-default-app",
            &[("owner", "finance")],
            &json!([service("ec2.amazonaws.com")]),
        );
    });
    run.fails(4, &["role demo-default-app"]);
    assert!(
        tenant
            .iam("Action=GetRole&RoleName=demo-default-app")
            .contains("ec2")
    );
    tenant.iam("Action=DeleteRole&RoleName=demo-default-app");
    tenant
        .irsactl("role --cluster demo --service-account default/app --yes")
        .ok();
    let run = replaced("DeleteRole", &|| {
        tenant.iam(&format!(
            "Action=DeleteOpenIDConnectProvider&OpenIDConnectProviderArn={provider}"
        ));
        tenant.iam(&format!(
            "Action=CreateOpenIDConnectProvider&Url=https%3A%2F%2F{}.s3.us-west-2.amazonaws.com&ClientIDList.member.1=x&Tags.member.1.Key=owner&Tags.member.1.Value=terraform",
            tenant.bucket()
        ));
    });
    run.fails(5, &["provider", "somebody else has changed it"]);
    let list = tenant.iam("Action=ListOpenIDConnectProviders");
    assert!(list.contains(&tenant.bucket()), "{list}");
}
