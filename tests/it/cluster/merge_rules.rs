//! How each distribution makes kube-apiserver's command of its configuration, as its source has it.
//!
//! The facts are those of the project's reference on distributions; each rule names the file that it models.

use serde_json::Value;

use crate::support::tenant::{Offline, TOOLS};

/// A flag with its value.
pub(crate) type Flag = (String, String);

fn flag(name: &str, value: &str) -> Flag {
    (name.to_owned(), value.to_owned())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// `name: value`, or a list of `name` and `value`.
fn arguments(value: &Value) -> Vec<Flag> {
    match value {
        Value::Object(map) => map.iter().map(|(name, value)| flag(name, &text(value))),
        Value::Array(list) => {
            return list
                .iter()
                .map(|entry| flag(&text(&entry["name"]), &text(&entry["value"])))
                .collect();
        }
        other => panic!("neither a map nor a list: {other}"),
    }
    .collect()
}

/// `--name=value`, one a line.
fn lines(text: &str) -> Vec<Flag> {
    let flags = text.lines().filter(|line| !line.starts_with('#'));
    let parts = flags.map(|line| line.strip_prefix("--").unwrap().split_once('=').unwrap());
    parts.map(|(name, value)| flag(name, value)).collect()
}

/// The service account flags that kubeadm sets itself
/// (kubernetes, `cmd/kubeadm/app/phases/controlplane/manifests.go`).
fn kubeadm_defaults() -> Vec<Flag> {
    vec![
        flag("advertise-address", "10.0.0.10"),
        flag("service-account-issuer", DEFAULT),
        flag("service-account-key-file", "/etc/kubernetes/pki/sa.pub"),
        flag(
            "service-account-signing-key-file",
            "/etc/kubernetes/pki/sa.key",
        ),
        flag("tls-cert-file", "/etc/kubernetes/pki/apiserver.crt"),
    ]
}

/// The issuer of kubeadm, K3s and RKE2 with the default domain.
pub(crate) const DEFAULT: &str = "https://kubernetes.default.svc.cluster.local";

/// kubeadm (`cmd/kubeadm/app/util/arguments.go`): an override takes the place of every default of its
/// name. Since kubernetes#135400 the overrides keep their order; before it all were sorted by name and
/// value.
fn kubeadm(overrides: &[Flag], sorts_all: bool) -> Vec<Flag> {
    let mut flags = kubeadm_defaults();
    flags.retain(|(name, _)| overrides.iter().all(|(other, _)| other != name));
    flags.sort();
    flags.extend(overrides.iter().cloned());
    if sorts_all {
        flags.sort();
    }
    flags
}

/// A JSON patch (RFC 6902) of the command of a static pod: `test` and `add`.
fn patched(flags: &[Flag], operations: &Value) -> Vec<Flag> {
    let mut command = vec!["kube-apiserver".to_owned()];
    command.extend(
        flags
            .iter()
            .map(|(name, value)| format!("--{name}={value}")),
    );
    for operation in operations.as_array().unwrap() {
        let path = text(&operation["path"]);
        let Some(index) = path.strip_prefix("/spec/containers/0/command/") else {
            assert!(path == "/spec/volumes/-" || path == "/spec/containers/0/volumeMounts/-");
            continue;
        };
        let value = text(&operation["value"]);
        match (operation["op"].as_str().unwrap(), index) {
            ("test", index) => assert_eq!(command[index.parse::<usize>().unwrap()], value),
            ("add", "-") => command.push(value),
            ("add", index) => command.insert(index.parse().unwrap(), value),
            other => panic!("{other:?}"),
        }
    }
    lines(&command[1..].join("\n"))
}

/// The static pod of a cluster that kubeadm made, with a patch.
fn static_pod(operations: &Value) -> Vec<Flag> {
    patched(&kubeadm(&[], true), operations)
}

/// K3s and RKE2 (`pkg/util/args.go`, GetArgs; the defaults from `pkg/daemons/control/server.go`).
fn k3s(arguments: &Value, program: &str) -> Vec<Flag> {
    let key = format!("/var/lib/rancher/{program}/server/tls/service");
    let mut defaults = vec![
        flag("service-account-issuer", DEFAULT),
        flag("service-account-key-file", &format!("{key}.key")),
        flag(
            "service-account-signing-key-file",
            &format!("{key}.current.key"),
        ),
        flag("api-audiences", &format!("{DEFAULT},{program}")),
    ];
    let mut given: Vec<(String, Vec<String>)> = Vec::new();
    for argument in arguments.as_array().unwrap() {
        let argument = text(argument);
        let (name, value) = argument.split_once('=').unwrap();
        let clean = name.trim_end_matches(['-', '+']);
        let default = defaults.iter().position(|(name, _)| name == clean);
        let default = default.map(|index| defaults.remove(index).1);
        let index = given.iter().position(|(name, _)| name == clean);
        let existing = index.map_or_else(Vec::new, |index| given.remove(index).1);
        let value = vec![value.to_owned()];
        let default = Vec::from_iter(default);
        let values = match name.chars().last().unwrap() {
            '+' => [default, existing, value].concat(),
            '-' => [value, default, existing].concat(),
            _ => [existing, value].concat(),
        };
        given.push((clean.to_owned(), values));
    }
    let rest = defaults
        .into_iter()
        .map(|(name, value)| (name, vec![value]));
    let mut all: Vec<_> = given.into_iter().chain(rest).collect();
    all.sort();
    all.into_iter()
        .flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value)))
        .collect()
}

