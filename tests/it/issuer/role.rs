//! Roles: made, brought to what is asked, and assumed through STS.

use serde_json::Value;

use crate::issuer::generated::yaml;
use crate::support::http::encoded;
use crate::support::tenant::{Offline, Tenant};

const ROLE: &str = "role --cluster demo --service-account default/app";

#[test]
fn a_role_is_made_assumed_and_found_again() {
    let (tenant, _) = Tenant::bootstrapped();
    let plan = tenant
        .irsactl(&format!("{ROLE} --dry-run --documents docs -o json"))
        .json();
    let trust = std::fs::read_to_string(tenant.path("docs/trust-policy.json")).unwrap();
    assert_eq!(
        plan["changes"][0]["fields"][0]["after"],
        serde_json::from_str::<Value>(&trust).unwrap()
    );
    assert_eq!(
        tenant.irsactl(&format!("{ROLE} --print-trust-policy")).ok(),
        trust
    );

    tenant.write("policy.json", r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]}"#);
    let full = format!(
        "{ROLE} --policy-arn arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess --inline-policy policy.json --max-session-duration 7200 --yes -o json"
    );
    let answer = tenant.irsactl(&full).json();
    assert_eq!(answer["changes"], 3);
    assert_eq!(
        tenant.changes()[6..],
        [
            "iam:CreateRole",
            "iam:AttachRolePolicy",
            "iam:PutRolePolicy"
        ]
    );
    assert_eq!(tenant.irsactl(&full).json()["changes"], 0);

    let role_arn = answer["role_arns"][0].as_str().unwrap();
    assert_eq!(
        role_arn,
        format!("arn:aws:iam::{}:role/demo-default-app", tenant.account)
    );
    let manifest = yaml(&tenant, answer["manifest"].as_str().unwrap());
    assert_eq!(
        manifest["metadata"]["annotations"]["eks.amazonaws.com/role-arn"],
        role_arn
    );
    assert_eq!(manifest["metadata"]["namespace"], "default");
    let verify = format!("verify --cluster demo --role-arn {role_arn} --subject");
    tenant.irsactl(&format!("{verify} default/app")).ok();
    assert_eq!(
        tenant
            .irsactl(&format!("{verify} default/other --timeout 8"))
            .code,
        3
    );

    // Another service account joins; a policy that is no longer named is kept, and said.
    let both =
        format!("{ROLE} --service-account web/front --max-session-duration 3600 --yes -o json");
    let run = tenant.irsactl(&both);
    assert!(
        run.stderr.contains("AmazonS3ReadOnlyAccess; it is kept"),
        "{run:#?}"
    );
    assert_eq!(run.json()["changes"], 2);
    tenant.irsactl(&format!("{verify} web/front")).ok();
    tenant.irsactl(&format!("{verify} default/app")).ok();
}

