//! Typhoon: the variable `service_account_issuer` of its Terraform modules, one issuer, signed for with a
//! key that Terraform makes (poseidon/typhoon#1578, poseidon/terraform-render-bootstrap#405).

use minijinja::context;

use crate::cluster::settings::ApiServerSettings;
use crate::cluster::template::render as render_template;
use crate::error::Result;

const TEMPLATE: &str = include_str!("../../../templates/typhoon.tf");

/// The argument as HCL.
pub(crate) fn render(settings: &ApiServerSettings) -> Result<String> {
    settings.refuse_existing(
        "Typhoon",
        "service_account_issuer is one value",
        "set it when the cluster is created; on one that runs, every pod must be restarted after the change",
    )?;
    settings.refuse_audiences("Typhoon", "its modules have no variable for them")?;
    // An issuer has no $ or %, so its JSON string is an HCL string too.
    render_template(TEMPLATE, context! { issuer => settings.issuer.as_str() })
}
