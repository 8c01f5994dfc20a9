//! A role as flags or the cluster file ask for it, checked before any call, then resolved.

use crate::aws::partition;
use crate::cluster::service_account::{RoleBinding, annotated, projected_volume};
use crate::config::Global;
use crate::config::file::RoleSpec;
use crate::error::{Error, Result};
use crate::iam::arn::{self, AccountId};
use crate::iam::role::{Trust, default_name, is_like};
use crate::oidc::issuer::Issuer;
use crate::oidc::subject::Subject;
use crate::output;
use crate::plan::desired::Role;
use crate::plan::tags::Tags;

/// A role that can be made in any account.
#[derive(Debug)]
pub(crate) struct WantedRole {
    spec: RoleSpec,
    name: String,
    subjects: Vec<String>,
    audience: String,
}

impl WantedRole {
    /// Refuses what cannot do in any account. `audience` is for a role that names none.
    pub(crate) fn check(spec: RoleSpec, cluster: Option<&str>, audience: &str) -> Result<Self> {
        if spec.service_accounts.is_empty() {
            return Err(Error::usage("cannot make a role that nobody may assume")
                .hint("list its serviceAccounts"));
        }
        let subjects = spec
            .service_accounts
            .iter()
            .map(|text| subject(text, spec.allow_wildcard))
            .collect::<Result<Vec<_>>>()?;
        let name = match &spec.name {
            Some(name) => checked("role name", name, role_name)?,
            None => default(cluster, spec.service_accounts.first())?,
        };
        for policy in spec.policy_arns.iter().chain(&spec.permissions_boundary) {
            checked("policy", policy, policy_arn)?;
        }
        if let Some(policy) = &spec.inline_policy
            && policy.get("Statement").is_none()
        {
            return Err(
                Error::usage(format!("cannot use the inline policy of role {name}"))
                    .because("it has no Statement"),
            );
        }
        if let Some(seconds) = spec.max_session_duration
            && !(3600..=43_200).contains(&seconds)
        {
            return Err(
                Error::usage(format!("cannot use {seconds} s as the longest session"))
                    .because("IAM takes 3600 to 43200"),
            );
        }
        Ok(Self {
            audience: spec.audience.clone().unwrap_or_else(|| audience.to_owned()),
            spec,
            name,
            subjects,
        })
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is for this subject.
    pub(crate) fn trusts(&self, subject: &str) -> bool {
        self.subjects.iter().any(|one| is_like(one, subject))
    }

    /// Its ARN.
    pub(crate) fn arn(&self, account: &AccountId, region: &str) -> Result<String> {
        let partition = partition::of_region(region)?;
        Ok(arn::role(&partition, account, &self.name))
    }

    /// Whom it trusts.
    pub(crate) fn trust(
        &self,
        issuer: &Issuer,
        account: &AccountId,
        region: &str,
    ) -> Result<Trust> {
        let partition = partition::of_region(region)?;
        Ok(Trust {
            provider_arn: arn::provider(&partition, account, issuer.host_path()),
            host_path: issuer.host_path().to_owned(),
            subjects: self.subjects.clone(),
            audience: self.audience.clone(),
            wildcard: self.subjects.iter().any(|subject| subject.contains('*')),
        })
    }

    /// All of it.
    pub(crate) fn role(
        &self,
        issuer: &Issuer,
        account: &AccountId,
        region: &str,
        tags: Tags,
    ) -> Result<Role> {
        Ok(Role {
            name: self.name.clone(),
            trust: self.trust(issuer, account, region)?,
            policy_arns: self.spec.policy_arns.clone(),
            inline_policy: self.spec.inline_policy.clone(),
            permissions_boundary: self.spec.permissions_boundary.clone(),
            max_session: self.spec.max_session_duration,
            tags,
        })
    }

    /// A document for each service account that has a name.
    pub(crate) fn manifests(
        &self,
        role_arn: &str,
        region: &str,
        without_webhook: bool,
    ) -> Result<Vec<String>> {
        let binding = RoleBinding {
            role_arn,
            audience: &self.audience,
            region,
        };
        let named = self
            .subjects
            .iter()
            .filter_map(|subject| subject.parse::<Subject>().ok());
        named
            .map(|subject| {
                if !without_webhook {
                    annotated(&subject, &binding)
                } else {
                    projected_volume(&subject, &binding)
                }
            })
            .collect()
    }
}

fn checked(
    what: &str,
    text: &str,
    check: fn(&str) -> std::result::Result<String, String>,
) -> Result<String> {
    check(text).map_err(|cause| {
        Error::usage(format!(
            "cannot use '{}' as the {what}",
            output::sanitized(text)
        ))
        .because(cause)
    })
}

/// A subject; one with a wildcard is not a service account of its own.
fn subject(text: &str, allow_wildcard: bool) -> Result<String> {
    let cannot = || {
        Error::usage(format!(
            "cannot trust service account '{}'",
            output::sanitized(text)
        ))
    };
    let pattern = text.contains('*');
    if pattern && !allow_wildcard {
        return Err(cannot()
            .because("a wildcard lets every service account that matches assume the role, also those of tomorrow")
            .hint("name each one, or give --allow-wildcard (allowWildcard in the cluster file)"));
    }
    // A pattern is checked with its stars replaced by a letter.
    let checked: Subject = text
        .replace('*', "x")
        .parse()
        .map_err(|e| cannot().because(e))?;
    if pattern {
        output::say(
            "warning: every service account that matches can assume the role, also those of tomorrow",
        );
    }
    Ok(match (pattern, text.split_once('/')) {
        (false, _) => checked.to_string(),
        (true, Some((namespace, name))) => format!("system:serviceaccount:{namespace}:{name}"),
        (true, None) => text.to_owned(),
    })
}

fn default(cluster: Option<&str>, first: Option<&String>) -> Result<String> {
    match (cluster, first.and_then(|text| text.parse::<Subject>().ok())) {
        (Some(cluster), Some(subject)) => {
            let (namespace, name) = subject.parts();
            Ok(default_name(cluster, namespace, name))
        }
        _ => Err(Error::usage("cannot name the role")
            .hint("give --name, or --cluster and a service account without a wildcard")),
    }
}

/// IAM's rule for role names (CreateRole, `RoleName`).
pub(crate) fn role_name(text: &str) -> std::result::Result<String, String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("a role name has 1 to 64 letters, digits and _ + = , . @ -".to_owned())
    }
}

