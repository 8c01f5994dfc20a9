//! The changing commands, and what must be there before each.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::promises::matrix::forks::{ACCOUNT, Copy, Original, REGION};
use crate::support::tenant::Run;

const BOOTSTRAP: &str = "bootstrap --cluster demo --yes";
const ROLE: &str = "role --cluster demo --service-account default/app --inline-policy policy.json --yes \
    --policy-arn arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess \
    --policy-arn arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess";
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]}"#;

/// A changing command.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) command: &'static str,
    /// Commands that come before it.
    before: &'static [&'static str],
    /// What the world does to it then.
    drift: fn(&Stage),
}

pub(super) const SCENARIOS: [Scenario; 12] = [
    Scenario {
        name: "bootstrap",
        command: BOOTSTRAP,
        before: &[],
        drift: |_| {},
    },
    Scenario {
        name: "publish",
        command: "publish --cluster demo --yes",
        before: &[],
        drift: |_| {},
    },
    Scenario {
        name: "provider",
        command: "provider --cluster demo --yes",
        before: &["publish --cluster demo --yes"],
        drift: |_| {},
    },
    Scenario {
        name: "role",
        command: ROLE,
        before: &[BOOTSTRAP],
        drift: |_| {},
    },
    Scenario {
        name: "repair",
        command: BOOTSTRAP,
        before: &[BOOTSTRAP],
        drift: damage,
    },
    Scenario {
        name: "rotate-prepare",
        command: "rotate prepare --cluster demo --yes",
        before: &[BOOTSTRAP],
        drift: |_| {},
    },
    Scenario {
        name: "rotate-retire",
        command: "rotate retire --cluster demo --yes --assume-done",
        before: &[BOOTSTRAP, "rotate prepare --cluster demo --yes"],
        drift: activate,
    },
    Scenario {
        name: "rotate-prepare-stored",
        command: "rotate prepare --cluster demo --yes --key-store secretsmanager",
        before: &["bootstrap --cluster demo --yes --key-store secretsmanager"],
        drift: lose_key,
    },
    Scenario {
        name: "rotate-compromised-stored",
        command: "rotate retire --cluster demo --yes --compromised --key-store ssm",
        before: &[
            "bootstrap --cluster demo --yes --key-store ssm",
            "rotate prepare --cluster demo --yes --key-store ssm",
        ],
        drift: |_| {},
    },
    Scenario {
        name: "keygen-secretsmanager",
        command: "keygen --cluster demo --key-store secretsmanager",
        before: &[],
        drift: lose_key,
    },
    Scenario {
        name: "keygen-ssm",
        command: "keygen --cluster demo --key-store ssm",
        before: &[],
        drift: lose_key,
    },
    Scenario {
        name: "destroy",
        command: "destroy --cluster demo --roles --delete-bucket --confirm demo",
        before: &[BOOTSTRAP, ROLE],
        drift: |_| {},
    },
];

/// A working directory with an AWS.
pub(super) struct Stage {
    pub(super) aws: Copy,
    pub(super) directory: PathBuf,
}

pub(super) fn bucket() -> String {
    format!("demo-oidc-{ACCOUNT}-{REGION}-an")
}

/// The ARN of the provider.
pub(super) fn provider() -> String {
    format!(
        "arn:aws:iam::{ACCOUNT}:oidc-provider/{}.s3.{REGION}.amazonaws.com",
        bucket()
    )
}

impl Scenario {
    /// An AWS and a directory in which the command has all to do.
    pub(super) fn prepare(&self, home: &Path, key: &Path) -> (Original, PathBuf) {
        let original = Original::start(&home.join(self.name).join("aws"));
        let directory = home.join(self.name).join("work");
        copy(key, &directory.join("issuer"));
        fs::write(directory.join("policy.json"), POLICY).unwrap();
        let run = |arguments: &str| {
            let run: Run = original
                .doors
                .command(&directory, arguments)
                .output()
                .unwrap()
                .into();
            run.ok()
        };
        // Certificates and accounts are made when they are first asked for.
        run("bootstrap --cluster demo --dry-run");
        original
            .doors
            .call("iam", "POST", "/", "Version=2010-05-08&Action=ListRoles");
        if let Some(options) = self.command.strip_prefix("keygen") {
            run(&format!("jwks {options}"));
        }
        self.before
            .iter()
            .for_each(|arguments| drop(run(arguments)));
        (original, directory)
    }

