//! Hostile names: issuers, prefixes, buckets, and what a cluster file may say.

use std::time::{Duration, Instant};

use crate::support::tenant::{Offline, Run};

const OFFLINE: &str = "bootstrap --dry-run --offline --account-id 111122223333 --region us-west-2";

/// Runs with arguments as they are; [`Offline::irsactl`] splits at spaces.
fn run(work: &Offline, arguments: &[&str]) -> Run {
    let mut command = work.command(env!("CARGO_BIN_EXE_irsactl"));
    command.args(arguments).output().unwrap().into()
}

#[test]
fn an_issuer_is_taken_in_its_canonical_form_alone() {
    let work = Offline::new();
    let long = format!("https://a.example/{}", "a".repeat(240));
    for (issuer, reason) in [
        ("http://a.example", "scheme must be https"),
        ("ftp://a.example", "scheme must be https"),
        ("a.example", "not a URL"),
        ("https://", "not a URL"),
        ("https://a.example/", "a trailing slash"),
        ("https://a.example/b/", "a trailing slash"),
        ("https://a.example?b", "a query"),
        ("https://a.example#b", "a fragment"),
        ("https://b@a.example", "a user name"),
        ("https://a.example:443", "a port"),
        ("https://192.0.2.1", "an IP address"),
        ("https://[2001:db8::1]", "an IP address"),
        ("https://A.example", "canonical form"),
        ("HTTPS://a.example", "canonical form"),
        (
            "https://exämple.com",
            "canonical form, which is https://xn--exmple-cua.com",
        ),
        ("https://a.example//b", "its path"),
        ("https://a.example/b//c", "its path"),
        ("https://a.example/../b", "its path"),
        ("https://a.example/./b", "its path"),
        ("https://a.example/b%2Fc", "its path"),
        ("https://a.example/b c", "its path"),
        ("https://a.example\\b", "canonical form"),
        (" https://a.example", "canonical form"),
        ("https://a.exam\tple", "canonical form"),
        (&long, "IAM takes 255"),
    ] {
        for command in ["discovery", "flags"] {
            let run = run(&work, &[command, "--issuer", issuer]);
            assert_eq!(
                (run.code, run.stdout.as_str()),
                (64, ""),
                "{issuer}: {run:#?}"
            );
            assert!(
                run.stderr.contains(reason),
                "{issuer}: no {reason:?} in {run:#?}"
            );
        }
    }
    // The same name in ASCII is one.
    work.irsactl("discovery --issuer https://xn--exmple-cua.com")
        .ok();
}

#[test]
fn a_prefix_stays_below_its_bucket() {
    let work = Offline::new();
    work.irsactl("keygen").ok();
    for prefix in [
        "/a", "a/", "a//b", "..", "../b", "a/../b", ".", "a/./b", "a%2e", "a b", "a\\b", "ä",
        "a?b", "a#b", "",
    ] {
        let mut arguments: Vec<&str> = OFFLINE.split(' ').collect();
        arguments.extend(["--cluster", "demo", "--prefix", prefix]);
        let run = run(&work, &arguments);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (64, ""),
            "{prefix:?}: {run:#?}"
        );
    }
    work.irsactl(&format!("{OFFLINE} --cluster demo --prefix a/b-c_d.e~f"))
        .ok();
}

#[test]
fn a_bucket_name_is_one_that_s3_and_its_certificate_take() {
    let work = Offline::new();
    work.irsactl("keygen").ok();
    let (longest, longer) = ("a".repeat(63), "a".repeat(64));
    for (bucket, reason) in [
        ("ab", "has 2 characters"),
        (&longer, "has 64 characters"),
        ("my.bucket", "has a dot"),
        ("192.168.5.4", "has a dot"),
        ("MyBucket", "lower-case letters"),
        ("my_bucket", "lower-case letters"),
        ("bücket", "lower-case letters"),
        ("bucket-", "no hyphen at either end"),
        ("bucket--x-s3", "reserved suffix --x-s3"),
        (
            "demo-999999999999-us-west-2-an",
            "-111122223333-us-west-2-an",
        ),
        (
            "demo-111122223333-eu-west-1-an",
            "-111122223333-us-west-2-an",
        ),
    ] {
        work.irsactl(&format!("{OFFLINE} --cluster demo --bucket {bucket}"))
            .fails(64, &[reason]);
    }
    for bucket in [longest.as_str(), "demo-111122223333-us-west-2-an"] {
        work.irsactl(&format!("{OFFLINE} --cluster demo --bucket {bucket}"))
            .ok();
    }
}

