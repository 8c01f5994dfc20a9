"""S3: the rules that stand between a request and the bucket that moto keeps."""

import base64
import hashlib
import json
import re
import zlib

from moto.s3.models import s3_backends

import accounts
import bucket_policy
import public_access
from answer import Answer, AwsError, parse_xml, xml_answer
from moto_backend import forward

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d|EU")
BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
RESERVED_NAME = re.compile(
    r"(xn--|sthree-|amzn-s3-demo-).*|.*(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)"
    r"|.*\.\..*|\d+\.\d+\.\d+\.\d+")
ACL_HEADERS = ("x-amz-acl", "x-amz-grant-full-control", "x-amz-grant-read", "x-amz-grant-write",
               "x-amz-grant-read-acp", "x-amz-grant-write-acp")
# Operations that IAM knows under another name (Service Authorization Reference, "Amazon S3").
ACTIONS = {"HeadObject": "GetObject", "HeadBucket": "ListBucket", "ListObjects": "ListBucket",
           "ListObjectsV2": "ListBucket", "DeleteObjects": "DeleteObject",
           "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
           "PutPublicAccessBlock": "PutBucketPublicAccessBlock"}
KMS_NEEDS_SIGNATURE = ("Requests specifying Server Side Encryption with AWS KMS managed keys "
                       "require AWS Signature Version 4.")
DENIED = (403, "AccessDenied", "Access Denied")


def answer(request, _issuers):
    if not request.bucket:
        if request.anonymous:
            raise AwsError(*DENIED)
        return forward(request, request.account)
    if request.operation == "CreateBucket":
        return create_bucket(request)
    if request.operation == "Unknown":
        raise AwsError(501, "NotImplemented", "A header you provided implies functionality that "
                       "is not implemented.")
    bucket = find(request.bucket)
    if bucket is None:
        raise AwsError(404, "NoSuchBucket", "The specified bucket does not exist")
    _check_region(request, bucket)
    if request.account != bucket.account_id:
        return _answer_stranger(request, bucket)
    owner = request.headers.get("x-amz-expected-bucket-owner", bucket.account_id)
    if owner != bucket.account_id:
        raise AwsError(*DENIED)
    _check_acl(request, bucket)
    own = OPERATIONS.get(request.operation)
    return own(request, bucket) if own else forward(request, bucket.account_id, bucket.region_name)


def find(name):
    if name not in s3_backends.bucket_accounts:
        return None
    partition, account = s3_backends.bucket_accounts[name]
    return s3_backends[account][partition].buckets[name]


def _check_region(request, bucket):
    header = {"x-amz-bucket-region": bucket.region_name}
    if request.region not in (None, bucket.region_name):
        raise AwsError(301, "PermanentRedirect", "The bucket you are attempting to access must be "
                       "addressed using the specified endpoint. Please send all future requests "
                       "to this endpoint.", header)
    if request.scope_region not in (None, bucket.region_name):
        raise AwsError(400, "AuthorizationHeaderMalformed", "The authorization header is malformed; "
                       f"the region '{request.scope_region}' is wrong; expecting "
                       f"'{bucket.region_name}'", header)


def _answer_stranger(request, bucket):
    """Anonymous callers and other accounts have only what the policy gives to all."""
    name = request.operation
    action = "s3:" + ACTIONS.get(name, name)
    if not _open_to_all(bucket, action, request.key, request.secure):
        raise AwsError(*DENIED, {"x-amz-bucket-region": bucket.region_name})
    if name in ("GetObject", "HeadObject"):
        found = s3_backends[bucket.account_id][bucket.partition].get_object(
            bucket.name, request.key)
        if found is None and not _open_to_all(bucket, "s3:ListBucket", None, request.secure):
            raise AwsError(*DENIED)
        if found and found.encryption == "aws:kms" and request.anonymous:
            raise AwsError(400, "InvalidArgument", KMS_NEEDS_SIGNATURE)
    return forward(request, bucket.account_id, bucket.region_name)


def _open_to_all(bucket, action, key, secure):
    policy = bucket.local_policy
    if policy is None:
        return False
    policy = json.loads(policy)
    block = public_access.effective(bucket.local_block, bucket.account_id)
    if block["RestrictPublicBuckets"] and bucket_policy.is_public(policy):
        return False
    arn = f"arn:{bucket.partition}:s3:::{bucket.name}" + (f"/{key}" if key else "")
    return bucket_policy.allows_everyone(policy, action, arn, secure)


def _check_acl(request, bucket):
    acl = request.headers.get("x-amz-acl")
    asks = request.operation in ("PutBucketAcl", "PutObjectAcl") or any(
        header in request.headers for header in ACL_HEADERS)
    if not asks or acl == "bucket-owner-full-control":
        return
    if bucket.ownership_rule == "BucketOwnerEnforced":
        raise AwsError(400, "AccessControlListNotSupported", "The bucket does not allow ACLs")
    block = public_access.effective(bucket.local_block, bucket.account_id)
    if block["BlockPublicAcls"] and (acl or "").startswith("public"):
        raise AwsError(*DENIED)


