//! A checkout that others have written: nothing in it runs, nothing outside of it is written, and whoever only
//! looks leaves no file behind.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Stdio;
use std::time::Duration;

use crate::support::tenant::{Offline, Run, Tenant};

/// A repository whose parts would run code if a program was started in it, with a cluster file that leads there.
fn hostile(tenant: &Tenant) {
    tenant.irsactl("keygen --dir docs/img").ok();
    tenant.shell(
        "git init -q . && cd docs/img && mkdir -p objects refs/heads && echo 'ref: refs/heads/main' > HEAD \
         && touch objects/.keep refs/heads/.keep",
    );
    let pwned = tenant.path("pwned");
    let runs = format!("sh -c 'echo $AWS_SECRET_ACCESS_KEY > {}'", pwned.display());
    tenant.write(
        "docs/img/config",
        format!(
            "[core]\n\trepositoryformatversion = 0\n\tworktree = \".\"\n\tfsmonitor = \"{runs}\"\n"
        ),
    );
    tenant.shell(&format!(
        "git config core.fsmonitor \"{}\"",
        runs.replace('$', "\\$")
    ));
    tenant.write(
        "irsactl.yaml",
        "apiVersion: irsactl/v1alpha1\nkind: Cluster\nmetadata: {name: demo}\nspec:\n  region: us-west-2\n  keys: {directory: docs/img}\n  roles:\n    - serviceAccounts: [default/app]\n",
    );
    // What a shell, a version manager and git look for where they are.
    for name in ["kubectl", "git", "sh", "aws"] {
        tenant.write(name, format!("#!/bin/sh\necho run > {}\n", pwned.display()));
        tenant.shell(&format!("chmod +x {name}"));
    }
    symlink("/dev/zero", tenant.path("docs/.gitignore")).unwrap();
}

#[test]
fn nothing_of_a_repository_runs_when_irsactl_looks_at_it() {
    let tenant = Tenant::new();
    hostile(&tenant);
    let offline = "--offline --account-id 111122223333";
    for command in [
        &format!("bootstrap --config irsactl.yaml --dry-run {offline}"),
        "bootstrap --config irsactl.yaml --dry-run",
        "verify --config irsactl.yaml",
        "report --config irsactl.yaml --html report.html",
        "jwks --config irsactl.yaml",
        "destroy --config irsactl.yaml --dry-run",
        "token mint --config irsactl.yaml --stdout",
        &format!("emit terraform --config irsactl.yaml {offline}"),
        "keygen --config irsactl.yaml",
        "bootstrap --config irsactl.yaml --yes",
    ] {
        let run = tenant.irsactl(command);
        assert!([0, 3].contains(&run.code), "{command}: {run:#?}");
        assert!(
            !tenant.path("pwned").exists(),
            "{command} runs the repository's code"
        );
    }
    // The rules are judged all the same.
    let warned = tenant.irsactl("keygen --config irsactl.yaml");
    assert!(
        warned
            .stderr
            .contains("a git work tree that does not ignore it"),
        "{warned:#?}"
    );
    tenant.shell("echo docs/img >> .gitignore");
    let ignored = tenant.irsactl("keygen --config irsactl.yaml");
    assert!(!ignored.stderr.contains("git"), "{ignored:#?}");
}

/// The calls of strace(1) that start a program or change something, less those that only look.
const CALLS: &str = "execve,execveat,open,openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,\
    symlink,symlinkat,unlink,unlinkat,rmdir,truncate,ftruncate,chmod,fchmod,fchmodat,chown,lchown,fchown,mknod,mknodat";

#[test]
fn who_only_looks_starts_no_program_and_writes_no_file() {
    let tenant = Tenant::new();
    hostile(&tenant);
    tenant.irsactl("bootstrap --config irsactl.yaml --yes").ok();
    tenant.irsactl("token mint --config irsactl.yaml --out /dev/shm/x --stdout");
    tenant.write(
        "token",
        tenant
            .irsactl("token mint --config irsactl.yaml --stdout")
            .ok(),
    );
    let offline = "--offline --account-id 111122223333";
    let named: [(&str, &[&str]); 19] = [
        ("bootstrap --config irsactl.yaml --dry-run", &[]),
        (
            &format!("bootstrap --config irsactl.yaml --dry-run {offline}"),
            &[],
        ),
        ("publish --config irsactl.yaml --dry-run", &[]),
        ("provider --config irsactl.yaml --dry-run", &[]),
        ("destroy --config irsactl.yaml --dry-run", &[]),
        (
            "role --config irsactl.yaml --service-account default/app --dry-run",
            &[],
        ),
        (
            "bootstrap --config irsactl.yaml --dry-run --out plan.json",
            &["plan.json"],
        ),
        (
            "bootstrap --config irsactl.yaml --dry-run --documents review",
            &["review"],
        ),
        ("verify --config irsactl.yaml", &[]),
        ("verify --dangling --config irsactl.yaml", &[]),
        (
            "report --config irsactl.yaml --html report.html",
            &["report.html"],
        ),
        ("jwks --config irsactl.yaml", &[]),
        ("policy bootstrap --config irsactl.yaml", &[]),
        ("config print --config irsactl.yaml", &[]),
        ("explain incorrect-token-audience", &[]),
        ("token decode token", &[]),
        (
            &format!("emit terraform --config irsactl.yaml {offline}"),
            &[],
        ),
        ("rotate status --config irsactl.yaml", &[]),
        ("flags --config irsactl.yaml", &[]),
    ];
    for (command, written) in named {
        let mut strace = tenant.command("strace");
        strace.args([
            "-f",
            "-qq",
            "-y",
            "-o",
            "trace",
            "-e",
            &format!("trace={CALLS}"),
        ]);
        strace
            .arg(env!("CARGO_BIN_EXE_irsactl"))
            .args(command.split(' '));
        let run: Run = strace.output().unwrap().into();
        let is_known = command.starts_with("explain") || [0, 3].contains(&run.code);
        assert!(is_known, "{command}: {run:#?}");
        let trace = fs::read_to_string(tenant.path("trace")).unwrap();
        let done = trace.lines().filter(|line| !line.contains(" = -1 "));
        let mut programs = 0;
        for line in done {
            let (_, call) = line.split_once(' ').unwrap_or_default();
            let call = call.trim_start();
            let name = call.split('(').next().unwrap();
            let looks = name.starts_with("open")
                && !["O_WRONLY", "O_RDWR", "O_CREAT"]
                    .iter()
                    .any(|flag| call.contains(flag));
            let is_named = written
                .iter()
                .any(|file| call.contains(file) || call.contains(".irsactl-"));
            let harmless = call.contains("\"/dev/null\"")
                || call.contains("\"/dev/tty\"")
                || call.starts_with("+++");
            match name {
                "execve" | "execveat" => programs += 1,
                _ => assert!(looks || is_named || harmless, "{command}: {line}"),
            }
        }
        assert_eq!(programs, 1, "{command}: {trace}");
        assert!(!tenant.path("pwned").exists());
    }
}

