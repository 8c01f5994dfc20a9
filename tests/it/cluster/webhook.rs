//! The pod identity webhook's manifests and its certificate, judged by Kubernetes' schemas and openssl.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use rcgen::{CertificateParams, CertifiedIssuer, KeyPair, date_time_ymd};
use serde_json::Value;

use crate::support::tenant::{Offline, TOOLS};

const WEBHOOK: &str = "webhook --region us-west-2";
const SELF_SIGNED: &str = "webhook --region us-west-2 --certificate self-signed";

/// What kubernetes-validate says of documents, and whether all are valid.
pub(crate) fn schema(work: &Offline, documents: &str) -> (bool, String) {
    let mut judge = work.command(TOOLS.python());
    judge.arg(TOOLS.judges().join("kubernetes_schema.py"));
    judge.args(["1.29", "1.37"]).env("HOME", work.dir.path());
    judge.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut judge = judge.spawn().unwrap();
    let mut input = judge.stdin.take().unwrap();
    input.write_all(documents.as_bytes()).unwrap();
    drop(input);
    let output = judge.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    (output.status.success(), said)
}

#[track_caller]
fn assert_valid(work: &Offline, documents: &str, kinds: usize) {
    let (valid, said) = schema(work, documents);
    assert!(valid, "{said}");
    let ok = said.lines().filter(|line| line.starts_with("ok ")).count();
    assert_eq!(ok, 2 * kinds, "{said}");
}

#[test]
fn every_manifest_is_what_kubernetes_takes() {
    let work = Offline::new();
    for (options, kinds) in [
        ("", 7),
        ("--replicas 1", 6),
        ("--failure-policy Fail --namespace irsa", 7),
        ("--certificate self-signed --namespace irsa", 7),
        (
            "--certificate self-signed --namespace irsa --failure-policy Fail --name hook --renew",
            7,
        ),
    ] {
        let manifests = work.irsactl(&format!("{WEBHOOK} {options}")).ok();
        assert_valid(&work, &manifests, kinds);
    }
    let secret = std::fs::read_to_string(work.path("issuer/webhook-certificate.yaml")).unwrap();
    assert_valid(&work, &secret, 1);
    let role_arn = "arn:aws:iam::111122223333:role/app";
    let echoer =
        format!("echoer --service-account default/app --region us-west-2 --role-arn {role_arn}");
    for bucket in ["", "--bucket my-data"] {
        assert_valid(&work, &work.irsactl(&format!("{echoer} {bucket}")).ok(), 1);
    }
    // The judge can say no.
    let manifests = work.irsactl(WEBHOOK).ok();
    let (valid, said) = schema(&work, &manifests.replace("replicas:", "replica:"));
    assert!(!valid && said.contains("replica"), "{said}");
}

#[test]
fn the_charts_values_say_the_same() {
    let work = Offline::new();
    let values = |options: &str| -> Value {
        let text = work.irsactl(&format!("{SELF_SIGNED} --format helm-values {options}"));
        crate::issuer::generated::yaml(&work, &text.ok())
    };
    let of_chart = values("--namespace irsa --replicas 3 --failure-policy Fail --audience a");
    assert_eq!(of_chart["replicaCount"], 3);
    assert_eq!(of_chart["config"]["tokenAudience"], "a");
    assert_eq!(of_chart["image"]["registry"], "public.ecr.aws");
    let tag = of_chart["image"]["tag"].as_str().unwrap();
    assert!(tag.starts_with("v0.6.17@sha256:"), "{tag}");
    assert_eq!(
        of_chart["pki"]["existingSecret"],
        "pod-identity-webhook-cert"
    );
    let ca = of_chart["pki"]["caBundle"].as_str().unwrap();
    let file = std::fs::read_to_string(work.path("issuer/webhook-ca.pem")).unwrap();
    assert!(file.starts_with(ca) && !ca.contains("PRIVATE"));
    work.irsactl("webhook --region us-west-2 --image app:latest")
        .fails(64, &["a tag other than latest"]);
}

/// Writes the two parts of the self-signed certificate as files for openssl.
fn certificate(work: &Offline, manifests: &str) {
    let python = TOOLS.python();
    let python = python.display();
    work.write("webhook.yaml", manifests);
    let split = "import base64, yaml; \
        objects = [d for f in ('webhook.yaml', 'issuer/webhook-certificate.yaml') for d in yaml.safe_load_all(open(f))]; \
        hook = next(o for o in objects if o['kind'] == 'MutatingWebhookConfiguration')['webhooks'][0]; \
        secret = next(o for o in objects if o['kind'] == 'Secret'); \
        open('ca.pem', 'wb').write(base64.b64decode(hook['clientConfig']['caBundle'])); \
        open('tls.crt', 'wb').write(base64.b64decode(secret['data']['tls.crt'])); \
        open('tls.key', 'wb').write(base64.b64decode(secret['data']['tls.key']))";
    work.shell(&format!("{python} -c \"{split}\""));
}

