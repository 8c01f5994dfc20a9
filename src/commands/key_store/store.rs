//! A store of AWS, and the keys of a cluster in it.
//!
//! Each key is put under a name of its own, where nothing is, and read back; none is ever overwritten. What
//! becomes of a key is told by tags, each of which is written once. The newest key that has been activated,
//! or that replaced none, is the one that signs.

use std::path::Path;
use std::time::Duration;

use crate::aws::connect::Aws;
use crate::aws::key_store::KeyStoreClient;
use crate::commands::key_pair::{self, KeyPair};
use crate::commands::key_store::marks::{self, ISSUER, PROOF};
use crate::commands::key_store::missing::{nameless, unusable};
use crate::commands::key_store::stored_key::StoredKey;
use crate::config::KeyStoreOptions;
use crate::error::{Error, Result, after_changes};
use crate::iam::key_store::KeyStore;
use crate::oidc::issuer::Issuer;
use crate::oidc::key::Kid;
use crate::oidc::signing_key::SigningKey;
use crate::output;
use crate::system::file;

/// How long a key that was put may take to show.
pub(super) const SHOWN_WITHIN: Duration = Duration::from_secs(30);

/// A store, and the keys of a cluster in it.
pub(in crate::commands) struct Store {
    pub(super) client: KeyStoreClient,
    pub(super) kind: KeyStore,
    pub(super) cluster: String,
    pub(super) region: String,
    pub(super) adopt: bool,
    /// The oldest first.
    pub(super) keys: Vec<StoredKey>,
}

impl Store {
    /// Reads what the store has for a cluster; none when the file is all, or without a connection.
    pub(in crate::commands) async fn open(
        options: &KeyStoreOptions,
        cluster: Option<&str>,
        aws: Option<&Aws>,
        adopt: bool,
    ) -> Result<Option<Self>> {
        let (Some(kind), Some(aws)) = (options.key_store(), aws) else {
            return Ok(None);
        };
        let cluster = cluster.ok_or_else(|| nameless(kind))?;
        let mut store = Self {
            client: aws.key_store(kind)?,
            kind,
            cluster: cluster.to_owned(),
            region: aws.region.clone(),
            adopt,
            keys: Vec::new(),
        };
        while let Some(key) = store.read(store.keys.len() + 1).await? {
            store.keys.push(key);
        }
        let next = store.keys.len() + 1;
        let (missing, after) = (store.name(next), store.name(next + 1));
        if store.client.entry(&after).await?.is_some() {
            return Err(
                Error::refused(format!("cannot use the signing keys in {}", kind.title()))
                    .because(format!(
                        "{after} is there, and {missing}, which it came after, is not"
                    ))
                    .hint("get it back from where it is: each key leads to the next"),
            );
        }
        Ok(Some(store))
    }

    /// Refuses keys that sign another issuer's tokens, unless they are to move: whoever runs either cluster could
    /// sign for both.
    pub(in crate::commands) fn check_issuer(&self, issuer: &Issuer, moves: bool) -> Result<()> {
        let mut keys = self.keys.iter();
        match keys.find(|key| !moves && key.is_of_another_issuer(issuer)) {
            None => Ok(()),
            Some(key) => Err(Error::refused(format!("cannot use {} for {issuer}", key.name))
                .because(format!("it signs the tokens of {}", key.tags[ISSUER]))
                .hint("two clusters of one name: give this one another --cluster; only where the one cluster changes its issuer: irsactl publish --move-key")),
        }
    }

    pub(super) fn kind(&self) -> KeyStore {
        self.kind
    }

    /// The options that name it, for a command in a hint.
    pub(in crate::commands) fn options(&self) -> String {
        let Self {
            kind,
            cluster,
            region,
            ..
        } = self;
        format!(
            " --key-store {} --cluster {cluster} --region {region}",
            kind.flag()
        )
    }

    pub(super) fn name(&self, number: usize) -> String {
        self.kind.key_name(&self.cluster, number)
    }

    /// The key that signs; none when it is compromised, since the one before it has been retired.
    pub(in crate::commands) fn current(&self) -> Option<&StoredKey> {
        self.before_the_coming().filter(|key| !key.is_compromised())
    }

