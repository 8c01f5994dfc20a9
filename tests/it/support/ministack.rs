//! A MiniStack that judges permissions, with users of its own.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::http::{exchange, free_port};
use crate::support::tenant::{Offline, TOOLS, Tenant};

pub(crate) struct MiniStack {
    pub(crate) address: String,
    child: Child,
    pub(crate) work: Offline,
}

impl Drop for MiniStack {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const ACCOUNT: &str = "123456789012";

impl MiniStack {
    pub(crate) fn start() -> Self {
        let port = free_port();
        let work = Offline::new();
        let mut command: Command = work.command(TOOLS.program("ministack"));
        command
            .envs([
                ("AUTH", "true"),
                ("SERVICES", "s3,iam,sts,secretsmanager,ssm"),
                ("BIND_HOST", "127.0.0.1"),
                ("SFTP_ENABLED", "0"),
            ])
            .env("GATEWAY_PORT", port.to_string())
            .env("MINISTACK_ACCOUNT_ID", ACCOUNT)
            .env("MINISTACK_REGION", "us-west-2")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut mini = Self {
            address: format!("127.0.0.1:{port}"),
            child: command.spawn().unwrap(),
            work,
        };
        let start = Instant::now();
        while TcpStream::connect(&mini.address).is_err() {
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "MiniStack did not start"
            );
            assert!(mini.child.try_wait().unwrap().is_none(), "MiniStack ended");
            std::thread::sleep(Duration::from_millis(100));
        }
        mini.work.irsactl("keygen").ok();
        let endpoint = format!("http://{}", mini.address);
        for name in [
            "AWS_ENDPOINT_URL_S3",
            "AWS_ENDPOINT_URL_IAM",
            "AWS_ENDPOINT_URL_STS",
            "AWS_ENDPOINT_URL_SECRETS_MANAGER",
            "AWS_ENDPOINT_URL_SSM",
        ] {
            mini.work.environment.insert(name, endpoint.clone());
        }
        mini.work
            .environment
            .insert("AWS_ENDPOINT_URL_S3_CONTROL", Tenant::endpoint().to_owned());
        mini.work
            .environment
            .insert("AWS_REGION", "us-west-2".to_owned());
        mini
    }

    /// IAM's query API, as the root user.
    pub(crate) fn iam(&self, parameters: &[(&str, &str)]) -> String {
        let encode = |text: &str| {
            text.bytes()
                .map(|b| format!("%{b:02X}"))
                .collect::<String>()
        };
        let form: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        let headers = "Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-west-2/iam/aws4_request, \
                       SignedHeaders=host, Signature=0\r\nContent-Type: application/x-www-form-urlencoded\r\n";
        let body = format!("Version=2010-05-08&{}", form.join("&"));
        let (status, answer) = exchange(&self.address, "POST", "/", headers, &body);
        assert_eq!(status, 200, "{parameters:?}: {answer}");
        answer
    }

    /// A bucket of the account's, made by the root user.
    pub(crate) fn create_bucket(&self, name: &str) {
        let headers = "Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-west-2/s3/aws4_request, \
                       SignedHeaders=host, Signature=0\r\n";
        let body = "<CreateBucketConfiguration><LocationConstraint>us-west-2</LocationConstraint></CreateBucketConfiguration>";
        let (status, answer) = exchange(&self.address, "PUT", &format!("/{name}"), headers, body);
        assert_eq!(status, 200, "{answer}");
    }

    /// Puts the two documents of an issuer into a bucket, as its owner.
    pub(crate) fn put_documents(&self, bucket: &str) {
        let issuer = format!("https://{bucket}.s3.us-west-2.amazonaws.com");
        self.work.irsactl("keygen").ok();
        for (key, command) in [
            ("keys.json", "jwks".to_owned()),
            (
                ".well-known/openid-configuration",
                format!("discovery --issuer {issuer}"),
            ),
        ] {
            let headers = "Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-west-2/s3/aws4_request, \
                           SignedHeaders=host, Signature=0\r\n";
            let body = self.work.irsactl(&command).ok();
            let target = format!("/{bucket}/{key}");
            let (status, answer) = exchange(&self.address, "PUT", &target, headers, &body);
            assert_eq!(status, 200, "{answer}");
        }
    }

    /// Credentials of a new user who has exactly this policy.
    pub(crate) fn user(&mut self, name: &str, policy: &Value) {
        self.iam(&[("Action", "CreateUser"), ("UserName", name)]);
        self.iam(&[
            ("Action", "PutUserPolicy"),
            ("UserName", name),
            ("PolicyName", "irsactl"),
            ("PolicyDocument", &policy.to_string()),
        ]);
        let keys = self.iam(&[("Action", "CreateAccessKey"), ("UserName", name)]);
        let element = |name: &str| {
            let (_, rest) = keys.split_once(&format!("<{name}>")).unwrap();
            rest.split_once('<').unwrap().0.to_owned()
        };
        self.work
            .environment
            .insert("AWS_ACCESS_KEY_ID", element("AccessKeyId"));
        self.work
            .environment
            .insert("AWS_SECRET_ACCESS_KEY", element("SecretAccessKey"));
    }

    pub(crate) fn policy(&self, command: &str, names: &str) -> Value {
        self.work
            .irsactl(&format!("policy {command} {names} --account-id {ACCOUNT}"))
            .json()
    }
}
