//! A local AWS that can be copied with all that is in it: each case has its own, as prepared once.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command};
use std::sync::Mutex;

use serde_json::Value;

use crate::support::http::exchange;
use crate::support::local_aws::served;
use crate::support::tenant::TOOLS;

pub(super) const ACCOUNT: &str = "100000000001";
pub(super) const REGION: &str = "us-west-2";

/// The one that is prepared, then only copied.
pub(super) struct Original {
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    pub(super) doors: Doors,
    _child: Child,
}

/// Where a local AWS is.
pub(super) struct Doors {
    endpoint: String,
    environment: Vec<(&'static str, String)>,
    log: PathBuf,
}

/// A copy, which ends with this value.
pub(super) struct Copy(pub(super) Doors);

impl Original {
    pub(super) fn start(directory: &Path) -> Self {
        // Other tests run at the same time, and theirs have deadlines.
        let mut python = Command::new("nice");
        python.args(["-n", "19"]).arg(TOOLS.python());
        let mut child = served(&mut python, directory);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let doors = Doors::read(&mut stdout, directory);
        Self {
            pipes: Mutex::new((child.stdin.take().unwrap(), stdout)),
            doors,
            _child: child,
        }
    }

    pub(super) fn copy(&self, directory: &Path) -> Copy {
        let mut pipes = self.pipes.lock().unwrap();
        let (stdin, stdout) = &mut *pipes;
        writeln!(stdin, "fork {}", directory.display()).unwrap();
        Copy(Doors::read(stdout, directory))
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // It ends without an answer.
        if let Ok(mut stream) = TcpStream::connect(self.0.address()) {
            let _ = stream.write_all(b"POST /_local/exit HTTP/1.1\r\n\r\n");
        }
    }
}

impl Doors {
    fn read(stdout: &mut BufReader<ChildStdout>, directory: &Path) -> Self {
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).expect("the local AWS did not start");
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        // A machine has a hundred root certificates, and reading them takes longer than all the rest.
        let no_roots = directory.join("no-roots");
        fs::create_dir_all(&no_roots).unwrap();
        let environment = vec![
            ("HTTPS_PROXY", text("proxy")),
            ("SSL_CERT_FILE", text("ca")),
            ("SSL_CERT_DIR", no_roots.display().to_string()),
            ("AWS_ACCESS_KEY_ID", format!("AKIATEST{ACCOUNT}")),
            ("AWS_SECRET_ACCESS_KEY", "not-checked".to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ];
        Self {
            endpoint: text("endpoint"),
            environment,
            log: text("log").into(),
        }
    }

    /// The binary, in `directory` against this AWS.
    pub(super) fn command(&self, directory: &Path, arguments: &str) -> Command {
        let mut command = Command::new("nice");
        command
            .args(["-n", "19"])
            .arg(env!("CARGO_BIN_EXE_irsactl"))
            .args(arguments.split_whitespace())
            .current_dir(directory)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .envs(self.environment.iter().cloned());
        command
    }

    /// All requests so far.
    pub(super) fn log(&self) -> Vec<Value> {
        let log = fs::read_to_string(&self.log).unwrap();
        // The last line may be half written.
        let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let entries = whole
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        entries.collect()
    }

    /// Tells the server something about itself.
    pub(super) fn control(&self, name: &str, body: &Value) {
        let (status, answer) = self.http("POST", &format!("/_local/{name}"), "", &body.to_string());
        assert_eq!(status, 200, "{answer}");
    }

    /// A call with the account's credentials, as any tool would make it.
    pub(super) fn call(
        &self,
        service: &str,
        method: &str,
        target: &str,
        body: &str,
    ) -> (u16, String) {
        let headers = format!(
            "Content-Type: application/x-www-form-urlencoded\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=AKIATEST{ACCOUNT}/20260101/{REGION}/{service}/aws4_request\r\n"
        );
        self.http(method, target, &headers, body)
    }

    fn http(&self, method: &str, target: &str, headers: &str, body: &str) -> (u16, String) {
        exchange(self.address(), method, target, headers, body)
    }

    fn address(&self) -> &str {
        self.endpoint.strip_prefix("http://").unwrap()
    }
}
