//! What is there when changes have been made.

use crate::plan::change::Change;
use crate::plan::document::{CACHE_CONTROL, CONTENT_TYPE, Document, ENCRYPTION};
use crate::plan::observed::{Bucket, Object, Observed, Provider, Role};

impl Observed {
    /// The same with the changes made. Removals are left out: what is made or mended is meant.
    pub fn after(mut self, changes: &[Change]) -> Self {
        for change in changes {
            self.make(change);
        }
        self
    }

    fn make(&mut self, change: &Change) {
        match change.clone() {
            Change::CreateBucket { tags, .. } | Change::TagBucket { after: tags, .. } => {
                self.bucket().tags = tags;
            }
            Change::PutPublicAccessBlock { after, .. } => {
                self.bucket().public_access_block = Some(after);
            }
            Change::PutBucketPolicy { after, .. } => self.bucket().policy = Some(after),
            Change::PutObject { document, .. } => {
                let object = Some(published(&document));
                match document {
                    Document::Jwks(_) => self.bucket().jwks = object,
                    Document::Discovery(_) => self.bucket().discovery = object,
                }
            }
            Change::CreateProvider {
                audiences,
                thumbprint,
                tags,
                ..
            } => {
                self.provider = Some(Provider {
                    audiences,
                    thumbprints: thumbprint.iter().map(ToString::to_string).collect(),
                    tags,
                });
            }
            Change::TagProvider { after, .. } => self.provider().tags.extend(after),
            Change::AddAudience { audience, .. } => self.provider().audiences.push(audience),
            Change::RemoveAudience { audience, .. } => {
                self.provider().audiences.retain(|one| *one != audience);
            }
            Change::UpdateThumbprints { after, .. } => self.provider().thumbprints = after,
            Change::CreateRole { role, trust } => {
                let made = self.role(role.name);
                made.path = "/".to_owned();
                made.trust = trust;
                made.permissions_boundary = role.permissions_boundary;
                made.max_session = role.max_session;
                made.tags = role.tags;
            }
            Change::TagRole { role, after, .. } => self.role(role).tags.extend(after),
            Change::UpdateTrustPolicy { role, after, .. } => self.role(role).trust = after,
            Change::AttachPolicy { role, policy_arn } => {
                self.role(role).policy_arns.push(policy_arn);
            }
            Change::PutInlinePolicy { role, after, .. } => {
                self.role(role).inline_policy = Some(after);
            }
            Change::PutPermissionsBoundary { role, after, .. } => {
                self.role(role).permissions_boundary = Some(after);
            }
            Change::UpdateMaxSession { role, after, .. } => {
                self.role(role).max_session = Some(after);
            }
            Change::Remove(_) => {}
        }
    }

    fn bucket(&mut self) -> &mut Bucket {
        self.bucket.get_or_insert_default()
    }

    fn provider(&mut self) -> &mut Provider {
        self.provider.get_or_insert_default()
    }

    fn role(&mut self, name: String) -> &mut Role {
        self.roles.entry(name).or_default()
    }
}

fn published(document: &Document) -> Object {
    Object {
        body: document.text().into_bytes(),
        etag: String::new(),
        content_type: Some(CONTENT_TYPE.to_owned()),
        cache_control: Some(CACHE_CONTROL.to_owned()),
        encryption: Some(ENCRYPTION.to_owned()),
    }
}
