//! A store of AWS, and the keys of a cluster in it.
//!
//! Each key is put under a name of its own, where nothing is, and read back; none is ever overwritten. What
//! becomes of a key is told by tags, each of which is written once. The newest key that has been activated,
//! or that replaced none, is the one that signs.

pub(crate) mod marks;
pub(crate) mod notes;
pub(crate) mod read;
pub(crate) mod refusals;
pub(crate) mod state;
pub(crate) mod stored_key;
pub(crate) mod tags;

use std::path::Path;
use std::time::Duration;

use crate::aws::connect::Aws;
use crate::aws::key_store::KeyStoreClient;
use crate::config::key_store::{KeyStoreOptions, nameless};
use crate::error::{Error, Result, after_changes};
use crate::iam::key_store::KeyStore;
use crate::keys::pair::KeyPair;
use crate::keys::store::stored_key::{StoredKey, unusable};
use crate::keys::store::tags::{Maker, Marks, issuer_mark};
use crate::keys::{accepted, directory};
use crate::oidc::issuer::Issuer;
use crate::oidc::jwks::JwkSet;
use crate::oidc::key::Kid;
use crate::oidc::signing_key::SigningKey;
use crate::output;
use crate::plan::observed::Observed;
use crate::system::file;

/// How long a key that was put may take to show.
pub(crate) const SHOWN_WITHIN: Duration = Duration::from_secs(30);

/// A store, and the keys of a cluster in it.
pub(crate) struct Store {
    pub(crate) client: KeyStoreClient,
    pub(crate) kind: KeyStore,
    pub(crate) cluster: String,
    pub(crate) region: String,
    pub(crate) adopt: bool,
    /// The oldest first.
    pub(crate) keys: Vec<StoredKey>,
}

impl Store {
    /// Reads what the store has for a cluster; none when the file is all, or without a connection.
    pub(crate) async fn open(
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
    pub(crate) fn check_issuer(&self, issuer: &Issuer, moves: bool) -> Result<()> {
        let mut keys = self.keys.iter();
        match keys.find(|key| !moves && key.other_issuer(issuer).is_some()) {
            None => Ok(()),
            Some(key) => Err(Error::refused(format!("cannot use {} for {issuer}", key.name))
                .because(format!("it signs the tokens of {}", key.other_issuer(issuer).unwrap_or_default()))
                .hint("two clusters of one name: give this one another --cluster; only where the one cluster changes its issuer: irsactl publish --move-key")),
        }
    }

    /// Whether keys are published, and none of these: nothing says who made them.
    pub(crate) fn is_strange_to(&self, published: Option<&JwkSet>) -> bool {
        let mut kids = published.into_iter().flat_map(JwkSet::kids).peekable();
        !self.is_empty() && kids.peek().is_some() && !kids.any(|kid| self.has(kid))
    }

    /// Refuses to publish a key beside others on the word of whoever may create secrets.
    pub(crate) fn check_known(&self, observed: &Observed, add_key: bool) -> Result<()> {
        let published = observed
            .bucket
            .as_ref()
            .and_then(|bucket| bucket.jwks.as_ref());
        let published = published.and_then(|object| JwkSet::parse_foreign(&object.body).ok());
        if !add_key || !self.is_strange_to(published.as_ref()) {
            return Ok(());
        }
        Err(self.strangers().hint(format!("where a run of yours made it, take it from the directory: irsactl keygen{}, and then irsactl publish --add-key without --key-store", self.options())))
    }

    pub(crate) fn kind(&self) -> KeyStore {
        self.kind
    }

    /// The options that name it, for a command in a hint.
    pub(crate) fn options(&self) -> String {
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

    pub(crate) fn name(&self, number: usize) -> String {
        self.kind.key_name(&self.cluster, number)
    }

    /// The key that signs; none when it is compromised, since the one before it has been retired.
    pub(crate) fn current(&self) -> Option<&StoredKey> {
        self.before_the_coming()
            .filter(|key| !self.is_compromised(&key.kid))
    }

    /// The newest key that is not to come.
    pub(crate) fn before_the_coming(&self) -> Option<&StoredKey> {
        self.keys.iter().rfind(|key| !key.is_coming())
    }

    /// Whether the key that took its place says that nobody is to accept it any more.
    pub(crate) fn is_compromised(&self, kid: &Kid) -> bool {
        let mut marks = self.keys.iter().map(|key| &key.marks);
        marks.any(|marks| marks.state.compromised && marks.replaces.as_ref() == Some(kid))
    }

    /// A key that is there.
    pub(crate) fn find(&self, kid: &Kid) -> Option<&StoredKey> {
        self.keys.iter().find(|key| key.kid == *kid)
    }

    /// All that are there.
    pub(crate) fn kids(&self) -> impl Iterator<Item = &Kid> {
        self.keys.iter().map(|key| &key.kid)
    }

    /// The newest key: the one that signs, or the one that is to come.
    pub(crate) fn newest(&self) -> Option<&StoredKey> {
        self.keys.last()
    }

    /// Whether a key is there.
    pub(crate) fn has(&self, kid: &Kid) -> bool {
        self.find(kid).is_some()
    }

    /// Puts a pair there when nothing is, and marks as ours, and as this issuer's where it is known, what is
    /// taken over. Returns how many calls changed something.
    pub(crate) async fn keep(
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
    pub(crate) async fn put(
        &mut self,
        pem: &str,
        kid: &Kid,
        replaces: Option<&Kid>,
        issuer: Option<&Issuer>,
    ) -> Result<usize> {
        let number = self.keys.len() + 1;
        let name = self.name(number);
        let key = SigningKey::from_pem(pem.as_bytes()).map_err(|e| unusable(&name, &e))?;
        let before = self.keys.last().map(StoredKey::key).transpose()?;
        let maker = Maker {
            name: &name,
            cluster: &self.cluster,
            key: &key,
            before: before.as_ref(),
        };
        let marks = Marks {
            replaces: replaces.cloned(),
            issuer: issuer_mark(issuer),
            ..Marks::default()
        };
        let tags = maker.tags(kid, &marks)?;
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
    pub(crate) fn save(&self, pair: &KeyPair, dir: &Path) -> Result<()> {
        pair.save(dir)?;
        self.accept(dir)
    }

    /// Lets a public key file of these keys hold all that API servers are to accept, and no others of them.
    pub(crate) fn accept(&self, dir: &Path) -> Result<()> {
        let listed = accepted::listed(dir)?;
        if !self.keys.iter().any(|key| listed.contains(&key.public)) {
            return Ok(());
        }
        let current = directory::signing_key_file(dir);
        let current = if file::exists(&current)? {
            Some(KeyPair::kid_of(&current)?)
        } else {
            None
        };
        // The two files stay a pair: a compromised key goes when another one takes its place.
        let (rejected, accepted): (Vec<_>, Vec<_>) = self
            .keys
            .iter()
            .partition(|key| self.is_compromised(&key.kid) && current.as_ref() != Some(&key.kid));
        let accepted: Vec<_> = accepted.iter().map(|key| key.public.clone()).collect();
        accepted::accept(dir, &accepted)?;
        for key in rejected.iter().filter(|key| listed.contains(&key.public)) {
            let path = output::path(&directory::public_key_file(dir));
            output::say(format_args!("{path}: {} is compromised, and goes", key.kid));
            accepted::reject(dir, &key.kid)?;
        }
        Ok(())
    }

    /// Whether nothing is there.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}
