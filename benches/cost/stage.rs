//! The local AWS that both sides talk to, and the binary.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

#[path = "../../tests/it/support/local_aws.rs"]
#[allow(dead_code)] // the tests use more of it
mod local_aws;
pub(crate) use local_aws::{LocalAws, Tools};

const ACCOUNT: &str = "111122223333";
pub(crate) const REGION: &str = "us-west-2";
pub(crate) const THUMBPRINT: &str = "990f4193972f2becf12ddeda5237f9c952f20d9e";

/// A local AWS and a directory with a key pair.
pub(crate) struct Stage {
    pub(crate) tools: Tools,
    pub(crate) aws: LocalAws,
    pub(crate) directory: TempDir,
    _state: TempDir,
}

/// How AWS is reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Door {
    /// Plain HTTP: AWS_ENDPOINT_URL.
    Http,
    /// AWS's own host names over verified TLS, through a proxy.
    Https,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let tools = Tools::install();
        let state = TempDir::new().unwrap();
        let aws = LocalAws::start(&tools, state.path());
        let stage = Self {
            tools,
            aws,
            directory: TempDir::new().unwrap(),
            _state: state,
        };
        let mut keygen = irsactl("keygen");
        keygen.current_dir(stage.directory.path());
        crate::measure::run(keygen);
        stage
    }

    /// A program in the directory, with this AWS for its AWS.
    pub(crate) fn command(&self, program: impl AsRef<Path>, door: Door) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir(self.directory.path()).env_clear();
        let venv = self.tools.program("");
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", venv.display()));
        command.envs(self.aws.environment(ACCOUNT, REGION));
        if door == Door::Http {
            command.env("AWS_ENDPOINT_URL", &self.aws.endpoint);
        }
        command
    }

    /// The binary in the directory; arguments are separated by spaces.
    pub(crate) fn irsactl(&self, arguments: &str, door: Door) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_irsactl"), door);
        command.args(arguments.split_whitespace());
        command
    }

    /// Tells the server something about itself.
    pub(crate) fn control(&self, name: &str, body: &str) {
        let mut curl = Command::new(self.tools.python());
        let post = "import sys, urllib.request as u; u.urlopen(sys.argv[1], sys.argv[2].encode())";
        curl.args([
            "-c",
            post,
            &format!("{}/_local/{name}", self.aws.endpoint),
            body,
        ]);
        crate::measure::run(curl);
    }

    /// The requests that were made since `seen` of them.
    pub(crate) fn requests(&self, seen: usize) -> Vec<serde_json::Value> {
        let log = std::fs::read_to_string(&self.aws.log).unwrap();
        let lines = log.lines().skip(seen);
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// The binary with nothing around it.
pub(crate) fn irsactl(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_irsactl"));
    command.args(arguments.split_whitespace());
    command
}

/// A script of `benches/peers`.
pub(crate) fn peer(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("benches/peers")
        .join(name)
}
