//! A stand-in for a cluster, for the real kubectl: see tests/local-cluster.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use crate::support::tenant::{Offline, TOOLS};

/// Ends with the value, whose end closes its standard input.
pub(crate) struct LocalCluster {
    child: Child,
}

impl Drop for LocalCluster {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

impl LocalCluster {
    /// Starts one in a working directory, and leads kubectl to it. It takes the API server's flags from
    /// `kube-apiserver.flags`, and what is in /etc/kubernetes/pki/irsa from `issuer`.
    pub(crate) fn start(work: &mut Offline) -> Self {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/local-cluster");
        let home = work.dir.path().to_str().unwrap().to_owned();
        work.environment.insert("HOME", home);
        let mut command = work.command(TOOLS.python());
        command.arg(sources.join("local_cluster.py"));
        command.args(["--kubeconfig", "kubeconfig", "--node-dir", "issuer"]);
        for name in ["HTTPS_PROXY", "SSL_CERT_FILE", "AWS_CA_BUNDLE"] {
            command.args(["--pod-env", name]);
        }
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", TOOLS.program("").display()));
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        assert!(
            line.contains("kubeconfig"),
            "the local cluster did not start"
        );
        let kubeconfig = work.path("kubeconfig").to_str().unwrap().to_owned();
        work.environment.insert("KUBECONFIG", kubeconfig);
        Self { child }
    }
}
