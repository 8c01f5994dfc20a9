"""The four flags of S3 Block Public Access, of a bucket or an account."""

from answer import AwsError, element, parse_xml, xml_answer

FLAGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")

# Account-level blocks, by account.
account_blocks = {}


def all_on():
    return dict.fromkeys(FLAGS, True)


def parse(body):
    given = {child.tag: (child.text or "").strip() for child in parse_xml(body)}
    return {flag: given.get(flag) == "true" for flag in FLAGS}


def render(block, namespace):
    if block is None:
        raise AwsError(404, "NoSuchPublicAccessBlockConfiguration",
                       "The public access block configuration was not found")
    flags = "".join(element(flag, str(block[flag]).lower()) for flag in FLAGS)
    return xml_answer(f'<PublicAccessBlockConfiguration xmlns="{namespace}">{flags}'
                      "</PublicAccessBlockConfiguration>")


def effective(bucket_block, account):
    """The more restrictive of bucket and account, flag by flag."""
    blocks = [block for block in (bucket_block, account_blocks.get(account)) if block]
    return {flag: any(block[flag] for block in blocks) for flag in FLAGS}