/// k0s (`pkg/component/controller/apiserver.go`): the map over its defaults, in any order, and then the
/// raw arguments.
fn k0s(api: &Value) -> Vec<Flag> {
    let overrides = arguments(&api["extraArgs"]);
    let mut flags = vec![
        flag(
            "api-audiences",
            "https://kubernetes.default.svc,system:konnectivity-server",
        ),
        flag("service-account-issuer", "https://kubernetes.default.svc"),
        flag("service-account-key-file", "/var/lib/k0s/pki/sa.pub"),
        flag(
            "service-account-signing-key-file",
            "/var/lib/k0s/pki/sa.key",
        ),
    ];
    flags.retain(|(name, _)| overrides.iter().all(|(other, _)| other != name));
    flags.extend(overrides);
    let raw = api["rawArgs"].as_array().into_iter().flatten().map(text);
    flags.extend(lines(&raw.collect::<Vec<_>>().join("\n")));
    flags
}

/// kOps (`nodeup/pkg/model/kube_apiserver.go`): sorted flags, and then the additional issuers.
fn kops(spec: &Value) -> Vec<Flag> {
    let first = text(&spec["serviceAccountIssuer"]);
    let more = spec["additionalServiceAccountIssuers"].as_array();
    let more = more.into_iter().flatten().map(text);
    let issuers = [first].into_iter().chain(more);
    let key = "/srv/kubernetes/kube-apiserver/service-account";
    let mut flags = vec![
        flag("service-account-key-file", &format!("{key}.pub")),
        flag("service-account-signing-key-file", &format!("{key}.key")),
    ];
    flags.extend(issuers.map(|issuer| flag("service-account-issuer", &issuer)));
    flags
}

/// Talos up to 1.13 (`control_plane_final.go`): extra arguments take the place of the default, which is
/// the endpoint; key files are denied.
fn talos_patch(extra: &Value) -> Vec<Flag> {
    let mut flags = Vec::new();
    for (name, value) in extra.as_object().unwrap() {
        assert!(!name.ends_with("key-file"), "{name} is denied");
        match value.as_array() {
            Some(values) => flags.extend(values.iter().map(|value| flag(name, &text(value)))),
            None => flags.push(flag(name, &text(value))),
        }
    }
    flags
}

/// Talos from 1.14 (`types/k8s/service_account.go`): the issuer, and then the accepted ones; no other
/// field is known.
fn talos_document(document: &Value) -> Vec<Flag> {
    let known = |value: &Value, names: &[&str]| {
        let mut fields = value.as_object().into_iter().flatten();
        assert!(
            fields.all(|(name, _)| names.contains(&name.as_str())),
            "{value}"
        );
    };
    known(document, &["apiVersion", "kind", "issuer", "accepted"]);
    known(&document["issuer"], &["privateKey", "issuerURL"]);
    known(
        &document["accepted"],
        &["publicKeys", "issuers", "audiences"],
    );
    let mut flags = vec![flag(
        "service-account-issuer",
        &text(&document["issuer"]["issuerURL"]),
    )];
    let accepted = document["accepted"]["issuers"].as_array();
    let accepted = accepted.into_iter().flatten().map(text);
    flags.extend(accepted.map(|issuer| flag("service-account-issuer", &issuer)));
    flags
}

