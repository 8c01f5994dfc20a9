//! One test's own AWS account on the shared local AWS, and its own working directory.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use tempfile::TempDir;

use crate::answers::schemas;
use crate::support::http::exchange;
use crate::support::local_aws::{LocalAws, Tools};

pub(crate) static TOOLS: LazyLock<Tools> = LazyLock::new(Tools::install);

static STATE: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().unwrap());
static AWS: LazyLock<LocalAws> = LazyLock::new(|| LocalAws::start(&TOOLS, STATE.path()));
static ACCOUNTS: AtomicU64 = AtomicU64::new(100_000_000_000);

/// What a run of the binary came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Run {
    /// Asserts success and gives stdout.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:#?}");
        self.stdout
    }

    /// Asserts success and gives stdout as JSON.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.ok()).unwrap()
    }

    /// Asserts an exit code, an empty stdout and words on stderr.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:#?}");
        assert_eq!(self.stdout, "", "{self:#?}");
        for word in words {
            assert!(self.stderr.contains(word), "no {word:?} in {self:#?}");
        }
    }
}

/// A working directory without an AWS.
pub(crate) struct Offline {
    pub(crate) dir: TempDir,
    pub(crate) environment: HashMap<&'static str, String>,
}

impl Offline {
    pub(crate) fn new() -> Self {
        Self {
            dir: TempDir::new().unwrap(),
            environment: HashMap::new(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.path(name), contents).unwrap();
        self.path(name)
    }

    /// A program in this directory with this environment and nothing of the caller's but PATH.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .envs(&self.environment);
        command
    }

    /// Runs the binary; arguments are separated by spaces. An answer in JSON must fit its schema.
    #[track_caller]
    pub(crate) fn irsactl(&self, arguments: &str) -> Run {
        let mut command = self.command(env!("CARGO_BIN_EXE_irsactl"));
        let output = command.args(arguments.split_whitespace()).output();
        let run = output.unwrap().into();
        schemas::judge(arguments, &run);
        run
    }

