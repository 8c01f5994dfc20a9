//! What holds for all inputs of a kind, tried on many that a machine thinks up.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use irsactl::cluster::settings::{ApiServerSettings, NodeKey, Order};
use irsactl::iam::arn::{self, AccountId, Partition};
use irsactl::iam::bucket::BucketName;
use irsactl::iam::role::Trust;
use irsactl::iam::thumbprint::Thumbprint;
use irsactl::iam::{policy, public};
use irsactl::oidc::discovery::DiscoveryDocument;
use irsactl::oidc::issuer::Issuer;
use irsactl::oidc::jwks::JwkSet;
use irsactl::oidc::key::PublicKey;
use irsactl::oidc::signing_key::SigningKey;
use irsactl::plan::desired::{
    Audiences, Desired, Provider, PublicAccessBlock, Publication, Role, ThumbprintChoice,
};
use irsactl::plan::diff::diff;
use irsactl::plan::observed::{self, Object, Observed};
use irsactl::plan::tags::Tags;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::tenant::Offline;

static KEYS: LazyLock<Vec<PublicKey>> = LazyLock::new(|| {
    let key = || SigningKey::generate(2048).unwrap().public().unwrap();
    (0..3).map(|_| key()).collect()
});

/// One key in the forms that openssl writes: PKCS#8, PKCS#1, SPKI, a certificate.
static FORMS: LazyLock<(String, Vec<String>)> = LazyLock::new(|| {
    let work = Offline::new();
    work.shell("openssl genrsa -traditional -out pkcs1 2048 2> /dev/null");
    let forms = [
        "cat pkcs1",
        "openssl pkcs8 -topk8 -nocrypt -in pkcs1",
        "openssl rsa -in pkcs1 -pubout 2> /dev/null",
        "openssl req -x509 -key pkcs1 -subj /CN=x -days 9",
    ];
    let forms = forms.map(|line| work.shell(line)).to_vec();
    work.write("pub", &forms[2]);
    (work.kid("pub"), forms)
});

fn prefix() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("[a-zA-Z0-9._~-]{1,9}(/[a-zA-Z0-9_~-]{1,9}){0,2}").prop_filter(
        "a path",
        |prefix| {
            prefix
                .as_deref()
                .is_none_or(irsactl::oidc::issuer::is_prefix)
        },
    )
}

fn tags() -> impl Strategy<Value = Tags> {
    proptest::collection::btree_map("[a-z]{1,4}", "[a-z]{0,4}", 0..3).prop_map(|mut tags| {
        tags.insert("managed-by".to_owned(), "irsactl".to_owned());
        tags
    })
}

fn statement() -> impl Strategy<Value = Value> {
    ("[A-Za-z0-9]{0,6}", "(Allow|Deny)", "s3:[A-Z][a-z]{2,8}").prop_map(|(sid, effect, action)| {
        json!({ "Sid": sid, "Effect": effect, "Principal": "*", "Action": action, "Resource": "*" })
    })
}

fn issuer(prefix: Option<&str>) -> Issuer {
    let path = prefix
        .map(|prefix| format!("/{prefix}"))
        .unwrap_or_default();
    Issuer::parse(&format!("https://b1b.s3.us-west-2.amazonaws.com{path}")).unwrap()
}