/// The documents of a YAML stream, by PyYAML.
pub(crate) fn yaml(work: &Offline, text: &str) -> Vec<Value> {
    work.write("config.yaml", text);
    let mut python = work.command(TOOLS.python());
    python.args([
        "-c",
        "import json, yaml; print(json.dumps(list(yaml.safe_load_all(open('config.yaml')))))",
    ]);
    let output = python.output().unwrap();
    assert!(output.status.success(), "{output:#?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The flags that kube-apiserver gets in the end.
pub(crate) fn in_effect(work: &Offline, format: &str, output: &str) -> Vec<Flag> {
    let name = format.split(' ').next().unwrap();
    if matches!(name, "flags" | "microk8s") {
        return lines(output);
    }
    if name == "typhoon" {
        let issuer = output.lines().last().unwrap().split('"').nth(1).unwrap();
        return vec![flag("service-account-issuer", issuer)];
    }
    let documents = yaml(work, output);
    let first = &documents[0];
    let api_server = |config: &Value| arguments(&config["apiServer"]["extraArgs"]);
    match name {
        "static-pod" => static_pod(first),
        "kubeadm" => {
            let is_list = first["apiVersion"] == "kubeadm.k8s.io/v1beta4";
            assert_eq!(is_list, first["apiServer"]["extraArgs"].is_array());
            // 1.36, and 1.35.1 and 1.34.4, keep the order.
            let keeps = ["kubeadm", "1.36", "1.35.1", "1.34.4"];
            let flags = kubeadm(
                &api_server(first),
                !keeps.iter().any(|v| format.ends_with(v)),
            );
            match documents.as_slice() {
                [_] => flags,
                [_, init, patch] => {
                    assert_eq!(init["apiVersion"], first["apiVersion"]);
                    assert_eq!(init["kind"], "InitConfiguration");
                    assert_eq!(init["patches"]["directory"], "/etc/kubernetes/patches");
                    patched(&flags, patch)
                }
                other => panic!("{other:?}"),
            }
        }
        "kind" => {
            let patch = first["kubeadmConfigPatches"][0].as_str().unwrap();
            let patch = &yaml(work, patch)[0];
            let is_list = patch["apiServer"]["extraArgs"].is_array();
            assert_eq!(is_list, !format.ends_with("1.35"));
            kubeadm(&api_server(patch), !is_list)
        }
        "k3s" | "rke2" => k3s(&first["kube-apiserver-arg"], name),
        "k0s" => k0s(&first["spec"]["api"]),
        "kubespray" => {
            let flags = kubeadm(
                &arguments(&first["kube_kubeadm_apiserver_extra_args"]),
                true,
            );
            match first.get("kubeadm_patches") {
                None => flags,
                Some(patches) => {
                    assert_eq!(patches[0]["target"], "kube-apiserver");
                    assert_eq!(patches[0]["type"], "json");
                    patched(&flags, &patches[0]["patch"])
                }
            }
        }
        "cluster-api" => {
            let config = &first["spec"]["kubeadmConfigSpec"];
            let overrides = api_server(&config["clusterConfiguration"]);
            let mut names: Vec<_> = overrides.iter().map(|(name, _)| name).collect();
            names.dedup();
            assert_eq!(
                names.len(),
                overrides.len(),
                "extraArgs name must be unique"
            );
            let is_list = config["clusterConfiguration"]["apiServer"]["extraArgs"].is_array();
            assert_eq!(is_list, !format.ends_with("v1beta1"));
            let flags = kubeadm(&overrides, true);
            match config.get("files") {
                None => flags,
                Some(files) => {
                    for configuration in ["initConfiguration", "joinConfiguration"] {
                        let directory = &config[configuration]["patches"]["directory"];
                        assert_eq!(directory, "/etc/kubernetes/patches");
                    }
                    let path = "/etc/kubernetes/patches/kube-apiserver0+json.yaml";
                    assert_eq!(files[0]["path"], path);
                    let content = files[0]["content"].as_str().unwrap();
                    patched(&flags, &yaml(work, content)[0])
                }
            }
        }
        "talos" if first["kind"] == "KubeServiceAccountConfig" => talos_document(first),
        "talos" => talos_patch(&first["cluster"]["apiServer"]["extraArgs"]),
        "kops" => kops(&first["spec"]["kubeAPIServer"]),
        "openshift" => vec![flag(
            "service-account-issuer",
            first["spec"]["serviceAccountIssuer"].as_str().unwrap(),
        )],
        "eks-anywhere" => vec![flag(
            "service-account-issuer",
            first["spec"]["podIamConfig"]["serviceAccountIssuer"]
                .as_str()
                .unwrap(),
        )],
        other => panic!("{other}"),
    }
}

/// The values of a flag, in order.
pub(crate) fn values<'a>(flags: &'a [Flag], wanted: &str) -> Vec<&'a str> {
    let found = flags.iter().filter(|(name, _)| name == wanted);
    found.map(|(_, value)| value.as_str()).collect()
}