#[test]
fn openssl_accepts_the_certificate_for_the_service_and_nothing_else() {
    let work = Offline::new();
    let first = work.irsactl(&format!("{SELF_SIGNED} --namespace irsa"));
    assert!(first.stderr.contains("its authority 2036-"), "{first:#?}");
    assert!(!first.stderr.contains("PRIVATE"));
    let first = first.ok();
    assert!(!first.contains("PRIVATE KEY"));
    certificate(&work, &first);
    let verify = |name: &str| {
        work.shell(&format!(
            "openssl verify -CAfile ca.pem -verify_hostname {name} -purpose sslserver -x509_strict tls.crt 2>&1 || true"
        ))
    };
    assert_eq!(verify("pod-identity-webhook.irsa.svc"), "tls.crt: OK\n");
    assert!(verify("pod-identity-webhook.other.svc").contains("hostname mismatch"));
    // The key is the certificate's.
    work.shell("openssl x509 -in tls.crt -noout -pubkey > a; openssl pkey -in tls.key -pubout > b; cmp a b");
    for file in ["webhook-ca.pem", "webhook-certificate.yaml"] {
        let mode = std::fs::metadata(work.path("issuer").join(file)).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600, "{file}");
    }

    // The same again; --renew makes another certificate of the same authority.
    assert_eq!(
        work.irsactl(&format!("{SELF_SIGNED} --namespace irsa"))
            .ok(),
        first
    );
    work.irsactl(SELF_SIGNED)
        .fails(4, &["webhook-certificate.yaml", "not valid for", "--renew"]);
    let before = work.shell("cat tls.crt");
    let renewed = work
        .irsactl(&format!("{SELF_SIGNED} --namespace irsa --renew"))
        .ok();
    assert_eq!(renewed, first);
    certificate(&work, &renewed);
    assert_ne!(work.shell("cat tls.crt"), before);
    assert_eq!(verify("pod-identity-webhook.irsa.svc"), "tls.crt: OK\n");

    work.irsactl(&format!("{WEBHOOK} --certificate cert-manager --renew"))
        .fails(64, &["cert-manager makes"]);
    work.write("issuer/webhook-ca.pem", "nonsense");
    work.irsactl(&format!("{SELF_SIGNED} --namespace irsa"))
        .fails(1, &["webhook-ca.pem", "not a certificate with its key"]);
}

#[test]
fn what_is_wrong_with_a_webhook_is_named() {
    let work = Offline::new();
    let good = work.irsactl(SELF_SIGNED).ok();
    let secret = std::fs::read_to_string(work.path("issuer/webhook-certificate.yaml")).unwrap();
    let other = work.irsactl(&format!("{SELF_SIGNED} --dir other")).ok();
    let bundle = |manifests: &str| {
        let line = manifests.lines().find(|line| line.contains("caBundle: \""));
        line.unwrap().trim().to_owned()
    };
    let both = |manifests: &str| format!("{manifests}---\n{secret}");
    let (ca, expired) = expired();
    let of_expired = good.replace(&bundle(&good), &format!("caBundle: \"{ca}\""));
    let crt = secret
        .lines()
        .find(|line| line.contains("tls.crt: "))
        .unwrap();
    let fail = work
        .irsactl(&format!("{SELF_SIGNED} --failure-policy Fail"))
        .ok();
    let unspared = good.replace("failurePolicy: Ignore", "failurePolicy: Fail");
    let cases: [(&str, String, &str, &str); 9] = [
        ("good", both(&good), "", ""),
        ("Fail that spares the system", both(&fail), "", ""),
        (
            "another authority",
            both(&good.replace(&bundle(&good), &bundle(&other))),
            "webhook certificate",
            "BadSignature",
        ),
        (
            "expired",
            format!(
                "{of_expired}---\n{}",
                secret.replace(crt, &format!("  tls.crt: \"{expired}\""))
            ),
            "webhook certificate",
            "expired",
        ),
        (
            "no caBundle",
            both(&good.replace(&bundle(&good), "")),
            "webhook caBundle",
            "absent",
        ),
        (
            "v1 first",
            both(&good.replace("[\"v1beta1\", \"v1\"]", "[\"v1\", \"v1beta1\"]")),
            "webhook review versions",
            "v1, v1beta1",
        ),
        (
            "a Secret of another namespace",
            both(&good.replace(
                "name: \"pod-identity-webhook\"\n        namespace: \"kube-system\"\n        path",
                "name: \"pod-identity-webhook\"\n        namespace: \"default\"\n        path",
            )),
            "",
            "",
        ),
        ("nothing there", secret.clone(), "webhook", "there is none"),
        (
            "Fail for all",
            both(&unspared),
            "warn: webhook failure policy",
            "Fail, for kube-system too",
        ),
    ];
    for (what, manifests, name, words) in cases {
        work.write("webhook.yaml", manifests);
        let run = work.irsactl("verify --webhook webhook.yaml -o json");
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        let (outcome, name) = match name.strip_prefix("warn: ") {
            Some(name) => ("warn", name),
            None => ("fail", name),
        };
        let found: Vec<&Value> = report["checks"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|check| check["outcome"] == outcome)
            .collect();
        assert_eq!(
            run.code,
            if name.is_empty() || outcome == "warn" {
                0
            } else {
                3
            },
            "{what}: {run:#?}"
        );
        if name.is_empty() {
            assert!(found.is_empty(), "{what}: {found:#?}");
            continue;
        }
        assert_eq!(found.len(), 1, "{what}: {report:#}");
        assert_eq!(found[0]["name"], name, "{what}");
        let actual = found[0]["actual"].as_str().unwrap();
        assert!(actual.contains(words), "{what}: {actual}");
    }
    work.write("webhook.yaml", "a: [");
    work.irsactl("verify --webhook webhook.yaml")
        .fails(1, &["cannot read webhook.yaml"]);
}

