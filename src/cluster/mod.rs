//! What the cluster needs: kube-apiserver settings, in the form each distribution takes.
//!
//! Pure: [`settings`] says what must be set and in which order, the other files how it is written.

pub mod echoer;
pub mod flags;
pub mod kubeadm;
pub mod service_account;
pub mod settings;
mod template;
pub mod webhook;
pub mod webhook_certificate;