def create_bucket(request):
    if request.anonymous:
        raise AwsError(*DENIED)
    region, tags = _read_configuration(request)
    _check_name(request, region)
    ownership = request.headers.get("x-amz-object-ownership", "BucketOwnerEnforced")
    if ownership == "BucketOwnerEnforced" and request.headers.get("x-amz-acl", "private") != "private":
        raise AwsError(400, "InvalidBucketAclWithObjectOwnership", "Bucket cannot have ACLs set "
                       "with ObjectOwnership's BucketOwnerEnforced setting")
    arn = f"arn:{request.partition}:s3:::{request.bucket}"
    created = Answer(200, {"Location": f"/{request.bucket}", "x-amz-bucket-arn": arn})
    if existing := find(request.bucket):
        if existing.account_id != request.account:
            raise AwsError(409, "BucketAlreadyExists", "The requested bucket name is not available. "
                           "The bucket namespace is shared by all users of the system. Please "
                           "select a different name and try again.")
        if existing.region_name == region == "us-east-1":
            return created
        raise AwsError(409, "BucketAlreadyOwnedByYou", "Your previous request to create the named "
                       "bucket succeeded and you already own it.")
    backend = s3_backends[request.account][request.partition]
    bucket = backend.create_bucket(request.bucket, region)
    bucket.local_policy, bucket.local_block = None, public_access.all_on()
    bucket.ownership_rule = ownership
    bucket.encryption = {"Rule": {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
        "BucketKeyEnabled": "false",
    }}
    if tags:
        backend.put_bucket_tagging(request.bucket, tags)
    return created


def _read_configuration(request):
    """The region to create in, and the tags."""
    region, constraint, tags = request.region or "us-east-1", None, {}
    if request.body.strip():
        root = parse_xml(request.body)
        constraint = root.findtext("LocationConstraint")
        tags = {tag.findtext("Key"): tag.findtext("Value") or "" for tag in root.iter("Tag")}
    if constraint and (constraint == "us-east-1" or not REGION.fullmatch(constraint)):
        raise AwsError(400, "InvalidLocationConstraint",
                       "The specified location-constraint is not valid")
    if region == "us-east-1":
        return constraint or region, tags
    if constraint != region:
        raise AwsError(400, "IllegalLocationConstraintException", f"The {constraint or 'unspecified'} "
                       "location constraint is incompatible for the region specific endpoint this "
                       "request was sent to.")
    return region, tags


def _check_name(request, region):
    name = request.bucket
    if request.headers.get("x-amz-bucket-namespace") == "account-regional":
        fits = name.endswith(f"-{request.account}-{region}-an")
    else:
        fits = not name.endswith("-an")
    if not (fits and BUCKET_NAME.fullmatch(name)) or RESERVED_NAME.fullmatch(name):
        raise AwsError(400, "InvalidBucketName", "The specified bucket is not valid.")


def _head_bucket(_request, bucket):
    return Answer(200, {"x-amz-bucket-region": bucket.region_name, "Content-Type": "application/xml"})


def _put_policy(request, bucket):
    policy = bucket_policy.parse(request.body, bucket.name, bucket.partition)
    block = public_access.effective(bucket.local_block, bucket.account_id)
    if block["BlockPublicPolicy"] and bucket_policy.is_public(policy):
        arn = accounts.caller(request.access_key, bucket.partition)[0]
        raise AwsError(403, "AccessDenied", f"User: {arn} is not authorized to perform: "
                       f's3:PutBucketPolicy on resource: "arn:{bucket.partition}:s3:::{bucket.name}" '
                       "because public policies are prevented by the BlockPublicPolicy setting in "
                       "S3 Block Public Access.")
    bucket.local_policy = request.body
    return Answer(204)


def _get_policy(_request, bucket):
    if bucket.local_policy is None:
        raise AwsError(404, "NoSuchBucketPolicy", "The bucket policy does not exist")
    return Answer(200, {"Content-Type": "application/json"}, bucket.local_policy)


def _get_policy_status(request, bucket):
    policy = json.loads(_get_policy(request, bucket).body)
    public = str(bucket_policy.is_public(policy)).lower()
    return xml_answer(f'<PolicyStatus xmlns="{NAMESPACE}"><IsPublic>{public}</IsPublic></PolicyStatus>')


def _delete_policy(_request, bucket):
    bucket.local_policy = None
    return Answer(204)


def _get_block(_request, bucket):
    return public_access.render(bucket.local_block, NAMESPACE)


def _put_block(request, bucket):
    bucket.local_block = public_access.parse(request.body)
    return Answer(200)


def _delete_block(_request, bucket):
    bucket.local_block = None
    return Answer(204)


def _put_object(request, bucket):
    if "aws-chunked" not in request.headers.get("content-encoding", ""):
        _check_digests(request)
    return forward(request, bucket.account_id, bucket.region_name)


def _check_digests(request):
    body = request.body
    digests = {
        "content-md5": lambda: hashlib.md5(body).digest(),
        "x-amz-checksum-sha1": lambda: hashlib.sha1(body).digest(),
        "x-amz-checksum-sha256": lambda: hashlib.sha256(body).digest(),
        "x-amz-checksum-crc32": lambda: zlib.crc32(body).to_bytes(4, "big"),
    }
    for header, digest in digests.items():
        given = request.headers.get(header)
        if given is not None and given != base64.b64encode(digest()).decode():
            raise AwsError(400, "BadDigest", f"The {header} you specified did not match what we received.")


OPERATIONS = {
    "HeadBucket": _head_bucket,
    "PutBucketPolicy": _put_policy,
    "GetBucketPolicy": _get_policy,
    "GetBucketPolicyStatus": _get_policy_status,
    "DeleteBucketPolicy": _delete_policy,
    "GetPublicAccessBlock": _get_block,
    "PutPublicAccessBlock": _put_block,
    "DeletePublicAccessBlock": _delete_block,
    "PutObject": _put_object,
}
