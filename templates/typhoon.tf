# kube-apiserver settings for an issuer that AWS trusts: Typhoon.
# Where:   an argument of the cluster's module.
# Files:   none: Terraform makes the signing key. Publish its public key, which the module
#          terraform-render-bootstrap gives out as service_account_public_key:
#          irsactl publish --adopt-key FILE
# Restart: not needed before 'terraform apply' of a new cluster.
# Check:   kubectl get --raw /.well-known/openid-configuration shows the issuer.
# Limits:  one issuer, and a key of its own; new clusters only.
service_account_issuer = {{ issuer }}
