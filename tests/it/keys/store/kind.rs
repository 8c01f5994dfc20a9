//! The stores, as a user and as anybody else in the account sees them.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::tenant::Tenant;

/// Keys and values.
pub(crate) type Tags = BTreeMap<&'static str, String>;

/// A store, as a user and as AWS knows it.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// The value of --key-store.
    pub(crate) flag: &'static str,
    pub(crate) put: &'static str,
    pub(crate) tag: &'static str,
    target: &'static str,
    prefix: &'static str,
}

pub(crate) const STORES: [Kind; 2] = [
    Kind {
        flag: "secretsmanager",
        put: "CreateSecret",
        tag: "TagResource",
        target: "secretsmanager",
        prefix: "",
    },
    Kind {
        flag: "ssm",
        put: "PutParameter",
        tag: "AddTagsToResource",
        target: "AmazonSSM",
        prefix: "/",
    },
];

impl Kind {
    /// The options of a command.
    pub(crate) fn options(self) -> String {
        format!("--key-store {} --cluster demo", self.flag)
    }

    /// Where the nth key is.
    pub(crate) fn name(self, number: &str) -> String {
        format!("{}irsactl/demo/signing-key{number}", self.prefix)
    }

    /// A call of anybody else.
    #[track_caller]
    pub(crate) fn call(self, tenant: &Tenant, operation: &str, body: &Value) -> Value {
        let headers = format!(
            "X-Amz-Target: {}.{operation}\r\nContent-Type: application/x-amz-json-1.1\r\n",
            self.target
        );
        let answer = tenant.call(self.flag, "POST", "/", &headers, &body.to_string());
        serde_json::from_str(&answer).unwrap_or_default()
    }

    /// Puts something there, as anybody else would.
    #[track_caller]
    pub(crate) fn put(self, tenant: &Tenant, text: &str) {
        let name = self.name("");
        let body = match self.flag {
            "ssm" => json!({ "Name": name, "Value": text, "Type": "SecureString" }),
            _ => {
                json!({ "Name": name, "SecretString": text, "ClientRequestToken": "x".repeat(32) })
            }
        };
        self.call(tenant, self.put, &body);
    }

    /// Puts a key there with tags, as whoever may create secrets would.
    #[track_caller]
    pub(crate) fn create(self, tenant: &Tenant, number: &str, text: &str, tags: &Tags) {
        let (name, tags) = (self.name(number), listed(tags));
        let body = match self.flag {
            "ssm" => json!({ "Name": name, "Value": text, "Type": "SecureString", "Tags": tags }),
            _ => {
                json!({ "Name": name, "SecretString": text, "ClientRequestToken": "z".repeat(32), "Tags": tags })
            }
        };
        self.call(tenant, self.put, &body);
    }

    /// Overwrites a key, under a version of that name where versions have names.
    #[track_caller]
    pub(crate) fn overwrite(self, tenant: &Tenant, text: &str, version: &str) {
        let name = self.name("");
        match self.flag {
            "ssm" => self.call(
                tenant,
                "PutParameter",
                &json!({ "Name": name, "Value": text, "Type": "SecureString", "Overwrite": true }),
            ),
            _ => self.call(
                tenant,
                "PutSecretValue",
                &json!({ "SecretId": name, "SecretString": text, "ClientRequestToken": version }),
            ),
        };
    }

    /// Sets tags.
    #[track_caller]
    pub(crate) fn set(self, tenant: &Tenant, number: &str, tags: &Tags) {
        let (name, tags) = (self.name(number), listed(tags));
        let body = match self.flag {
            "ssm" => json!({ "ResourceType": "Parameter", "ResourceId": name, "Tags": tags }),
            _ => json!({ "SecretId": name, "Tags": tags }),
        };
        self.call(tenant, self.tag, &body);
    }

    /// Takes a tag off.
    #[track_caller]
    pub(crate) fn untag(self, tenant: &Tenant, number: &str, tag: &str) {
        let name = self.name(number);
        match self.flag {
            "ssm" => self.call(
                tenant,
                "RemoveTagsFromResource",
                &json!({ "ResourceType": "Parameter", "ResourceId": name, "TagKeys": [tag] }),
            ),
            _ => self.call(
                tenant,
                "UntagResource",
                &json!({ "SecretId": name, "TagKeys": [tag] }),
            ),
        };
    }

    /// The tags that are there.
    #[track_caller]
    pub(crate) fn tags(self, tenant: &Tenant, number: &str) -> BTreeMap<String, String> {
        let name = self.name(number);
        let answer = match self.flag {
            "ssm" => self.call(
                tenant,
                "ListTagsForResource",
                &json!({ "ResourceType": "Parameter", "ResourceId": name }),
            )["TagList"]
                .clone(),
            _ => self.call(tenant, "DescribeSecret", &json!({ "SecretId": name }))["Tags"].clone(),
        };
        let pair = |tag: &Value| {
            let text = |member: &str| tag[member].as_str().unwrap().to_owned();
            (text("Key"), text("Value"))
        };
        answer.as_array().unwrap().iter().map(pair).collect()
    }

    /// The proof of tags, as whoever has `secret` can make it: the keys before it and its own.
    pub(crate) fn proof(self, number: &str, tags: impl Fn(&str) -> String, secret: &str) -> String {
        let mut text = format!("irsactl key\n{}\n", self.name(number));
        for tag in ["kid", "replaces", "issuer", "state"].map(|tag| format!("irsactl/{tag}")) {
            text += &format!("{tag} {}\n", tags(&tag));
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, text.as_bytes()))
    }

    /// Deletes a key at once.
    #[track_caller]
    pub(crate) fn delete(self, tenant: &Tenant, number: &str) {
        let name = self.name(number);
        match self.flag {
            "ssm" => self.call(tenant, "DeleteParameter", &json!({ "Name": name })),
            _ => self.call(
                tenant,
                "DeleteSecret",
                &json!({ "SecretId": name, "ForceDeleteWithoutRecovery": true }),
            ),
        };
    }

    /// What is there.
    #[track_caller]
    pub(crate) fn value(self, tenant: &Tenant, number: &str) -> String {
        let name = self.name(number);
        let value = match self.flag {
            "ssm" => self.call(
                tenant,
                "GetParameter",
                &json!({ "Name": name, "WithDecryption": true }),
            )["Parameter"]["Value"]
                .clone(),
            _ => self.call(tenant, "GetSecretValue", &json!({ "SecretId": name }))["SecretString"]
                .clone(),
        };
        value.as_str().unwrap().to_owned()
    }

    /// The changing calls that went to the store and were answered with success.
    pub(crate) fn changes(self, tenant: &Tenant) -> Vec<String> {
        let log = tenant.log();
        let entries = log.iter().filter(|entry| {
            entry["service"] == self.flag && entry["changing"] == true && entry["status"] == 200
        });
        entries
            .map(|entry| entry["operation"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// Tags as both stores take them.
fn listed(tags: &Tags) -> Vec<Value> {
    tags.iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect()
}

/// As a new job finds it.
pub(crate) fn lose_disk(tenant: &Tenant) {
    tenant.shell("rm -rf issuer");
}
