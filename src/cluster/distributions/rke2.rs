//! RKE2: K3s's own way to take arguments. It mounts every file that an argument names into the static
//! pod (rancher/rke2, `pkg/podtemplate`), so the key files need no volume.

use crate::cluster::distributions::k3s;
use crate::cluster::settings::ApiServerSettings;
use crate::error::Result;

/// The configuration as YAML.
pub(crate) fn render(settings: &ApiServerSettings) -> Result<String> {
    k3s::render_for(settings, "RKE2", "rke2", "rke2-server")
}
