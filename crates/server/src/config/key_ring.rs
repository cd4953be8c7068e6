//! When which key signs, and which are published: no verifier whose copy of the published keys is at most
//! [`MAX_KEY_SET_AGE`] old meets a statement whose key it lacks.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use port_checker_attestation::{KeyId, KeySet, LEEWAY_SECONDS, PublicKey, SigningKey};

/// How old a verifier's copy of the published keys may be.
pub(crate) const MAX_KEY_SET_AGE: Duration = Duration::from_secs(300);

/// How long a key is published before it signs: the age of a copy, and a minute for answers on their way.
pub(super) const KEY_LEAD_TIME: Duration = Duration::from_secs(300 + 60);

/// A key and the time of its file.
#[derive(Debug)]
pub(crate) struct DatedKey {
    pub(crate) key: SigningKey,
    /// When its file was last written; none if the file system does not say.
    pub(crate) modified: Option<SystemTime>,
}

impl DatedKey {
    fn id(&self) -> KeyId {
        self.key.public().id()
    }
}

/// The keys of the files.
#[derive(Debug)]
pub(super) struct FileKeys {
    pub(super) signing: Arc<DatedKey>,
    pub(super) next: Option<Arc<DatedKey>>,
}

/// A key that has been published since a time.
#[derive(Debug)]
struct Published {
    key: Arc<DatedKey>,
    since: Instant,
}

/// A key that signs no more, until its last statement has expired.
#[derive(Debug)]
struct Retired {
    public: PublicKey,
    since: Instant,
    until: Instant,
}

/// The keys of a service over time. Each method is told the time, which never goes back.
#[derive(Debug)]
pub(super) struct KeyRing {
    lifetime: Duration,
    signing: Published,
    /// The signing key of the files, while it has not been published for long enough.
    successor: Option<Published>,
    next: Option<Published>,
    retired: Vec<Retired>,
}

impl KeyRing {
    /// The first keys of a service: they sign at once, because there is no other.
    pub(super) fn new(keys: FileKeys, lifetime: Duration, now: Instant) -> Self {
        let published = |key| Published { key, since: now };
        Self {
            lifetime,
            signing: published(keys.signing),
            successor: None,
            next: keys.next.map(published),
            retired: Vec::new(),
        }
    }

    /// Takes the keys that the files have now.
    pub(super) fn replace(&mut self, keys: FileKeys, now: Instant) {
        self.advance(now);
        let since = |key: Arc<DatedKey>| {
            let since = self.published_since(key.id()).unwrap_or(now);
            Published { key, since }
        };
        let (signing, next) = (since(keys.signing), keys.next.map(since));
        self.next = next;
        if signing.key.id() == self.signing.key.id() {
            (self.signing, self.successor) = (signing, None);
        } else {
            self.successor = Some(signing);
        }
        self.advance(now);
    }

    /// The key that signs.
    pub(super) fn signing(&mut self, now: Instant) -> Arc<DatedKey> {
        self.advance(now);
        Arc::clone(&self.signing.key)
    }

    /// The keys to publish.
    pub(super) fn published(&mut self, now: Instant) -> KeySet {
        self.advance(now);
        let retired = self.retired.iter().map(|retired| &retired.public);
        self.held().map(|held| held.key.key.public()).chain(retired).cloned().collect()
    }

    fn held(&self) -> impl Iterator<Item = &Published> {
        [Some(&self.signing), self.successor.as_ref(), self.next.as_ref()].into_iter().flatten()
    }

    /// From when on a key has been published without a break; none if it is not.
    fn published_since(&self, id: KeyId) -> Option<Instant> {
        let held = self.held().filter(|held| held.key.id() == id).map(|held| held.since);
        let retired = self.retired.iter().filter(|retired| retired.public.id() == id);
        held.chain(retired.map(|retired| retired.since)).min()
    }

    /// Lets the successor sign once it may, and forgets keys whose statements have expired.
    fn advance(&mut self, now: Instant) {
        let ripe = |successor: &mut Published| successor.since + KEY_LEAD_TIME <= now;
        if let Some(successor) = self.successor.take_if(ripe) {
            let Published { key, since } = std::mem::replace(&mut self.signing, successor);
            // The methods may not have been called for long, but nothing can have been signed meanwhile.
            let until = now + self.lifetime + Duration::from_secs(LEEWAY_SECONDS);
            let public = key.key.public().clone();
            self.retired.retain(|retired| retired.public.id() != public.id());
            self.retired.push(Retired { public, since, until });
        }
        self.retired.retain(|retired| retired.until > now);
    }
}

#[cfg(test)]
mod tests;
