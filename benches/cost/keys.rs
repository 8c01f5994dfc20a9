//! Key generation, against the two programs of the guides.

use std::process::Command;

use tempfile::TempDir;

use crate::measure::{heading, in_turn, target};
use crate::stage::irsactl;

pub(crate) fn table() {
    heading("Key generation (random: the means count)");
    let directory = TempDir::new().unwrap();
    let path = |name: &str, nth: usize| directory.path().join(format!("{name}-{nth}"));
    let mut ratios = Vec::new();
    for (bits, times) in [("2048", 150), ("3072", 60), ("4096", 40)] {
        let costs = in_turn(
            times,
            [
                &mut |nth| {
                    let mut command = irsactl("keygen --bits");
                    command.arg(bits).arg("--dir").arg(path(bits, nth));
                    command
                },
                &mut |nth| {
                    let mut command = Command::new("openssl");
                    command.args(["genrsa", "-out"]).arg(path("openssl", nth));
                    command.arg(bits);
                    command
                },
                &mut |nth| {
                    let mut command = Command::new("ssh-keygen");
                    command.args(["-q", "-t", "rsa", "-m", "pem", "-N", "", "-b", bits]);
                    command.arg("-f").arg(path(&format!("ssh-{bits}"), nth));
                    command
                },
            ],
        );
        let [ours, openssl, ssh] = costs;
        println!("{}", ours.row(&format!("irsactl keygen --bits {bits}")));
        println!("{}", openssl.row(&format!("openssl genrsa {bits}")));
        println!(
            "{}",
            ssh.row(&format!("ssh-keygen -t rsa -m pem -b {bits}"))
        );
        ratios.push((bits, ours.mean_cpu() / openssl.mean_cpu()));
    }
    println!();
    for (bits, ratio) in ratios {
        target(
            &format!("mean CPU, irsactl / openssl, {bits} bits"),
            ratio,
            0.5,
        );
    }
}