/// kubectl, where it is asked for: the one in PATH, not the one in the working directory, and not in it.
#[test]
fn kubectl_is_not_the_repositorys() {
    let mut work = Offline::new();
    fs::create_dir(work.path("bin")).unwrap();
    let log = work.path("log");
    work.write(
        "bin/kubectl",
        format!(
            "#!/bin/sh\npwd >> {0}; echo \"$KUBECONFIG $*\" >> {0}; echo '{{}}'\n",
            log.display()
        ),
    );
    work.write(
        "kubectl",
        format!("#!/bin/sh\ntouch {}\n", work.path("pwned").display()),
    );
    work.shell("chmod +x bin/kubectl kubectl");
    let path = format!("::.:bin:{}:/usr/bin:/bin", work.path("bin").display());
    work.environment.insert("PATH", path);
    work.environment.insert("KUBECONFIG", "one:/two".to_owned());
    work.irsactl("verify --webhook kubectl --kubeconfig conf");
    let log = fs::read_to_string(log).unwrap();
    let here = work.dir.path().display();
    assert!(
        log.starts_with(&format!("/\n{here}/one:/two --kubeconfig {here}/conf ")),
        "{log}"
    );
    assert!(!work.path("pwned").exists());
    work.environment.insert("PATH", ".::bin".to_owned());
    let run = work.irsactl("verify --webhook kubectl");
    assert!(
        run.stderr.contains("in no absolute directory of PATH"),
        "{run:#?}"
    );
    assert!(!work.path("pwned").exists());
}

/// What a runner obeys is no name, wherever it comes from.
#[test]
fn a_cluster_file_cannot_command_a_runner() {
    let work = Offline::new();
    work.irsactl("keygen").ok();
    for strange in [
        "##vso[task.prependpath]/tmp/evil",
        "##teamcity[buildStop]",
        "a\\u202eb",
    ] {
        work.write(
            "irsactl.yaml",
            format!(
                "apiVersion: irsactl/v1alpha1\nkind: Cluster\nmetadata: {{name: demo}}\nspec:\n  region: us-west-2\n  accountId: '111122223333'\n  audiences: [\"{strange}\"]\n  roles: [{{serviceAccounts: [default/app]}}]\n"
            ),
        );
        for command in [
            "emit terraform --offline",
            "bootstrap --dry-run --offline",
            "config print",
            "echoer --service-account default/app",
        ] {
            let run = work.irsactl(&format!("{command} --config irsactl.yaml"));
            let said = format!("{}{}", run.stdout, run.stderr);
            for part in ["##vso", "##teamcity", "\u{202e}"] {
                assert!(!said.contains(part), "{command}: {said}");
            }
        }
    }
}

/// A cluster file may come through a pipe, whose writer may never come.
#[test]
fn a_pipe_that_nobody_writes_does_not_hold_a_run_up() {
    let work = Offline::new();
    work.shell("mkfifo irsactl.yaml");
    let start = std::time::Instant::now();
    work.irsactl("config print --config irsactl.yaml")
        .fails(64, &["irsactl.yaml", "nobody has written it within 10 s"]);
    assert!(start.elapsed() < Duration::from_secs(20));
    let mut writer = work.command("sh");
    writer.args(["-c", "printf 'apiVersion: irsactl/v1alpha1\\nkind: Cluster\\nmetadata: {name: demo}\\n' > irsactl.yaml"]);
    let mut writer = writer.stdin(Stdio::null()).spawn().unwrap();
    let printed = work
        .irsactl("config print --config irsactl.yaml --region us-west-2 --account-id 111122223333")
        .ok();
    assert!(printed.contains("demo"), "{printed}");
    writer.wait().unwrap();
}
