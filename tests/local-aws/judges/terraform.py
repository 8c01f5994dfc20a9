"""A judge written by others: what do these Terraform resources say, and does the AWS provider know their arguments?

    terraform.py WHEEL < issuer.tf

parses with python-hcl2, and looks the arguments up in pulumi-aws, whose Python classes are generated from the schema of
Terraform's AWS provider. Prints {"resources": {ADDRESS: {ARGUMENT: VALUE}}, "imports": {ADDRESS: ID}, "faults": [...]}.
"""

import ast
import json
import sys
import zipfile

import hcl2
from hcl2.utils import SerializationOptions

# Where Pulumi keeps what Terraform calls so.
CLASSES = {
    "aws_s3_bucket": ("s3/bucket.py", "BucketArgs"),
    "aws_s3_bucket_public_access_block": ("s3/bucket_public_access_block.py", "BucketPublicAccessBlockArgs"),
    "aws_s3_bucket_policy": ("s3/bucket_policy.py", "BucketPolicyArgs"),
    "aws_s3_object": ("s3/bucket_objectv2.py", "BucketObjectv2Args"),
    "aws_iam_openid_connect_provider": ("iam/open_id_connect_provider.py", "OpenIdConnectProviderArgs"),
    "aws_iam_role": ("iam/role.py", "RoleArgs"),
    "aws_iam_role_policy": ("iam/role_policy.py", "RolePolicyArgs"),
    "aws_iam_role_policy_attachment": ("iam/role_policy_attachment.py", "RolePolicyAttachmentArgs"),
}
# Terraform's own, in every resource.
META = {"depends_on", "lifecycle"}


def arguments(wheel, kind):
    """The arguments of a resource: their types, and those that it must have. Lists are plural in Pulumi."""
    path, name = CLASSES[kind]
    module = ast.parse(wheel.read(f"pulumi_aws/{path}"))
    (found,) = [node for node in module.body if isinstance(node, ast.ClassDef) and node.name == name]
    init = next(node for node in found.body if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    types = {one.arg: ast.unparse(one.annotation) for one in init.args.kwonlyargs}
    required = {one.arg for one, default in zip(init.args.kwonlyargs, init.args.kw_defaults) if default is None}
    return types, required


def fits(value, annotation):
    if isinstance(value, list):
        return "Sequence[" in annotation
    if isinstance(value, dict):
        return "Mapping[" in annotation
    expected = {bool: "_builtins.bool", int: "_builtins.int", str: "_builtins.str"}[type(value)]
    return expected in annotation and "Sequence[" not in annotation and "Mapping[" not in annotation


def literal(value):
    """A value as Terraform reads it: heredocs with all their lines, and no escapes."""
    if isinstance(value, list):
        return [literal(item) for item in value]
    if isinstance(value, dict):
        return {key.strip('"'): literal(item) for key, item in value.items()}
    if not isinstance(value, str):
        return value
    if value.startswith("<<EOT\n"):
        value = value.removeprefix("<<EOT\n").removesuffix("EOT")
    return value.replace("$${", "${").replace("%%{", "%{")


def main(wheel):
    options = SerializationOptions(with_comments=False, explicit_blocks=False, strip_string_quotes=True)
    file = hcl2.load(sys.stdin, serialization_options=options)
    resources, faults = {}, []
    for block in file["resource"]:
        ((kind, named),) = block.items()
        ((label, body),) = named.items()
        address = f"{kind}.{label}"
        if address in resources:
            faults.append(f"{address} is there twice")
        resources[address] = literal(body)
        types, required = arguments(wheel, kind)
        named = {}
        for name, value in resources[address].items():
            if name in META:
                continue
            argument = f"{name}s" if isinstance(value, list) else name
            named[argument] = value
            if argument not in types:
                faults.append(f"{address}: no argument {name}")
            elif not fits(value, types[argument]):
                faults.append(f"{address}: {name} is {types[argument]}")
        faults += [f"{address}: no {name}" for name in sorted(required - named.keys())]
    imports = {block["to"].removeprefix("${").removesuffix("}"): literal(block["id"]) for block in file.get("import", [])}
    print(json.dumps({"resources": resources, "imports": imports, "faults": faults}))


if __name__ == "__main__":
    main(zipfile.ZipFile(sys.argv[1]))
