//! The distributions: each renders the settings in the form that its control-plane nodes take.
pub(crate) mod cluster_api;
pub(crate) mod eks_anywhere;
pub(crate) mod flags;
pub(crate) mod k0s;
pub(crate) mod k3s;
pub(crate) mod kind;
pub(crate) mod kops;
pub(crate) mod kubeadm;
pub(crate) mod kubespray;
pub(crate) mod microk8s;
pub(crate) mod openshift;
pub(crate) mod rke2;
pub(crate) mod static_pod;
pub(crate) mod talos;
pub(crate) mod typhoon;