/// An authority, and a certificate of it that has ended, both as base64 of PEM.
fn expired() -> (String, String) {
    let mut ca = CertificateParams::default();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
    let mut leaf =
        CertificateParams::new(vec!["pod-identity-webhook.kube-system.svc".to_owned()]).unwrap();
    leaf.not_after = date_time_ymd(2020, 1, 1);
    let leaf = leaf.signed_by(&KeyPair::generate().unwrap(), &ca).unwrap();
    let encoded = |pem: String| {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(pem)
    };
    (encoded(ca.pem()), encoded(leaf.pem()))
}

/// The echoer's script as a pod would run it, with the real aws cli and a test token.
#[test]
fn the_echoer_names_the_step_that_fails() {
    let (tenant, answer) = crate::support::tenant::Tenant::bootstrapped();
    let role = "role --cluster demo --service-account default/app --yes -o json";
    let role = tenant.irsactl(role).json();
    let role_arn = role["role_arns"][0].as_str().unwrap();
    let mint = "token mint --cluster demo --subject default/app --out token";
    tenant.irsactl(mint).ok();
    let echoer = "echoer --cluster demo --service-account default/app --bucket my-data";
    let job = crate::issuer::generated::yaml(&tenant, &tenant.irsactl(echoer).ok());
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    let run = |environment: &[(&str, &str)]| {
        let mut pod = tenant.command("/bin/sh");
        pod.args(["-c", container["args"][0].as_str().unwrap()]);
        pod.env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY");
        pod.env("HOME", tenant.dir.path())
            .env("POD_NAMESPACE", "default")
            .env("POD_NAME", "pod");
        let path = std::env::var("PATH").unwrap();
        pod.env("PATH", format!("{}:{path}", TOOLS.program("").display()));
        pod.env("AWS_CA_BUNDLE", &tenant.environment["SSL_CERT_FILE"]);
        for variable in container["env"].as_array().unwrap() {
            if let (Some(name), Some(value)) =
                (variable["name"].as_str(), variable["value"].as_str())
                && name != "HOME"
            {
                pod.env(name, value);
            }
        }
        pod.envs(environment.iter().copied());
        crate::support::tenant::Run::from(pod.output().unwrap())
    };
    let token = tenant.path("token");
    let token = token.to_str().unwrap();
    let injected = [
        ("AWS_ROLE_ARN", role_arn),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token),
    ];
    let without = run(&[]);
    assert_eq!(without.code, 11, "{without:#?}");
    assert!(
        without
            .stdout
            .contains("the webhook did not run on this pod")
    );

    let no_bucket = run(&injected);
    assert_eq!(no_bucket.code, 13, "{no_bucket:#?}");
    assert!(
        no_bucket
            .stdout
            .contains("step 2 done: this pod is arn:aws:sts::")
    );
    assert!(no_bucket.stdout.contains("NoSuchBucket"), "{no_bucket:#?}");

    tenant.irsactl("keygen --dir other").ok();
    let issuer = answer["issuer"].as_str().unwrap();
    let foreign =
        format!("token mint --dir other --issuer {issuer} --subject default/app --out foreign");
    tenant.irsactl(&foreign).ok();
    let foreign = tenant.path("foreign");
    let refused = run(&[
        injected[0],
        ("AWS_WEB_IDENTITY_TOKEN_FILE", foreign.to_str().unwrap()),
    ]);
    assert_eq!(refused.code, 12, "{refused:#?}");
    tenant.write("log.txt", &refused.stdout);
    let explain = format!("{} explain - < log.txt", env!("CARGO_BIN_EXE_irsactl"));
    assert!(
        tenant
            .shell(&explain)
            .contains("Couldn't retrieve verification key")
    );
}