#[test]
fn foreign_statements_are_kept_and_foreign_roles_are_refused() {
    let (tenant, answer) = Tenant::bootstrapped();
    let foreign = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;
    let provider = answer["provider_arn"].as_str().unwrap();
    let foreign = foreign.replace(
        r#""Statement":{"#,
        &format!(r#""Statement":[{{"Effect":"Deny","Principal":{{"Federated":"{provider}"}},"Action":"sts:AssumeRoleWithWebIdentity"}},{{"#),
    );
    let foreign = foreign.replace("}}", "}]}");
    let encoded: String = foreign.bytes().map(|b| format!("%{b:02X}")).collect();
    tenant.iam(&format!(
        "Action=CreateRole&RoleName=theirs&AssumeRolePolicyDocument={encoded}"
    ));
    let role = format!("{ROLE} --name theirs --yes");
    tenant
        .irsactl(&role)
        .fails(4, &["role theirs: it is not ours", "--adopt"]);
    tenant.irsactl(&format!("{role} --adopt")).ok();
    let settled = tenant.irsactl(&role);
    assert!(settled.stderr.contains("no changes"), "{settled:#?}");
    let stored = tenant.iam("Action=GetRole&RoleName=theirs");
    assert!(
        ["ec2.amazonaws.com", "StringEquals", "Deny"]
            .iter()
            .all(|part| stored.contains(part)),
        "{stored}"
    );
    let arn = answer["provider_arn"].as_str().unwrap().replace(':', "%3A");
    assert!(stored.contains(&arn), "{stored}");
}

#[test]
fn names_wildcards_and_sizes() {
    let work = Offline::new();
    let base =
        "role --cluster demo --region us-west-2 --account-id 111122223333 --print-trust-policy";
    let trust = work
        .irsactl(&format!("{base} --service-account default/app"))
        .json();
    let condition = &trust["Statement"][0]["Condition"]["StringEquals"];
    let host = "demo-oidc-111122223333-us-west-2-an.s3.us-west-2.amazonaws.com";
    assert_eq!(
        condition[format!("{host}:sub")],
        "system:serviceaccount:default:app"
    );
    assert_eq!(condition[format!("{host}:aud")], "sts.amazonaws.com");

    work.irsactl(&format!("{base} --service-account default/*"))
        .fails(64, &["a wildcard lets", "--allow-wildcard"]);
    let wild = work.irsactl(&format!(
        "{base} --name any --service-account default/* --allow-wildcard"
    ));
    assert!(
        wild.stderr
            .contains("warning: every service account that matches"),
        "{wild:#?}"
    );
    let wild = wild.json();
    let condition = &wild["Statement"][0]["Condition"];
    assert_eq!(
        condition["StringLike"][format!("{host}:sub")],
        "system:serviceaccount:default:*"
    );
    assert_eq!(
        condition["StringEquals"][format!("{host}:aud")],
        "sts.amazonaws.com"
    );

    for (arguments, code, reason) in [
        ("--service-account Default/app", 64, "NAMESPACE/NAME"),
        (
            "--service-account default/app --name a/b",
            64,
            "a role name has",
        ),
        (
            "--service-account default/app --policy-arn ReadOnly",
            64,
            "ARN of a managed policy",
        ),
        (
            "--service-account default/app --max-session-duration 60",
            64,
            "3600",
        ),
        ("", 64, "--service-account"),
        ("--name app", 64, "--service-account"),
    ] {
        work.irsactl(&format!("{base} {arguments}"))
            .fails(code, &[reason]);
    }
    let many: String = (0..60)
        .map(|n| format!(" --service-account default/account-number-{n}"))
        .collect();
    work.irsactl(&format!("{base}{many}"))
        .fails(1, &["IAM takes 2048"]);
    let offline = "--dry-run --offline";
    let plan = work.irsactl(&format!(
        "role --cluster demo --region us-west-2 --account-id 111122223333 --service-account default/{} {offline} -o json",
        "a".repeat(80)
    ));
    let resource = plan.json()["changes"][0]["resource"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(resource.strip_prefix("role ").unwrap().len(), 64);
}

#[test]
fn a_pod_without_the_webhook_gets_its_volume() {
    let (tenant, _) = Tenant::bootstrapped();
    let pod = yaml(
        &tenant,
        &tenant
            .irsactl(&format!("{ROLE} --without-webhook --yes"))
            .ok(),
    );
    let source = &pod["spec"]["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"];
    assert_eq!(source["audience"], "sts.amazonaws.com");
    let env = pod["spec"]["containers"][0]["env"].as_array().unwrap();
    let value = |name: &str| {
        env.iter()
            .find(|variable| variable["name"] == name)
            .unwrap()["value"]
            .clone()
    };
    assert_eq!(
        value("AWS_ROLE_ARN"),
        format!("arn:aws:iam::{}:role/demo-default-app", tenant.account)
    );
    assert_eq!(value("AWS_REGION"), "us-west-2");
    let granted = tenant
        .irsactl("policy role --cluster demo --role-name demo-default-app")
        .json();
    let actions = granted["Statement"].to_string();
    for entry in tenant
        .log()
        .iter()
        .rev()
        .take_while(|entry| entry["operation"] != "GetCallerIdentity")
    {
        let operation = entry["operation"].as_str().unwrap();
        assert!(
            actions.contains(&format!("iam:{operation}")),
            "{operation} is not in {actions}"
        );
    }
}

#[test]
fn a_role_that_stands_for_something_else_is_not_taken() {
    let (tenant, _) = Tenant::bootstrapped();
    let admin = "--policy-arn arn:aws:iam::aws:policy/AdministratorAccess";
    tenant
        .irsactl(&format!(
            "role --cluster demo --service-account team/app-web {admin} --yes"
        ))
        .ok();
    let before = tenant.changes();
    // a-b of c and a of b-c come to one name.
    tenant
        .irsactl("role --cluster demo --service-account team-app/web --yes")
        .fails(
            4,
            &[
                "demo-team-app-web: it is for other service accounts",
                "team:app-web",
                "--name",
            ],
        );
    // Its policies are another cluster's.
    tenant
        .irsactl("role --cluster other --service-account evil/app --name demo-team-app-web --yes --prefix other")
        .fails(4, &["belongs to another cluster", "--name"]);
    assert_eq!(tenant.changes(), before);
    // Said to be meant, it is taken, and keeps what was attached.
    let taken = "role --cluster demo --service-account team-app/web --adopt --yes";
    let taken = tenant.irsactl(taken);
    assert!(
        taken.stderr.contains("AdministratorAccess; it is kept"),
        "{taken:#?}"
    );
    taken.ok();

    // What would be printed for a role with a path is another role's ARN.
    let trust = encoded(
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#,
    );
    tenant.iam(&format!(
        "Action=CreateRole&RoleName=demo-default-app&Path=%2Fteam%2F&AssumeRolePolicyDocument={trust}"
    ));
    tenant
        .irsactl("role --cluster demo --service-account default/app --adopt --yes")
        .fails(4, &["its path is /team/", "--name"]);
}

#[test]
fn an_inline_policy_that_is_wanted_no_more_is_told_of() {
    let (tenant, _) = Tenant::bootstrapped();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    tenant.write("policy.json", policy);
    let role = "role --cluster demo --service-account default/app --yes";
    tenant
        .irsactl(&format!("{role} --inline-policy policy.json"))
        .ok();
    let again = tenant.irsactl(role);
    assert!(
        again.stderr.contains("no changes")
            && again.stderr.contains("inline policy irsactl; it is kept"),
        "{again:#?}"
    );
}

#[test]
fn what_somebody_else_makes_meanwhile_is_not_changed() {
    let tenant = Tenant::bootstrapped().0.named();
    let trust = encoded(
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#,
    );
    tenant.iam(&format!(
        "Action=CreateRole&RoleName=demo-default-app&Tags.member.1.Key=team&Tags.member.1.Value=x&AssumeRolePolicyDocument={trust}"
    ));
    // As if it had come after the look.
    tenant.fail_next(
        "GetRole",
        1,
        404,
        "NoSuchEntity",
        "The role with name demo-default-app cannot be found.",
    );
    tenant
        .irsactl("role --cluster demo --service-account default/app --policy-arn arn:aws:iam::aws:policy/AdministratorAccess --yes")
        .fails(4, &["another process created it during this run", "run the command again"]);
    assert_eq!(tenant.changes().last().unwrap(), "iam:CreateRole");
}
