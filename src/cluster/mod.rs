//! What the cluster needs: kube-apiserver settings, in the form each distribution takes.
//!
//! Pure: [`settings`] says what must be set and in which order, the other files how it is written.

pub mod accepted;
pub(crate) mod distributions;
pub mod echoer;
pub(crate) mod form;
pub(crate) mod format;
pub(crate) mod image;
mod json_patch;
pub mod migration;
pub mod service_account;
pub mod settings;
mod template;
pub mod version;
pub mod webhook;
pub mod webhook_certificate;
