//! What is to be published, and where.

use clap::Args;

use crate::config::names::Place;
use crate::iam::arn::AccountId;
use crate::oidc::discovery::DiscoveryDocument;
use crate::oidc::jwks::JwkSet;
use crate::plan::desired::Publication;
use crate::plan::tags::{CLUSTER, Tags};

/// How the key joins what is published.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct KeyOptions {
    /// Publish the key beside other keys of the same cluster that are published already
    #[arg(long)]
    pub(crate) add_key: bool,
    /// Let a key of the key store that signs another issuer's tokens sign this one's: the cluster changes its
    /// issuer. Two clusters must never have one key
    #[arg(long)]
    pub(crate) move_key: bool,
}

/// The publication that is wanted.
pub(crate) fn publication(
    place: &Place,
    account: &AccountId,
    keys: JwkSet,
    options: &KeyOptions,
    mut tags: Tags,
) -> Publication {
    // A bucket can hold several clusters' issuers, so it is not one cluster's.
    tags.remove(CLUSTER);
    Publication {
        bucket: place.bucket.clone(),
        region: place.region.clone(),
        partition: place.partition.clone(),
        account: account.clone(),
        prefix: place.prefix.clone(),
        tags,
        keys,
        add_key: options.add_key,
        discovery: DiscoveryDocument::of(&place.issuer),
    }
}
