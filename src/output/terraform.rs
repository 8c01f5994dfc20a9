//! An issuer as Terraform's resources, with blocks that import what is there.
//!
//! The arguments are those of the AWS provider's documentation, version 6.37, which is the first that makes
//! buckets in the account-regional namespace.

use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::output::hcl::{Block, list, string};
use crate::output::sanitize::escaped_json;
use crate::plan::desired::{Desired, INLINE_POLICY, Provider, Publication, Role};
use crate::plan::document::{CACHE_CONTROL, CONTENT_TYPE, ENCRYPTION, json_text};
use crate::plan::observed::{self, Bucket, Object, Observed};

/// A resource, and what Terraform's import takes for it.
#[derive(Serialize, schemars::JsonSchema)]
pub struct Resource {
    /// Its address, such as aws_s3_bucket.issuer.
    pub address: String,
    /// The provider's name for what is there, or is to be.
    pub id: String,
    /// Whether there is a block that imports it.
    pub imported: bool,
    #[serde(skip)]
    text: String,
}

/// The resources, in the order in which they depend on one another. Those that are among `imports` get a block
/// that imports them.
pub fn resources(
    desired: &Desired,
    state: &Observed,
    imports: Option<&Observed>,
) -> Result<Vec<Resource>> {
    let mut file = File {
        resources: Vec::new(),
        imports,
    };
    if let (Some(publication), Some(bucket)) = (&desired.publication, &state.bucket) {
        file.bucket(publication, bucket)?;
    }
    if let (Some(provider), Some(found)) = (&desired.provider, &state.provider) {
        file.provider(provider, found);
    }
    for role in &desired.roles {
        if let Some(found) = state.roles.get(&role.name) {
            file.role(role, found);
        }
    }
    Ok(file.resources)
}

/// The whole file.
pub fn text(heading: &str, resources: &[Resource]) -> String {
    let aws = [
        ("source", string("hashicorp/aws")),
        ("version", string(">= 6.37")),
    ];
    let aws: Vec<String> = aws
        .iter()
        .map(|(name, value)| format!("  {name:7} = {value}\n"))
        .collect();
    let required = Block::new("required_providers", &[])
        .attributes(&[("aws", format!("{{\n{}}}", aws.concat()))]);
    let terraform = Block::new("terraform", &[])
        .attributes(&[("required_version", string(">= 1.5"))])
        .block("", &required);
    let mut text = format!("{heading}\n{}", terraform.render());
    for resource in resources {
        text += "\n";
        text += &resource.text;
        if resource.imported {
            let import = Block::new("import", &[]).attributes(&[
                ("to", resource.address.clone()),
                ("id", string(&resource.id)),
            ]);
            text += &format!("\n{}", import.render());
        }
    }
    text
}

struct File<'a> {
    resources: Vec<Resource>,
    imports: Option<&'a Observed>,
}

/// The longest session of a role for which nobody says another (IAM `CreateRole`, `MaxSessionDuration`).
const DEFAULT_SESSION: i32 = 3600;

/// The label of what an issuer has one of.
const ISSUER: &str = "issuer";