    /// A copy of it, to go wrong.
    pub(super) fn stage(&self, prepared: &(Original, PathBuf), home: &Path) -> Stage {
        let stage = Stage {
            aws: prepared.0.copy(&home.join("aws")),
            directory: home.join("work"),
        };
        copy(&prepared.1, &stage.directory);
        // The neighbour's own key, which is nobody's business here.
        let other = stage.directory.join("other");
        fs::create_dir(&other).unwrap();
        for name in ["sa-signer.key", "sa-signer.pub"] {
            fs::copy(prepared.1.join("issuer").join(name), other.join(name)).unwrap();
        }
        (self.drift)(&stage);
        copy(&stage.directory, &home.join("twin"));
        stage
    }

    /// The store that the command keeps the key in.
    fn key_store(&self) -> Option<&str> {
        let (_, store) = self.command.split_once("--key-store ")?;
        store.split(' ').next()
    }

    /// Whether it is about keys alone.
    pub(super) fn is_keygen(&self) -> bool {
        self.command.starts_with("keygen")
    }

    /// What somebody else runs meanwhile, of another issuer: in the same bucket, or in the same key store.
    pub(super) fn neighbour(&self) -> String {
        match self.key_store().filter(|_| self.is_keygen()) {
            Some(store) => format!("keygen --cluster other --key-store {store} --dir other"),
            None => format!(
                "bootstrap --cluster other --bucket {} --prefix other --dir other --yes",
                bucket()
            ),
        }
    }

    /// Whether a run found nothing to do.
    pub(super) fn is_settled(&self, run: &Run) -> bool {
        match self.name {
            "rotate-retire" | "rotate-compromised-stored" => {
                run.code == 4 && run.stderr.contains("none is under way")
            }
            "keygen-secretsmanager" | "keygen-ssm" => {
                run.code == 0 && run.stderr.contains("kept the signing key that is there")
            }
            _ => run.code == 0 && run.stderr.contains("no changes"),
        }
    }
}

/// What `bootstrap` puts right by changes, not by creating things.
fn damage(stage: &Stage) {
    let (bucket, aws) = (bucket(), &stage.aws.0);
    let arn = provider().replace('/', "%2F").replace(':', "%3A");
    let iam = |query: &str| {
        let query = format!("Version=2010-05-08&OpenIDConnectProviderArn={arn}&Action={query}");
        let (status, answer) = aws.call("iam", "POST", "/", &query);
        assert_eq!(status, 200, "{answer}");
    };
    for target in ["?policy", "?publicAccessBlock", "/keys.json"] {
        assert_eq!(
            aws.call("s3", "DELETE", &format!("/{bucket}{target}"), "")
                .0,
            204
        );
    }
    let discovery = format!("/{bucket}/.well-known/openid-configuration");
    assert_eq!(aws.call("s3", "PUT", &discovery, "{}").0, 200);
    iam("RemoveClientIDFromOpenIDConnectProvider&ClientID=sts.amazonaws.com");
    iam(&format!(
        "UpdateOpenIDConnectProviderThumbprint&ThumbprintList.member.1={}",
        "a".repeat(40)
    ));
    iam("UntagOpenIDConnectProvider&TagKeys.member.1=irsactl%2Fcluster");
}

/// A new disk.
fn lose_key(stage: &Stage) {
    let issuer = stage.directory.join("issuer");
    fs::remove_dir_all(&issuer).unwrap();
    fs::create_dir(&issuer).unwrap();
}

/// The new key signs since long ago.
fn activate(stage: &Stage) {
    let path = stage.directory.join("issuer/rotation.json");
    let mut state: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    state["activated"] = json!(1);
    fs::write(path, state.to_string()).unwrap();
}

/// Copies a directory of files and directories, with their permissions.
pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}
