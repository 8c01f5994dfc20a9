//! OpenShift: the Authentication resource. Its operator trusts the previous issuer for 24 hours by itself
//! (openshift/cluster-kube-apiserver-operator, `ObserveServiceAccountIssuer`; OpenShift documentation,
//! "Configuring bound service account tokens using volume projection").

use crate::cluster::settings::{ApiServerSettings, Order};
use crate::cluster::template::{common, render as render_template};
use crate::error::{Error, Result};

const TEMPLATE: &str = include_str!("../../../templates/openshift.yaml");

/// The resource as YAML.
pub(crate) fn render(settings: &ApiServerSettings) -> Result<String> {
    let existing = settings.existing();
    if existing.len() > 1 {
        settings.refuse_existing(
            "OpenShift",
            "its operator trusts the current issuer for 24 hours after a change, and takes no list",
            "give the current issuer alone",
        )?;
    }
    if settings.order == Order::NewLast {
        return Err(
            Error::refused("cannot accept a second issuer in the form for OpenShift")
                .because("its operator takes one issuer, which signs at once")
                .hint(
                    "it needs no such stage: it trusts the previous issuer for 24 hours by itself",
                ),
        );
    }
    settings.refuse_audiences("OpenShift", "its operator sets the audiences")?;
    render_template(TEMPLATE, common(settings))
}
