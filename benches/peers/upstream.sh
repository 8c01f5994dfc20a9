#!/usr/bin/env bash
# The recipe of the guides (amazon-eks-pod-identity-webhook, SELF_HOSTED_SETUP.md) with what has to be
# different today: a bucket policy in place of ACLs, and openssl and jq in place of a Go program.
# upstream.sh BUCKET THUMBPRINT|-: the key pair is in issuer/; - reads the thumbprint with openssl.
set -euo pipefail
bucket=$1 thumbprint=$2
export AWS_DEFAULT_REGION=$AWS_REGION
host=$bucket.s3.$AWS_REGION.amazonaws.com
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

kid=$(openssl pkey -pubin -in issuer/sa-signer.pub -outform DER | openssl dgst -sha256 -binary | basenc --base64url -w0 | tr -d =)
n=$(openssl rsa -pubin -in issuer/sa-signer.pub -noout -modulus | cut -d= -f2 | basenc --base16 -d | basenc --base64url -w0 | tr -d =)
jq -n --arg kid "$kid" --arg n "$n" \
  '{keys: [{kty: "RSA", use: "sig", alg: "RS256", kid: $kid, n: $n, e: "AQAB"}]}' > "$work/keys.json"
jq -n --arg issuer "https://$host" '{
  issuer: $issuer, jwks_uri: ($issuer + "/keys.json"),
  authorization_endpoint: "urn:kubernetes:programmatic_authorization",
  response_types_supported: ["id_token"], subject_types_supported: ["public"],
  id_token_signing_alg_values_supported: ["RS256"], claims_supported: ["sub", "iss"]}' > "$work/discovery.json"
jq -n --arg bucket "$bucket" '{Version: "2012-10-17", Statement: [{
  Effect: "Allow", Principal: "*", Action: "s3:GetObject",
  Resource: ["arn:aws:s3:::\($bucket)/keys.json", "arn:aws:s3:::\($bucket)/.well-known/openid-configuration"]}]}' > "$work/policy.json"

aws s3api create-bucket --bucket "$bucket" --create-bucket-configuration "LocationConstraint=$AWS_REGION"
aws s3api put-public-access-block --bucket "$bucket" --public-access-block-configuration \
  BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=false,RestrictPublicBuckets=false
aws s3api put-bucket-policy --bucket "$bucket" --policy "file://$work/policy.json"
aws s3 cp --content-type application/json "$work/keys.json" "s3://$bucket/keys.json"
aws s3 cp --content-type application/json "$work/discovery.json" "s3://$bucket/.well-known/openid-configuration"
if [[ $thumbprint == - ]]; then
  thumbprint=$(openssl s_client -proxy "${HTTPS_PROXY#http://}" -connect "$host:443" -servername "$host" -showcerts < /dev/null 2> /dev/null |
    awk '/BEGIN CERT/{last = ""} {last = last $0 "\n"} END {printf "%s", last}' |
    sed -n '/BEGIN CERT/,/END CERT/p' | openssl x509 -outform DER | openssl dgst -sha1 -r | cut -d' ' -f1)
fi
aws iam create-open-id-connect-provider --url "https://$host" --client-id-list sts.amazonaws.com \
  --thumbprint-list "$thumbprint"
