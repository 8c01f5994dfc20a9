//! A JSON patch (RFC 6902) of kube-apiserver's static pod: the one form that keeps any order.
//!
//! The new issuer is inserted before every flag, so it comes before the issuers that are there, in
//! every version of kubeadm. Other flags are appended: the last value of a single flag wins, and all
//! key files and audiences add up.

use serde_json::{Value, json};

const COMMAND: &str = "/spec/containers/0/command";

/// One operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// `test` or `add`.
    pub(super) op: &'static str,
    /// A JSON pointer (RFC 6901).
    pub(super) path: String,
    /// What is there, or shall be.
    pub(super) value: Value,
}

impl Operation {
    fn add(path: String, value: Value) -> Self {
        let op = "add";
        Self { op, path, value }
    }
}

/// Inserts issuers before all flags, in order, and appends flags. Nothing is changed when the first
/// word of the command is another program.
pub(super) fn of_command<'a>(
    issuers: impl IntoIterator<Item = &'a str>,
    appended: impl IntoIterator<Item = (&'static str, String)>,
) -> Vec<Operation> {
    let mut operations = vec![Operation {
        op: "test",
        path: format!("{COMMAND}/0"),
        value: json!("kube-apiserver"),
    }];
    for (issuer, index) in issuers.into_iter().zip(1..) {
        let flag = format!("--service-account-issuer={issuer}");
        operations.push(Operation::add(format!("{COMMAND}/{index}"), json!(flag)));
    }
    for (name, value) in appended {
        let flag = format!("--{name}={value}");
        operations.push(Operation::add(format!("{COMMAND}/-"), json!(flag)));
    }
    operations
}

/// Mounts the directory of our key files.
pub(super) fn of_volume(directory: &str) -> [Operation; 2] {
    [
        Operation::add(
            "/spec/containers/0/volumeMounts/-".to_owned(),
            json!({ "name": "irsa-keys", "mountPath": directory, "readOnly": true }),
        ),
        Operation::add(
            "/spec/volumes/-".to_owned(),
            json!({ "name": "irsa-keys", "hostPath": { "path": directory, "type": "Directory" } }),
        ),
    ]
}
