//! The signing key leaves its file nowhere: not in an output at the highest verbosity, not in a
//! document, not in a request.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::keys::store::{STORES, lose_disk};
use crate::support::tenant::Tenant;

/// The private numbers of the key and its PEM lines, in the forms in which they could leak.
fn needles(tenant: &Tenant, dir: &str) -> Vec<String> {
    let pem = fs::read_to_string(tenant.path(dir).join("sa-signer.key")).unwrap();
    let mut needles: Vec<String> = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .map(str::to_owned)
        .collect();
    let text = tenant.shell(&format!(
        "openssl pkey -in {dir}/sa-signer.key -noout -text"
    ));
    for name in [
        "privateExponent",
        "prime1",
        "prime2",
        "exponent1",
        "exponent2",
        "coefficient",
    ] {
        let (_, rest) = text.split_once(&format!("{name}:\n")).unwrap();
        let hex: String = rest
            .lines()
            .take_while(|line| line.starts_with("    "))
            .flat_map(|line| line.chars())
            .filter(char::is_ascii_hexdigit)
            .collect();
        let bytes: Vec<u8> = (0..hex.len() / 2)
            .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
            .collect();
        let bytes = bytes.strip_prefix(&[0]).unwrap_or(&bytes);
        let decimal: Vec<String> = bytes[8..16].iter().map(u8::to_string).collect();
        needles.extend([
            hex[16..48].to_owned(),
            hex[16..48].to_uppercase(),
            // Whole groups of three bytes, so that the text does not depend on what is around.
            STANDARD.encode(&bytes[..48]),
            URL_SAFE_NO_PAD.encode(&bytes[..48]),
            decimal.join(", "),
        ]);
    }
    needles
}