/// A managed policy, by its ARN.
pub(crate) fn policy_arn(text: &str) -> std::result::Result<String, String> {
    if text.starts_with("arn:")
        && text.contains(":policy/")
        && text.bytes().all(|b| b.is_ascii_graphic())
    {
        Ok(text.to_owned())
    } else {
        Err("it is the ARN of a managed policy, arn:PARTITION:iam::ACCOUNT:policy/NAME".to_owned())
    }
}

/// The audience that STS wants where nothing else is said.
pub(crate) const AUDIENCE: &str = "sts.amazonaws.com";

/// The roles of the cluster file.
pub(crate) fn of_file(global: &Global, cluster: Option<&str>) -> Result<Vec<WantedRole>> {
    let Some(file) = &global.layers.file else {
        return Ok(Vec::new());
    };
    let audience = file.spec.audiences.first().map_or(AUDIENCE, String::as_str);
    let roles = file.spec.roles.iter().cloned();
    let wanted = roles
        .map(|spec| WantedRole::check(spec, cluster, audience))
        .collect::<Result<Vec<_>>>()?;
    let mut names: Vec<&str> = wanted.iter().map(WantedRole::name).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Error::usage(format!(
            "cannot make two roles called {} from {}",
            pair[0],
            output::path(&file.path)
        ))
        .hint("list the service accounts of one role together, or name the roles")),
        None => Ok(wanted),
    }
}