impl File<'_> {
    /// Adds a resource. `is_there` says whether it is.
    fn add(
        &mut self,
        kind: &str,
        label: &str,
        id: String,
        is_there: impl Fn(&Observed) -> bool,
        body: impl FnOnce(Block) -> Block,
    ) -> String {
        let address = |label: &str| format!("{kind}.{label}");
        let is_taken = |label: &str| {
            let mut resources = self.resources.iter();
            resources.any(|resource| resource.address == address(label))
        };
        // Names that differ in what a label cannot say get a number.
        let labels = std::iter::once(label.to_owned())
            .chain((2..).map(|number: u32| format!("{label}_{number}")));
        let label = labels.into_iter().find(|label| !is_taken(label));
        let label = label.unwrap_or_default();
        let address = address(&label);
        self.resources.push(Resource {
            id,
            imported: self.imports.is_some_and(is_there),
            text: body(Block::new("resource", &[kind, &label])).render(),
            address: address.clone(),
        });
        address
    }

    fn bucket(&mut self, publication: &Publication, state: &Bucket) -> Result<()> {
        let name = publication.bucket.to_string();
        let region = ("region", string(&publication.region));
        let bucket = self.add(
            "aws_s3_bucket",
            ISSUER,
            name.clone(),
            |found| found.bucket.is_some(),
            |block| {
                let mut attributes = vec![region.clone(), ("bucket", string(&name))];
                if publication.bucket.is_account_regional() {
                    attributes.push(("bucket_namespace", string("account-regional")));
                }
                let kept = Block::new("lifecycle", &[])
                    .attributes(&[("prevent_destroy", "true".to_owned())]);
                let block = block.attributes(&attributes).map("tags", &state.tags);
                block.block("Whoever takes a free name takes the issuer.", &kept)
            },
        );
        let place = [region, ("bucket", format!("{bucket}.bucket"))];
        let access = self.add(
            "aws_s3_bucket_public_access_block",
            ISSUER,
            name.clone(),
            |found| has(found, |bucket| bucket.public_access_block.is_some()),
            |block| {
                let access = state.public_access_block.unwrap_or_default();
                let switches = [
                    ("block_public_acls", access.block_public_acls),
                    ("ignore_public_acls", access.ignore_public_acls),
                    ("block_public_policy", access.block_public_policy),
                    ("restrict_public_buckets", access.restrict_public_buckets),
                ];
                let switches = switches.map(|(name, is_on)| (name, is_on.to_string()));
                block.attributes(&[place.to_vec(), switches.to_vec()].concat())
            },
        );
        let policy = self.add(
            "aws_s3_bucket_policy",
            ISSUER,
            name.clone(),
            |found| has(found, |bucket| bucket.policy.is_some()),
            |block| {
                let block = block
                    .attributes(&place)
                    .text("policy", &policy(state.policy.as_ref()));
                block.attributes(&[("depends_on", format!("[{access}]"))])
            },
        );
        let [keys, discovery] = publication.object_keys();
        type Part = fn(&Bucket) -> &Option<Object>;
        let documents: [(&str, String, Part); 2] = [
            ("keys", keys, |bucket| &bucket.jwks),
            ("discovery", discovery, |bucket| &bucket.discovery),
        ];
        for (label, key, part) in documents {
            let object = part(state).as_ref();
            let body = object.map(|object| String::from_utf8(object.body.clone()));
            let body = body.transpose().map_err(|cause| {
                Error::refused(format!("cannot write s3://{name}/{key} down")).because(cause)
            })?;
            self.add(
                "aws_s3_object",
                label,
                format!("{name}/{key}"),
                |found| has(found, |bucket| part(bucket).is_some()),
                |block| {
                    let mut attributes = place.to_vec();
                    attributes.extend([
                        ("key", string(&key)),
                        ("content_type", string(CONTENT_TYPE)),
                        ("cache_control", string(CACHE_CONTROL)),
                        ("server_side_encryption", string(ENCRYPTION)),
                    ]);
                    let block = block
                        .attributes(&attributes)
                        .text("content", &body.unwrap_or_default());
                    block.attributes(&[("depends_on", format!("[{policy}]"))])
                },
            );
        }
        Ok(())
    }

    fn provider(&mut self, provider: &Provider, state: &observed::Provider) {
        let published = self.resources.iter().filter(|resource| {
            let address = resource.address.as_str();
            address.starts_with("aws_s3_object.")
        });
        let published: Vec<&str> = published
            .map(|resource| resource.address.as_str())
            .collect();
        let depends_on = format!("[{}]", published.join(", "));
        self.add(
            "aws_iam_openid_connect_provider",
            ISSUER,
            provider.arn.clone(),
            |found| found.provider.is_some(),
            |block| {
                let mut attributes = vec![
                    ("url", string(&provider.url.to_string())),
                    ("client_id_list", list(&state.audiences)),
                ];
                if !state.thumbprints.is_empty() {
                    attributes.push(("thumbprint_list", list(&state.thumbprints)));
                }
                let block = block.attributes(&attributes).map("tags", &state.tags);
                block.attributes(&[("depends_on", depends_on)])
            },
        );
    }

    fn role(&mut self, role: &Role, state: &observed::Role) {
        let name = role.name.as_str();
        let found = |found: &Observed| found.roles.get(name).cloned();
        let address = self.add(
            "aws_iam_role",
            &label(name),
            name.to_owned(),
            |all| found(all).is_some(),
            |block| {
                let mut attributes = vec![("name", string(name))];
                attributes.extend(
                    state
                        .max_session
                        .filter(|seconds| *seconds != DEFAULT_SESSION)
                        .map(|seconds| ("max_session_duration", seconds.to_string())),
                );
                attributes.extend(
                    state
                        .permissions_boundary
                        .as_ref()
                        .map(|arn| ("permissions_boundary", string(arn))),
                );
                let trust = policy(Some(&state.trust));
                let block = block
                    .attributes(&attributes)
                    .text("assume_role_policy", &trust)
                    .map("tags", &state.tags);
                let provider = format!("[aws_iam_openid_connect_provider.{ISSUER}]");
                block.attributes(&[("depends_on", provider)])
            },
        );
        let role = ("role", format!("{address}.name"));
        for arn in &state.policy_arns {
            let policy_name = arn.rsplit('/').next().unwrap_or(arn);
            self.add(
                "aws_iam_role_policy_attachment",
                &label(&format!("{name}_{policy_name}")),
                format!("{name}/{arn}"),
                |all| found(all).is_some_and(|role| role.policy_arns.contains(arn)),
                |block| block.attributes(&[role.clone(), ("policy_arn", string(arn))]),
            );
        }
        if let Some(inline) = &state.inline_policy {
            self.add(
                "aws_iam_role_policy",
                &label(name),
                format!("{name}:{INLINE_POLICY}"),
                |all| found(all).is_some_and(|role| role.inline_policy.is_some()),
                |block| {
                    let block = block.attributes(&[("name", string(INLINE_POLICY)), role]);
                    block.text("policy", &policy(Some(inline)))
                },
            );
        }
    }
}

fn has(found: &Observed, part: impl Fn(&Bucket) -> bool) -> bool {
    found.bucket.as_ref().is_some_and(part)
}

/// A policy as text: the same to AWS whatever its spaces are.
fn policy(policy: Option<&Value>) -> String {
    policy.map_or_else(String::new, |policy| escaped_json(&json_text(policy)))
}

/// A name as Terraform's identifiers can say it.
fn label(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let label: String = name
        .chars()
        .map(|c| if allowed(c) { c } else { '_' })
        .collect();
    if label.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        label
    } else {
        format!("_{label}")
    }
}