#[test]
fn no_output_document_or_request_holds_a_byte_of_the_private_key() {
    let tenant = Tenant::with_key().named();
    let mut texts = Vec::new();
    for arguments in [
        "keygen -vvv",
        "keygen --dir new -vvv",
        "keygen --dir larger --bits 4096 -vvv -o json",
        "bootstrap --cluster other --dir made-by-bootstrap --yes -vvv",
        "keygen -vvv -o json",
        "jwks -vvv",
        "jwks -vvv --public-key issuer/sa-signer.key",
        "jwks -vvv --adopt-key issuer/sa-signer.key",
        "migrate start --cluster demo --format kubeadm --existing-issuer https://a.example -vvv",
        "migrate next --assume-done -vvv -o json",
        "discovery --cluster demo -vvv",
        "flags --cluster demo -vvv",
        "flags --cluster demo --format kubeadm -vvv",
        "thumbprint --cluster demo -vvv",
        "policy --cluster demo -vvv",
        "bootstrap --cluster demo --dry-run --documents docs -o json -vvv",
        "bootstrap --cluster demo --dry-run --out docs/saved.json -vvv",
        "publish --cluster demo --yes -vvv",
        "bootstrap --cluster demo --yes -vvv",
        "bootstrap --cluster demo --yes -vvv",
        "apply docs/saved.json -vvv",
        "bootstrap --cluster demo --tag team=a --dry-run --out docs/saved.json -vvv",
        "apply docs/saved.json -vvv",
        "role --cluster demo --service-account default/app --yes -vvv",
        "token mint --cluster demo --out token -vvv",
        "token decode token -vvv",
        "publish --cluster demo --bucket no.dots -vvv",
        "flags --cluster demo --format talos --secret-file talos.yaml -vvv",
        "webhook --certificate self-signed -vvv -o json",
        "webhook --renew --format helm-values -vvv",
        "echoer --cluster demo --service-account default/app -vvv",
        "config print -vvv -o json",
        "emit terraform --cluster demo -vvv",
        "verify --dangling -vvv -o json",
        "report --cluster demo --html docs/report.html -vvv",
        "rotate prepare --cluster demo --yes -vvv",
        "rotate activate --cluster demo -vvv -o json",
        "rotate status --cluster demo -vvv",
        "rotate retire --cluster demo --compromised --yes -vvv",
        "destroy --cluster demo --roles --dry-run -vvv",
        "publish --cluster demo --bucket absent-bucket --prefix \u{1b}[2J -vvv",
    ] {
        if arguments == "publish --cluster demo --yes -vvv" {
            tenant.fail_next("PutBucketPolicy", 1, 403, "AccessDenied", "no");
        }
        let run = tenant.irsactl(arguments);
        texts.push((arguments.to_owned(), run.stdout + &run.stderr));
    }
    let role = format!(
        "--role-arn arn:aws:iam::{}:role/demo-default-app --subject default/app",
        tenant.account
    );
    let proof = format!("verify --cluster demo {role} -vvv");
    let run = tenant.irsactl(&proof);
    assert!(run.stdout.contains("proof: assumed"), "{run:#?}");
    let shown = run.stdout + &run.stderr;
    // Neither the credentials that STS gave nor the token they were given for.
    for secret in [
        "ASIA",
        "eyJhbGci",
        &fs::read_to_string(tenant.path("token")).unwrap(),
    ] {
        assert!(!shown.contains(secret.trim()), "{secret}");
    }
    texts.push((proof, shown));
    for entry in fs::read_dir(tenant.path("docs")).unwrap() {
        let path = entry.unwrap().path();
        texts.push((
            path.display().to_string(),
            fs::read_to_string(path).unwrap(),
        ));
    }
    let state = tenant.path("issuer/migration.json");
    texts.push((
        "migration.json".to_owned(),
        fs::read_to_string(state).unwrap(),
    ));
    let log = tenant.log();
    assert!(log.len() > 20);
    texts.extend(
        log.iter()
            .map(|entry| (entry["operation"].to_string(), entry.to_string())),
    );
    // The key that was there before the rotation, too.
    let old = tenant.shell("ls issuer/retired-*.key issuer/sa-signer-*.key 2> /dev/null || true");
    tenant.shell(&format!(
        "mkdir old; cp -p {} old/sa-signer.key",
        old.lines().next().unwrap()
    ));
    let dirs = ["issuer", "new", "larger", "made-by-bootstrap", "old"];
    let needles: Vec<String> = dirs.iter().flat_map(|dir| needles(&tenant, dir)).collect();
    assert!(needles.len() > 200);
    for (what, text) in &texts {
        for needle in &needles {
            assert!(!text.contains(needle), "{what} holds {needle}");
        }
    }
    // The needles do find the key where it is.
    let key = fs::read_to_string(tenant.path("issuer/sa-signer.key")).unwrap();
    assert!(needles.iter().any(|needle| key.contains(needle)));
    assert!(
        texts
            .iter()
            .any(|(what, text)| what.contains("-vvv") && text.contains("TRACE"))
    );
}

