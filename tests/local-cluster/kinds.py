"""The kinds that are there."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Resource:
    api_version: str
    kind: str
    plural: str
    namespaced: bool = True
    short: str = ""

    @property
    def group(self):
        return self.api_version.rpartition("/")[0]

    @property
    def title(self):
        return f"{self.plural}.{self.group}".rstrip(".")


RBAC, CERT_MANAGER = "rbac.authorization.k8s.io/v1", "cert-manager.io/v1"
NAMESPACES = Resource("v1", "Namespace", "namespaces", False, "ns")
PODS = Resource("v1", "Pod", "pods", short="po")
SECRETS = Resource("v1", "Secret", "secrets")
SERVICES = Resource("v1", "Service", "services", short="svc")
SERVICE_ACCOUNTS = Resource("v1", "ServiceAccount", "serviceaccounts", short="sa")
DEPLOYMENTS = Resource("apps/v1", "Deployment", "deployments", short="deploy")
JOBS = Resource("batch/v1", "Job", "jobs")
ADMISSION = "admissionregistration.k8s.io/v1"
WEBHOOKS = Resource(ADMISSION, "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", False)
CERTIFICATES = Resource(CERT_MANAGER, "Certificate", "certificates", short="cert")
ISSUERS = Resource(CERT_MANAGER, "Issuer", "issuers")
CRDS = Resource(
    "apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", False, "crd"
)
RESOURCES = [
    NAMESPACES, PODS, SECRETS, SERVICES, SERVICE_ACCOUNTS, DEPLOYMENTS, JOBS, WEBHOOKS, CERTIFICATES, ISSUERS, CRDS,
    Resource("v1", "ConfigMap", "configmaps", short="cm"),
    Resource("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", short="pdb"),
    Resource(RBAC, "ClusterRole", "clusterroles", False),
    Resource(RBAC, "ClusterRoleBinding", "clusterrolebindings", False),
    Resource(RBAC, "Role", "roles"),
    Resource(RBAC, "RoleBinding", "rolebindings"),
]  # fmt: skip