prop_compose! {
    fn desired()(
        prefix in prefix(), tags in tags(), keys in 1..3usize, exactly in any::<bool>(),
        thumbprint in "[0-9a-f]{40}", subjects in proptest::collection::vec("system:serviceaccount:[a-z]{1,5}:[a-z]{1,5}", 1..3),
        policies in proptest::collection::btree_set("arn:aws:iam::aws:policy/[A-Z]{1,3}", 0..3),
    ) -> Desired {
        let account: AccountId = "111122223333".parse().unwrap();
        let partition = Partition("aws".to_owned());
        let issuer = issuer(prefix.as_deref());
        let provider_arn = arn::provider(&partition, &account, issuer.host_path());
        Desired {
            publication: Some(Publication {
                bucket: BucketName::parse("b1b", None, "us-west-2").unwrap(),
                region: "us-west-2".to_owned(),
                partition,
                account,
                prefix,
                tags: tags.clone(),
                keys: JwkSet::of(&KEYS[..keys]).unwrap(),
                add_key: true,
                discovery: DiscoveryDocument::of(&issuer),
            }),
            provider: Some(Provider {
                arn: provider_arn.clone(),
                url: issuer.clone(),
                audiences: match exactly {
                    true => Audiences::Exactly(vec!["sts.amazonaws.com".to_owned(), "b".to_owned()]),
                    false => Audiences::AtLeast("sts.amazonaws.com".to_owned()),
                },
                thumbprint: ThumbprintChoice::Observed(thumbprint.parse::<Thumbprint>().unwrap()),
                tags: tags.clone(),
            account: "111122223333".parse().unwrap(),
buckets: Vec::new(),
}),
            roles: vec![Role {
                name: "app".to_owned(),
                trust: Trust {
                    provider_arn,
                    host_path: issuer.host_path().to_owned(),
                    subjects,
                    audience: "sts.amazonaws.com".to_owned(),
                    wildcard: false,
                },
                policy_arns: policies.into_iter().collect(),
                inline_policy: exactly.then(|| json!({ "Statement": [] })),
                permissions_boundary: None,
                max_session: exactly.then_some(7200),
                tags,
            }],
            key_set: None,
            teardown: None,
            adopt: true,
            issuer,
        }
    }
}

