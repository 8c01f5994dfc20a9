//! Where a plan would be carried out.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

/// Where a plan would be carried out.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Target {
    /// The account.
    pub account: String,
    /// The region of the bucket.
    pub region: String,
    /// The caller's ARN; none when offline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// The overridden endpoints, by service.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub endpoints: BTreeMap<&'static str, String>,
}

impl Target {
    /// The overridden endpoints, and the services that are there.
    pub(super) fn by_url(&self) -> BTreeMap<&str, String> {
        let mut by_url: BTreeMap<&str, String> = BTreeMap::new();
        for (service, url) in &self.endpoints {
            let services = by_url.entry(url).or_default();
            if !services.is_empty() {
                *services += ", ";
            }
            *services += service;
        }
        by_url
    }
}
