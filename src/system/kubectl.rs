//! kubectl, the one program that is started, where it was asked for: it knows how to log in to any cluster.
//!
//! It is looked for in the absolute directories of PATH alone, and run in the root directory: the working
//! directory may be a checkout that others have written, and what kubectl starts itself (plugins for credentials,
//! a version manager in its place) looks around where it is.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::AsyncReadExt;

/// More than any object that is asked for.
const MAX_ANSWER: u64 = 16 << 20;
/// Its complaints.
const MAX_WORDS: u64 = 64 << 10;

/// What it answers; its own words say what went wrong. It ends with this process, whatever it waits for.
pub async fn kubectl(kubeconfig: Option<&Path>, arguments: &[&str]) -> Result<Vec<u8>, String> {
    let failed = |cause: std::io::Error| format!("cannot run kubectl: {cause}");
    let program = find().ok_or("cannot run kubectl: it is in no absolute directory of PATH")?;
    let mut kubectl = tokio::process::Command::new(program);
    if let Some(kubeconfig) = kubeconfig {
        let path = std::path::absolute(kubeconfig).map_err(failed)?;
        kubectl.arg("--kubeconfig").arg(path);
    }
    if let Some(files) = std::env::var_os("KUBECONFIG") {
        kubectl.env("KUBECONFIG", absolute(&files));
    }
    let mut child = kubectl
        .arg("--request-timeout=5s")
        .args(arguments)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (mut answer, mut words) = (Vec::new(), Vec::new());
    let read = async {
        let answered = async {
            match stdout {
                Some(stdout) => stdout.take(MAX_ANSWER + 1).read_to_end(&mut answer).await,
                None => Ok(0),
            }
        };
        let said = async {
            match stderr {
                Some(stderr) => stderr.take(MAX_WORDS).read_to_end(&mut words).await,
                None => Ok(0),
            }
        };
        tokio::try_join!(answered, said)
    };
    read.await.map_err(failed)?;
    if answer.len() as u64 > MAX_ANSWER {
        return Err(format!(
            "kubectl answers more than {} MiB",
            MAX_ANSWER >> 20
        ));
    }
    let status = child.wait().await.map_err(failed)?;
    if status.success() {
        Ok(answer)
    } else {
        Err(String::from_utf8_lossy(&words).trim().to_owned())
    }
}

/// A DNS name as Kubernetes wants it of an object (RFC 1123 subdomain): what a cluster says is its name may
/// be anything, an option of kubectl too.
pub fn object_name(text: &str) -> Result<&str, String> {
    let is_label = |label: &str| {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        !label.is_empty()
            && label.bytes().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if text.len() <= 253 && text.split('.').all(is_label) {
        Ok(text)
    } else {
        Err(format!(
            "{text:?} is no name of an object: the cluster says so, and kubectl is not asked for it"
        ))
    }
}

fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let directories = std::env::split_paths(&path).filter(|directory| directory.is_absolute());
    directories
        .map(|directory| directory.join("kubectl"))
        .find(|program| program.is_file())
}

fn absolute(files: &OsString) -> OsString {
    let files = std::env::split_paths(files).filter(|file| file != Path::new(""));
    let files = files.map(|file| std::path::absolute(&file).unwrap_or(file));
    std::env::join_paths(files).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_cluster_calls_a_name_is_no_option() {
        for name in ["pod-identity-webhook-cert", "a.b-c", "1"] {
            assert_eq!(object_name(name), Ok(name));
        }
        for name in [
            "",
            "--server=https://127.0.0.1",
            "-w",
            "a/b",
            "a..b",
            "A",
            "a b",
            &"a".repeat(254),
        ] {
            assert!(object_name(name).is_err(), "{name}");
        }
    }
}
