//! What a pasted message means.

use crate::support::tenant::Tenant;

#[test]
fn a_pasted_message_is_explained() {
    let tenant = Tenant::new();
    let binary = env!("CARGO_BIN_EXE_irsactl");
    let shown = tenant.shell(&format!(
        "echo 'x: Incorrect token  audience' | {binary} explain -"
    ));
    assert!(
        shown.contains("1. the token's audience is not a client ID"),
        "{shown}"
    );
    let unknown = tenant.irsactl("explain nonsense");
    assert!(!unknown.stderr.contains("closest match"), "{unknown:#?}");
    unknown.fails(
        1,
        &[
            "cannot explain this message",
            "as AWS or kube-apiserver wrote it",
        ],
    );
    let near = tenant.irsactl("explain audience-of-this-token-is-wrong");
    assert_eq!(near.stderr.matches("closest match").count(), 3, "{near:#?}");
    near.fails(1, &["closest match: Incorrect token audience"]);
}

#[test]
fn a_message_is_found_in_a_log_of_any_bytes() {
    let tenant = Tenant::new();
    let explained = tenant.shell(&format!(
        "(head -c 70000 /dev/zero | tr '\\0' x; printf '\\377 invalid bearer token'; head -c 9 /dev/urandom) | {} explain -",
        env!("CARGO_BIN_EXE_irsactl")
    ));
    assert!(explained.starts_with("invalid bearer token"), "{explained}");
}
