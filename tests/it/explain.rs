//! What a pasted message means.

use crate::tenant::Tenant;

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
    tenant
        .irsactl("explain nonsense")
        .fails(1, &["cannot explain this message", "known are: "]);
}
