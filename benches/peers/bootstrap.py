"""The same steps in one process with boto3: bootstrap.py BUCKET THUMBPRINT|-; the key pair is in issuer/."""

import base64
import hashlib
import json
import os
import subprocess
import sys

import boto3
from cryptography.hazmat.primitives import serialization

bucket, thumbprint = sys.argv[1:]
region = os.environ["AWS_REGION"]
host = f"{bucket}.s3.{region}.amazonaws.com"
issuer = f"https://{host}"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


with open("issuer/sa-signer.pub", "rb") as file:
    key = serialization.load_pem_public_key(file.read())
der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
numbers = key.public_numbers()
jwk = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": base64url(hashlib.sha256(der).digest()),
       "n": base64url(numbers.n.to_bytes(key.key_size // 8, "big")), "e": "AQAB"}
discovery = {"issuer": issuer, "jwks_uri": f"{issuer}/keys.json",
             "authorization_endpoint": "urn:kubernetes:programmatic_authorization",
             "response_types_supported": ["id_token"], "subject_types_supported": ["public"],
             "id_token_signing_alg_values_supported": ["RS256"], "claims_supported": ["sub", "iss"]}
documents = {"keys.json": {"keys": [jwk]}, ".well-known/openid-configuration": discovery}
arns = [f"arn:aws:s3:::{bucket}/{name}" for name in documents]
policy = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": arns}]}

s3, iam = boto3.client("s3", region_name=region), boto3.client("iam", region_name=region)
s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={
    "BlockPublicAcls": True, "IgnorePublicAcls": True,
    "BlockPublicPolicy": False, "RestrictPublicBuckets": False})
s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
for name, document in documents.items():
    s3.put_object(Bucket=bucket, Key=name, Body=json.dumps(document), ContentType="application/json")
if thumbprint == "-":
    # Python has no way to the presented chain before 3.13.
    proxy = os.environ["HTTPS_PROXY"].removeprefix("http://")
    pem = subprocess.run(["openssl", "s_client", "-proxy", proxy, "-connect", f"{host}:443", "-showcerts"],
                         stdin=subprocess.DEVNULL, capture_output=True, check=True, text=True).stdout
    last = pem.split("-----BEGIN CERTIFICATE-----")[-1].split("-----END CERTIFICATE-----")[0]
    thumbprint = hashlib.sha1(base64.b64decode(last)).hexdigest()
iam.create_open_id_connect_provider(Url=issuer, ClientIDList=["sts.amazonaws.com"], ThumbprintList=[thumbprint])