    /// The newest key that is not to come.
    pub(super) fn before_the_coming(&self) -> Option<&StoredKey> {
        self.keys.iter().rfind(|key| !key.is_coming())
    }

    /// A key that is there.
    pub(in crate::commands) fn find(&self, kid: &Kid) -> Option<&StoredKey> {
        self.keys.iter().find(|key| key.kid == *kid)
    }

    /// All that are there.
    pub(in crate::commands) fn kids(&self) -> impl Iterator<Item = &Kid> {
        self.keys.iter().map(|key| &key.kid)
    }

    /// The newest key: the one that signs, or the one that is to come.
    pub(in crate::commands) fn newest(&self) -> Option<&StoredKey> {
        self.keys.last()
    }

    /// Whether a key is there.
    pub(in crate::commands) fn has(&self, kid: &Kid) -> bool {
        self.find(kid).is_some()
    }

    /// Puts a pair there when nothing is, and marks as ours, and as this issuer's where it is known, what is
    /// taken over. Returns how many calls changed something.
    pub(in crate::commands) async fn keep(
        &mut self,
        pair: &KeyPair,
        dir: &Path,
        issuer: Option<&Issuer>,
    ) -> Result<usize> {
        if self.keys.is_empty() {
            return self.put(&pair.pem(dir)?, &pair.kid()?, None, issuer).await;
        }
        if !self.has(&pair.kid()?) {
            return Err(self.is_between());
        }
        self.mark(issuer).await
    }

    /// Puts a key under the next name, never over anything, and reads it back. Returns how many calls
    /// changed something.
    pub(in crate::commands) async fn put(
        &mut self,
        pem: &str,
        kid: &Kid,
        replaces: Option<&Kid>,
        issuer: Option<&Issuer>,
    ) -> Result<usize> {
        let number = self.keys.len() + 1;
        let name = self.name(number);
        let mut tags = self.tags_of(kid, replaces, issuer);
        let key = SigningKey::from_pem(pem.as_bytes()).map_err(|e| unusable(&name, &e))?;
        let proof = marks::proof(self.keys.last(), &name, &key, replaces.map(Kid::as_str))?;
        tags.insert(PROOF.to_owned(), proof);
        let created = self.client.create(&name, kid.as_str(), pem, &tags).await?;
        let cannot = || {
            Error::refused(format!(
                "cannot keep the signing key in {}",
                self.kind.title()
            ))
        };
        let stored = match self.read_back(number).await {
            Err(error) if created => return Err(after_changes(error)),
            stored => stored?,
        };
        if stored.kid != *kid {
            return Err(cannot()
                .because(format!(
                    "{name} holds the key {}, which another run has made meanwhile",
                    stored.kid
                ))
                .hint("run again, with a --dir that has no other key: it goes on with that one"));
        }
        output::say(format_args!(
            "signing key kept in {}: {}",
            self.kind.title(),
            output::sanitized(&stored.arn)
        ));
        self.keys.push(stored);
        Ok(usize::from(created))
    }

    /// Writes what is not in the files of `dir` yet, with all public keys that API servers are to accept.
    pub(in crate::commands) fn save(&self, pair: &KeyPair, dir: &Path) -> Result<()> {
        pair.save(dir)?;
        self.accept(dir)
    }

    /// Lets a public key file of these keys hold all that API servers are to accept, and no others of them.
    pub(in crate::commands) fn accept(&self, dir: &Path) -> Result<()> {
        let listed = key_pair::listed(dir)?;
        if !self.keys.iter().any(|key| listed.contains(&key.public)) {
            return Ok(());
        }
        let current = key_pair::signing_key_file(dir);
        let current = match file::exists(&current)? {
            true => Some(KeyPair::kid_of(&current)?),
            false => None,
        };
        // The two files stay a pair: a compromised key goes when another one takes its place.
        let (rejected, accepted): (Vec<_>, Vec<_>) = self
            .keys
            .iter()
            .partition(|key| key.is_compromised() && current.as_ref() != Some(&key.kid));
        let accepted: Vec<_> = accepted.iter().map(|key| key.public.clone()).collect();
        key_pair::accept(dir, &accepted)?;
        rejected
            .iter()
            .try_for_each(|key| key_pair::reject(dir, &key.kid))
    }

    /// Whether nothing is there.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}
