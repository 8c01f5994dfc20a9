//! What the cluster needs: kube-apiserver settings, in the form each distribution takes.
//!
//! Pure: [`settings`] says what must be set and in which order, the other files how it is written.

pub mod accepted;
pub mod cluster_api;
pub(crate) mod distributions;
pub mod echoer;
pub mod eks_anywhere;
pub mod flags;
mod json_patch;
pub mod k0s;
pub mod k3s;
pub mod kind;
pub mod kops;
pub mod kubeadm;
pub mod kubespray;
pub mod microk8s;
pub mod migration;
pub mod openshift;
pub mod rke2;
pub mod service_account;
pub mod settings;
pub mod static_pod;
pub mod talos;
mod template;
pub mod typhoon;
pub mod version;
pub mod webhook;
pub mod webhook_certificate;
