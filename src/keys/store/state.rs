//! How far the rotation is that a stored key came with.

use std::fmt;
use std::str::FromStr;

/// Nothing but that.
const MADE: &str = "made";
/// Both keys were published.
pub(crate) const PUBLISHED: &str = "published";
/// The new key signed first, as far as is known.
pub(crate) const ACTIVATED: &str = "activated";
/// The key that it replaced left the JWK Set.
pub(crate) const RETIRED: &str = "retired";
/// Nobody is to accept the tokens of the key that it replaced any more.
pub(crate) const COMPROMISED: &str = "compromised";

/// When each step was done, in seconds since 1970. Its text, a tag's value, is `published=1 activated=2 retired=3
/// compromised`, without what is not so.
///
/// That a key is compromised is said by the one that replaces it, so that whoever has stolen it cannot take that
/// back.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) published: Option<u64>,
    pub(crate) activated: Option<u64>,
    pub(crate) retired: Option<u64>,
    /// Whether the key that it replaces is compromised.
    pub(crate) compromised: bool,
}

impl State {
    /// Whether a step was done.
    pub(crate) fn has(&self, step: &str) -> bool {
        match step {
            PUBLISHED => self.published.is_some(),
            ACTIVATED => self.activated.is_some(),
            RETIRED => self.retired.is_some(),
            _ => self.compromised,
        }
    }

    /// What either knows; the earlier one is believed.
    pub(crate) fn or(&self, later: &Self) -> Self {
        Self {
            published: self.published.or(later.published),
            activated: self.activated.or(later.activated),
            retired: self.retired.or(later.retired),
            compromised: self.compromised || later.compromised,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = [
            (PUBLISHED, self.published),
            (ACTIVATED, self.activated),
            (RETIRED, self.retired),
        ];
        let times = times.into_iter();
        let mut words: Vec<String> = times
            .filter_map(|(step, time)| Some(format!("{step}={}", time?)))
            .collect();
        if self.compromised {
            words.push(COMPROMISED.to_owned());
        }
        if words.is_empty() {
            // A tag's value is not empty everywhere.
            words.push(MADE.to_owned());
        }
        f.write_str(&words.join(" "))
    }
}

impl FromStr for State {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut state = Self::default();
        for word in text.split_whitespace() {
            let time = |time: &str| time.parse().map(Some).map_err(|_| ());
            match word.split_once('=') {
                Some((PUBLISHED, value)) => state.published = time(value)?,
                Some((ACTIVATED, value)) => state.activated = time(value)?,
                Some((RETIRED, value)) => state.retired = time(value)?,
                None if word == MADE => {}
                None if word == COMPROMISED => state.compromised = true,
                _ => return Err(()),
            }
        }
        Ok(state)
    }
}