    /// Runs a shell line that must succeed, and gives its stdout.
    #[track_caller]
    pub(crate) fn shell(&self, line: &str) -> String {
        let output = self
            .command("sh")
            .args(["-c", &format!("set -e; {line}")])
            .output()
            .unwrap();
        assert!(output.status.success(), "{line}: {output:#?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The signing key's kid, as openssl has it.
    pub(crate) fn kid(&self, public_key: &str) -> String {
        let pipe = format!(
            "openssl pkey -pubin -in {public_key} -outform DER | openssl dgst -sha256 -binary | basenc --base64url"
        );
        self.shell(&pipe).trim().trim_end_matches('=').to_owned()
    }
}

/// An account of its own.
pub(crate) struct Tenant {
    pub(crate) offline: Offline,
    pub(crate) account: String,
    pub(crate) region: String,
}

impl std::ops::Deref for Tenant {
    type Target = Offline;

    fn deref(&self) -> &Offline {
        &self.offline
    }
}

impl Tenant {
    pub(crate) fn new() -> Self {
        Self::in_region("us-west-2")
    }

    pub(crate) fn in_region(region: &str) -> Self {
        let account = ACCOUNTS.fetch_add(1, Ordering::Relaxed).to_string();
        let mut offline = Offline::new();
        offline
            .environment
            .extend(AWS.environment(&account, region));
        Self {
            offline,
            account,
            region: region.to_owned(),
        }
    }

    /// With a key in the issuer directory.
    pub(crate) fn with_key() -> Self {
        let tenant = Self::new();
        tenant.irsactl("keygen").ok();
        tenant
    }

    /// With a whole issuer for cluster `demo`; also gives the answer as JSON.
    pub(crate) fn bootstrapped() -> (Self, Value) {
        let tenant = Self::with_key();
        let answer = tenant
            .irsactl("bootstrap --cluster demo --yes -o json")
            .json();
        (tenant, answer)
    }

    /// The default bucket of cluster `demo`.
    pub(crate) fn bucket(&self) -> String {
        format!("demo-oidc-{}-{}-an", self.account, self.region)
    }

    /// All requests of this account's credentials so far.
    pub(crate) fn log(&self) -> Vec<Value> {
        requests(|entry| entry["account"] == self.account.as_str())
    }

    /// All anonymous requests to the default bucket so far.
    pub(crate) fn strangers(&self) -> Vec<Value> {
        let bucket = self.bucket();
        requests(|entry| entry["anonymous"] == true && entry["bucket"] == bucket.as_str())
    }

    /// The changing calls so far, as `service:Operation`.
    pub(crate) fn changes(&self) -> Vec<String> {
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
        self.log()
            .iter()
            .filter(|entry| entry["changing"] == true)
            .map(|entry| format!("{}:{}", text(entry, "service"), text(entry, "operation")))
            .collect()
    }

    /// A call of the plain endpoint with this account's credentials, as any tool would make it.
    #[track_caller]
    pub(crate) fn call(
        &self,
        service: &str,
        method: &str,
        target: &str,
        headers: &str,
        body: &str,
    ) -> String {
        let authorization = format!(
            "Authorization: AWS4-HMAC-SHA256 Credential=AKIATEST{}/20260101/{}/{service}/aws4_request",
            self.account, self.region
        );
        let (status, answer) = http(
            method,
            target,
            &format!("{authorization}\r\n{headers}"),
            body,
        );
        assert!(status < 300, "{method} {target}: {status} {answer}");
        answer
    }

    /// A call of IAM's query API.
    pub(crate) fn iam(&self, query: &str) -> String {
        let form = "Content-Type: application/x-www-form-urlencoded\r\n";
        self.call(
            "iam",
            "POST",
            "/",
            form,
            &format!("Version=2010-05-08&{query}"),
        )
    }

    /// Makes the next `times` calls of an operation fail, before they have an effect.
    pub(crate) fn fail_next(
        &self,
        operation: &str,
        times: u32,
        status: u16,
        code: &str,
        message: &str,
    ) {
        let failure = serde_json::json!({
            "app": self.account, "operation": operation, "times": times,
            "status": status, "code": code, "message": message,
        });
        let (status, answer) = http("POST", "/_local/fail", "", &failure.to_string());
        assert_eq!(status, 200, "{answer}");
    }

    /// Makes the next `times` anonymous readings of the tenant's own bucket end with a status: of an object,
    /// or of the list of all.
    pub(crate) fn fail_strangers(&self, key: Option<&str>, times: u32, status: u16) {
        let failure = serde_json::json!({
            "operation": key.map_or("ListObjectsV2", |_| "GetObject"), "anonymous": true,
            "bucket": self.bucket(), "key": key, "times": times, "status": status, "code": "Planned",
        });
        let (status, answer) = http("POST", "/_local/fail", "", &failure.to_string());
        assert_eq!(status, 200, "{answer}");
    }

    /// Makes the next call of an operation take so many seconds.
    pub(crate) fn delay_next(&self, operation: &str, seconds: u32) {
        let delay =
            serde_json::json!({ "app": self.account, "operation": operation, "delay": seconds });
        let (status, answer) = http("POST", "/_local/fail", "", &delay.to_string());
        assert_eq!(status, 200, "{answer}");
    }

    /// This account's runs are told apart from others' by their user agent.
    pub(crate) fn named(mut self) -> Self {
        self.offline
            .environment
            .insert("AWS_SDK_UA_APP_ID", self.account.clone());
        self
    }

    pub(crate) fn endpoint() -> &'static str {
        &AWS.endpoint
    }

    pub(crate) fn proxy() -> &'static str {
        &AWS.proxy
    }
}

fn requests(of: impl Fn(&Value) -> bool) -> Vec<Value> {
    let log = fs::read_to_string(&AWS.log).unwrap();
    let entries = log.lines().map(|line| serde_json::from_str(line).unwrap());
    entries.filter(of).collect()
}

/// One HTTP exchange with the plain endpoint.
pub(crate) fn http(method: &str, target: &str, headers: &str, body: &str) -> (u16, String) {
    exchange(
        AWS.endpoint.strip_prefix("http://").unwrap(),
        method,
        target,
        headers,
        body,
    )
}