/// The log of the local AWS has a hash in the place of the one value that may be the key.
#[test]
fn a_key_goes_to_its_store_and_nowhere_else() {
    for store in STORES {
        let tenant = Tenant::new().named();
        let options = store.options();
        let mut texts = Vec::new();
        for (arguments, kept) in [
            ("keygen", None),
            ("keygen -o json", None),
            ("bootstrap --yes", None),
            ("jwks", None),
            ("token mint --out token", None),
            ("verify -o json", None),
            ("rotate prepare --yes", Some("both")),
            ("rotate activate", None),
            ("rotate status -o json", None),
            ("rotate retire --compromised --yes", Some("retired")),
            ("keygen --adopt", None),
            ("policy keygen", None),
            ("bootstrap --dry-run --documents docs -o json", None),
            ("destroy --confirm demo", None),
        ] {
            if arguments == "bootstrap --yes" {
                tenant.fail_next("CreateBucket", 1, 403, "AccessDenied", "no");
                let failed = tenant.irsactl(&format!("{arguments} {options} -vvv"));
                // The key has got the mark of its issuer by then.
                assert_eq!(failed.code, 5, "{}", failed.stdout);
                texts.push((arguments.to_owned(), failed.stderr));
            }
            let run = tenant.irsactl(&format!("{arguments} {options} -vvv"));
            assert_eq!(run.code, 0, "{arguments}: {}", run.stdout);
            assert!(run.stderr.contains("TRACE"));
            texts.push((arguments.to_owned(), run.stdout + &run.stderr));
            if let Some(name) = kept {
                tenant.shell(&format!("cp -rp issuer {name}"));
            }
            lose_disk(&tenant);
        }
        tenant.shell("mkdir new; cp -p both/sa-signer-*.key new/sa-signer.key");
        for entry in fs::read_dir(tenant.path("docs")).unwrap() {
            let path = entry.unwrap().path();
            texts.push((
                path.display().to_string(),
                fs::read_to_string(path).unwrap(),
            ));
        }
        let log = tenant.log();
        texts.extend(
            log.iter()
                .map(|entry| (entry["operation"].to_string(), entry.to_string())),
        );
        let needles: Vec<String> = ["both", "new"]
            .iter()
            .flat_map(|dir| needles(&tenant, dir))
            .collect();
        for (what, text) in &texts {
            for needle in &needles {
                assert!(!text.contains(needle), "{what} holds {needle}");
            }
        }
        // Each key went there once.
        let puts: Vec<String> = log
            .iter()
            .map(ToString::to_string)
            .filter(|entry| entry.contains("sha256:"))
            .collect();
        let hash = |file: &str| {
            let hash = tenant.shell(&format!("sha256sum < {file}"));
            hash.split(' ').next().unwrap().to_owned()
        };
        let hashes = ["both", "new"].map(|dir| hash(&format!("{dir}/sa-signer.key")));
        assert_eq!(puts.len(), 2);
        for (put, hash) in puts.iter().zip(hashes) {
            assert!(put.contains(store.put) && put.contains(&hash), "{put}");
        }
    }
}

#[test]
fn a_crash_leaves_no_core_and_git_no_key() {
    let tenant = Tenant::new();
    // A file that its user cannot read makes a process that nobody may look at, whatever it says itself.
    let public = tempfile::TempDir::new().unwrap();
    let binary = public.path().join("irsactl");
    fs::copy(env!("CARGO_BIN_EXE_irsactl"), &binary).unwrap();
    tenant.shell(&format!("chmod -R a+rx {}", public.path().display()));
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut waiting = match is_root {
        true => tenant.command("setpriv"),
        false => tenant.command(&binary),
    };
    if is_root {
        let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
        waiting.args(nobody).arg(&binary);
    }
    waiting
        .args(["token", "decode"])
        .stdin(std::process::Stdio::piped());
    let mut waiting = waiting.spawn().unwrap();
    let process = PathBuf::from(format!("/proc/{}", waiting.id()));
    let seen = || {
        let program = fs::read(process.join("cmdline")).unwrap();
        let limits = fs::read_to_string(process.join("limits")).unwrap();
        let core = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"));
        let core: Vec<String> = core
            .unwrap()
            .split_whitespace()
            .skip(4)
            .take(2)
            .map(str::to_owned)
            .collect();
        // Root's, of another user's process, is what must not be looked at (proc(5)).
        let memory = fs::metadata(process.join("mem")).unwrap().uid();
        (
            program.starts_with(binary.as_os_str().as_bytes()),
            core,
            memory,
        )
    };
    let start = std::time::Instant::now();
    while seen() != (true, vec!["0".to_owned(); 2], 0) {
        assert!(start.elapsed().as_secs() < 20, "{:?}", seen());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let status = fs::read_to_string(process.join("status")).unwrap();
    assert!(!status.contains("Uid:\t0"), "{status}");
    drop(waiting.stdin.take());
    waiting.wait().unwrap();

    tenant.shell("git init -q .");
    let warned = tenant.irsactl("keygen");
    assert!(
        warned
            .stderr
            .contains("in a git work tree that does not ignore it"),
        "{warned:#?}"
    );
    tenant.shell("echo '*' > issuer/.gitignore");
    let ignored = tenant.irsactl("keygen");
    assert!(!ignored.stderr.contains("git"), "{ignored:#?}");
    ignored.ok();
}
