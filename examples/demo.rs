//! The main job on a local AWS, no account needed: `cargo run --example demo`.
//!
//! Runs the real binary from an empty directory to an issuer that AWS trusts, and lets libraries
//! that others wrote verify a token of it.

// A panic is how an example says that it cannot go on.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/it/support/local_aws.rs"]
#[allow(dead_code)] // the tests use more of it
mod local_aws;

use std::path::{Path, PathBuf};
use std::process::{Command, exit};

use local_aws::{LocalAws, Tools};

struct Demo {
    tools: Tools,
    environment: Vec<(&'static str, String)>,
    directory: tempfile::TempDir,
    binary: PathBuf,
}

fn main() {
    let binary = build();
    eprintln!("installing the local AWS and the judges under target/ (the first time only) …");
    let tools = Tools::install();
    let state = tempfile::TempDir::new().unwrap();
    let aws = LocalAws::start(&tools, state.path());
    let environment = aws.environment("111122223333", "us-west-2");
    let directory = tempfile::TempDir::new().unwrap();
    let demo = Demo {
        tools,
        environment,
        directory,
        binary,
    };

    demo.title("1. A signing key, 0600; its key ID is what kube-apiserver stamps into tokens");
    let kid = demo.irsactl("keygen");
    demo.title("2. The plan: nothing is changed, every document is written for review");
    demo.irsactl("bootstrap --cluster demo --dry-run --documents review");
    demo.title("3. The main job: bucket, policy, documents, provider; then everything read back");
    let answer = demo.irsactl("bootstrap --cluster demo --yes");
    demo.title("4. Again: nothing to do");
    demo.irsactl("bootstrap --cluster demo --yes");
    demo.title("5. The two documents, as the world sees them");
    demo.irsactl("jwks");
    demo.irsactl("discovery --cluster demo");
    demo.title("6. The thumbprint of the issuer's TLS chain");
    demo.irsactl("thumbprint --cluster demo");
    demo.title("7. The API server's settings");
    demo.irsactl("flags --cluster demo --format kubeadm");

    demo.title(
        "8. A token, signed as kube-apiserver does, and accepted by libraries that others wrote",
    );
    let issuer = field(&answer, "issuer");
    let python = demo.tools.python();
    let judges = demo.tools.judges();
    let audience = "sts.amazonaws.com";
    let subject = "system:serviceaccount:default:app";
    let key = demo.directory.path().join("issuer/sa-signer.key");
    let sign = judges.join("pyjwt_sign.py");
    let token = demo.run(Command::new(&python).arg(sign).arg(key).args([
        kid.trim(),
        &issuer,
        audience,
        subject,
    ]));
    std::fs::write(demo.directory.path().join("token"), token).unwrap();
    for (name, program, judge) in [
        ("PyJWT", &python, "pyjwt_verify.py"),
        (
            "openid-client and jose",
            &demo.tools.node(),
            "openid_client.mjs",
        ),
    ] {
        let mut verify = Command::new(program);
        let claims = demo.run(
            verify
                .arg(judges.join(judge))
                .args([&issuer, "token", audience]),
        );
        println!("accepted by {name}: {}", claims.trim());
    }

    demo.title("9. A role for one service account, which STS lets a token of ours assume");
    demo.irsactl("role --cluster demo --service-account default/app --yes");
    let role = "--role-arn arn:aws:iam::111122223333:role/demo-default-app";
    demo.irsactl(&format!(
        "verify --cluster demo {role} --subject default/app"
    ));
    demo.title("10. Something breaks: the documents are no longer public. verify names it");
    let bucket = issuer
        .trim_start_matches("https://")
        .split('.')
        .next()
        .unwrap();
    println!("$ aws s3api delete-bucket-policy --bucket {bucket}");
    let mut aws = Command::new(demo.tools.program("aws"));
    demo.run(aws.args(["s3api", "delete-bucket-policy", "--bucket", bucket]));
    let report = demo.broken(&format!(
        "verify --cluster demo {role} --subject default/app"
    ));
    println!("{report}");
    demo.title("11. What the message in a pod means, and the repair");
    let proof = report
        .lines()
        .find(|line| line.contains("proof: "))
        .unwrap();
    demo.explain(proof.split_once("proof: ").unwrap().1);
    demo.irsactl("bootstrap --cluster demo --yes");
    demo.irsactl(&format!(
        "verify --cluster demo {role} --subject default/app"
    ));
    println!(
        "\nThe whole chain works. 'cargo run --example local-aws' starts the same AWS for your own hands."
    );
}

/// Builds the binary with the cargo that runs this example, and gives its path.
fn build() -> PathBuf {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--bin", "irsactl"])
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "cargo build failed"
    );
    let example = std::env::current_exe().unwrap();
    let profile = example.parent().and_then(Path::parent).unwrap();
    profile.join("irsactl")
}

fn field(answer: &str, name: &str) -> String {
    let line = answer.lines().find(|line| line.starts_with(name)).unwrap();
    line[name.len()..].trim().to_owned()
}

impl Demo {
    fn title(&self, text: &str) {
        println!("\n━━ {text}\n");
    }

    /// Runs the binary as a person would, shows what it says, and gives its stdout.
    fn irsactl(&self, arguments: &str) -> String {
        println!("$ irsactl {arguments}");
        let output = self.run(Command::new(&self.binary).args(arguments.split(' ')));
        println!("{output}");
        output
    }

    /// Runs the binary where a check fails, and gives its stdout.
    fn broken(&self, arguments: &str) -> String {
        println!("$ irsactl {arguments}");
        let mut command = Command::new(&self.binary);
        command.args(arguments.split(' '));
        command.current_dir(self.directory.path());
        let output = command
            .envs(self.environment.iter().cloned())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(3), "a check fails");
        String::from_utf8(output.stdout).unwrap()
    }

    fn explain(&self, message: &str) {
        println!("$ irsactl explain \"{message}\"");
        println!(
            "{}",
            self.run(Command::new(&self.binary).args(["explain", message]))
        );
    }

    fn run(&self, command: &mut Command) -> String {
        let command = command
            .current_dir(self.directory.path())
            .envs(self.environment.iter().cloned());
        let output = command
            .stderr(std::process::Stdio::inherit())
            .output()
            .unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        if !output.status.success() {
            eprintln!("{command:?} failed: {}\n{stdout}", output.status);
            exit(1);
        }
        stdout
    }
}