prop_compose! {
    /// What somebody may have left there.
    fn found()(
        bucket in any::<bool>(), provider in any::<bool>(), role in any::<bool>(), tags in tags(),
        block in proptest::option::of(any::<[bool; 4]>()), statements in proptest::collection::vec(statement(), 0..3),
        audiences in proptest::collection::btree_set("[a-c]", 0..3), key in 0..3usize, published in any::<bool>(),
    ) -> Observed {
        let object = |body: Vec<u8>| Object {
            body, etag: "e".to_owned(), content_type: None, cache_control: None, encryption: None,
        };
        let jwks = serde_json::to_vec(&JwkSet::of(&KEYS[key..=key]).unwrap()).unwrap();
        Observed {
            bucket: bucket.then(|| observed::Bucket {
                tags: tags.clone(),
                public_access_block: block.map(|[a, b, c, d]| PublicAccessBlock {
                    block_public_acls: a, ignore_public_acls: b, block_public_policy: c, restrict_public_buckets: d,
                }),
                policy: (!statements.is_empty()).then(|| json!({ "Version": "2012-10-17", "Statement": statements })),
                jwks: published.then(|| object(jwks)),
                discovery: published.then(|| object(b"{}".to_vec())),
            }),
            provider: provider.then(|| observed::Provider {
                audiences: audiences.into_iter().collect(), thumbprints: Vec::new(), tags: tags.clone(),
            }),
            roles: match role {
                true => BTreeMap::from([("app".to_owned(), observed::Role {
                    path: "/".to_owned(),
                    trust: json!({ "Version": "2012-10-17", "Statement": statements }), tags, ..Default::default()
                })]),
                false => BTreeMap::new(),
            },
            ..Observed::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_that_was_applied_is_empty(desired in desired(), found in found()) {
        let plan = match diff(&desired, &found) {
            Ok(plan) => plan,
            Err(error) => {
                let policy = found.bucket.as_ref().and_then(|bucket| bucket.policy.clone());
                prop_assert!(!public::held_back(&policy.unwrap_or_default()).is_empty(), "{error:?}");
                return Ok(());
            }
        };
        let after = found.clone().after(&plan.changes);
        let again = diff(&desired, &after).unwrap();
        prop_assert!(again.changes.is_empty(), "{:#?}", again.changes);
        // And any part of it that was applied is gone on with, not undone.
        for cut in 0..plan.changes.len() {
            let part = found.clone().after(&plan.changes[..cut]);
            let rest = diff(&desired, &part).unwrap();
            prop_assert_eq!(rest.changes.len(), plan.changes.len() - cut);
            // AWS never trusts an issuer whose documents are not there.
            if part.provider.is_some() && found.provider.is_none() {
                prop_assert!(part.bucket.is_some_and(|bucket| bucket.jwks.is_some()));
            }
        }
    }

    #[test]
    fn a_merge_loses_no_foreign_statement(statements in proptest::collection::vec(statement(), 0..5)) {
        let existing = json!({ "Version": "2012-10-17", "Statement": statements });
        let arns = ["arn:aws:s3:::b/keys.json".to_owned()];
        let merged = policy::merged(Some(&existing), "Ours", &arns).unwrap();
        let list = merged["Statement"].as_array().unwrap();
        for statement in statements.iter().filter(|statement| statement["Sid"] != "Ours") {
            prop_assert!(list.contains(statement));
        }
        prop_assert_eq!(&policy::merged(Some(&merged), "Ours", &arns).unwrap(), &merged);
    }

    #[test]
    fn every_form_of_a_key_has_one_kid(
        form in 0..4usize, crlf in any::<bool>(), before in "[a-z ]{0,20}", spaces in " {0,3}", bom in any::<bool>(),
    ) {
        let (kid, forms) = &*FORMS;
        let mut text = format!("{before}\n{}", forms[form].replace('\n', &format!("{spaces}\n")));
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        if bom {
            text.insert(0, '\u{feff}');
        }
        let keys = PublicKey::all_from_pem(text.as_bytes()).unwrap();
        prop_assert_eq!(keys.len(), 1);
        let found = keys[0].kid().unwrap();
        prop_assert_eq!(found.as_str(), kid);
        // No private member, whatever the input was.
        let set = serde_json::to_value(JwkSet::of(&keys).unwrap()).unwrap();
        let members: Vec<&String> = set["keys"][0].as_object().unwrap().keys().collect();
        prop_assert_eq!(members, ["kty", "kid", "use", "alg", "n", "e"]);
    }

    #[test]
    fn one_issuer_string_everywhere(prefix in prefix()) {
        let issuer = issuer(prefix.as_deref());
        let url = issuer.as_str();
        let account: AccountId = "111122223333".parse().unwrap();
        let arn = arn::provider(&Partition("aws".to_owned()), &account, issuer.host_path());
        prop_assert_eq!(format!("https://{}", arn.split_once(":oidc-provider/").unwrap().1), url);
        let discovery = serde_json::to_value(DiscoveryDocument::of(&issuer)).unwrap();
        prop_assert_eq!(&discovery["issuer"], url);
        prop_assert_eq!(&discovery["jwks_uri"], &format!("{url}/keys.json"));
        let settings = ApiServerSettings {
            issuer: issuer.clone(), existing_issuers: Vec::new(), existing_public_keys: Vec::new(),
            api_audiences: Vec::new(), key: NodeKey::Ours { node_dir: "/k".to_owned() }, order: Order::NewFirst,
        };
        prop_assert_eq!(&settings.flags()[0].value, url);
        let trust = Trust {
            provider_arn: arn.clone(), host_path: issuer.host_path().to_owned(), subjects: vec!["s".to_owned()],
            audience: "a".to_owned(), wildcard: false,
        };
        let trust = trust.policy(None).unwrap();
        let statement = &trust["Statement"][0];
        prop_assert_eq!(&statement["Principal"]["Federated"], &arn);
        let keys: Vec<&String> = statement["Condition"]["StringEquals"].as_object().unwrap().keys().collect();
        prop_assert_eq!(keys, [&format!("{}:sub", issuer.host_path()), &format!("{}:aud", issuer.host_path())]);
    }
}
