//! What the tests stand on: a local AWS, hosts, clusters, and working directories of their own.

pub(crate) mod host;
pub(crate) mod http;
pub(crate) mod kubectl;
pub(crate) mod linters;
pub(crate) mod local_aws;
pub(crate) mod local_cluster;
pub(crate) mod ministack;
pub(crate) mod runner;
pub(crate) mod session;
pub(crate) mod tenant;