/// S3's global name is read where somebody has it, and never made.
#[test]
fn the_issuer_of_a_bucket_is_at_its_region() {
    let work = Offline::new();
    for region in ["us-east-1", "us-west-2"] {
        let document = work
            .irsactl(&format!("discovery --bucket b1b --region {region}"))
            .json();
        assert_eq!(
            document["issuer"],
            format!("https://b1b.s3.{region}.amazonaws.com")
        );
    }
    let given = work
        .irsactl("discovery --issuer https://s3.amazonaws.com/b1b")
        .json();
    assert_eq!(given["issuer"], "https://s3.amazonaws.com/b1b");
}

const FILE: &str = "apiVersion: irsactl/v1alpha1\nkind: Cluster\nmetadata:\n  name: demo\nspec:\n  region: us-west-2\n";

#[test]
fn a_hostile_cluster_file_is_refused_soon_and_on_one_line() {
    let work = Offline::new();
    let bomb: String = (1..12)
        .map(|n| {
            format!(
                "  a{n}: &a{n} [{}]\n",
                vec![format!("*a{}", n - 1); 10].join(", ")
            )
        })
        .collect();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("nothing", Vec::new(), "cluster file"),
        (
            "a key twice",
            format!("{FILE}  region: eu-west-1\n").into(),
            "region",
        ),
        (
            "a tab",
            FILE.replace("  region", "\tregion").into(),
            "cluster file",
        ),
        (
            "anchors that grow",
            format!("{FILE}  tags: &a0 {{a: b}}\n{bomb}").into(),
            "cluster file",
        ),
        ("a list", "- a\n- b\n".into(), "cluster file"),
        ("deep nesting", "[".repeat(100_000).into(), "cluster file"),
        (
            "another type",
            FILE.replace("us-west-2", "[us-west-2]").into(),
            "cluster file",
        ),
        (
            "Latin-1",
            [FILE.as_bytes(), b"  bucket: \xe4\n"].concat(),
            "UTF-8",
        ),
        (
            "a NUL",
            [FILE.as_bytes(), b"  bucket: a\0b\n"].concat(),
            "cluster file",
        ),
        (
            "a workflow command",
            format!("{FILE}  bucket: \"a\\n::error::x\\e[2J\"\n").into(),
            "bucket",
        ),
        (
            "a hostile field",
            format!("{FILE}  \"a\\n::error::x\\e[2J\": b\n").into(),
            "cluster file",
        ),
        ("a long file", vec![b'#'; 3 << 20], "cluster file"),
    ];
    for (name, text, words) in cases {
        work.write("irsactl.yaml", text);
        let start = Instant::now();
        let run = work.irsactl("flags --config irsactl.yaml --account-id 111122223333");
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{name}: {:?}",
            start.elapsed()
        );
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (64, ""),
            "{name}: {run:#?}"
        );
        assert!(
            run.stderr.contains(words),
            "{name}: no {words:?} in {run:#?}"
        );
        assert!(
            !run.stderr.contains("\n::") && !run.stderr.contains('\u{1b}'),
            "{name}: {run:#?}"
        );
        assert!(
            run.stderr.len() < 4096,
            "{name}: {} bytes",
            run.stderr.len()
        );
    }
    // What has no end is not read to its end.
    let line = format!(
        "ulimit -v 4000000; timeout 20 {} flags --config /dev/zero 2>&1 || echo $?",
        env!("CARGO_BIN_EXE_irsactl")
    );
    let said = work.shell(&line);
    assert!(
        said.contains("/dev/zero")
            && said.contains("more than 1048576 bytes")
            && said.ends_with("\n64\n"),
        "{said}"
    );
}

#[test]
fn a_scalar_that_yaml_reads_as_something_else() {
    let work = Offline::new();
    let value = |text: String, name: &str| {
        work.write("irsactl.yaml", text);
        let run = work.irsactl("config print -o json --config irsactl.yaml");
        if run.code != 0 {
            return Err(run);
        }
        let values = run.json();
        let entry = values
            .as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["name"] == name);
        Ok(entry.unwrap()["value"].as_str().unwrap().to_owned())
    };
    for name in ["no", "on", "null", "1e3", "012"] {
        let quoted = FILE.replace("name: demo", &format!("name: \"{name}\""));
        assert_eq!(value(quoted, "cluster").unwrap(), name);
        // Unquoted it is the same text or an error, and never another text.
        match value(
            FILE.replace("name: demo", &format!("name: {name}")),
            "cluster",
        ) {
            Ok(read) => assert_eq!(read, name),
            Err(run) => run.fails(64, &["irsactl.yaml"]),
        }
    }
    for id in ["012345678901", "111122223333"] {
        let quoted = format!("{FILE}  accountId: \"{id}\"\n");
        assert_eq!(value(quoted, "account").unwrap(), id);
        match value(format!("{FILE}  accountId: {id}\n"), "account") {
            Ok(read) => assert_eq!(read, id),
            Err(run) => run.fails(64, &["accountId"]),
        }
    }
}
