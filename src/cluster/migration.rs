//! The staged change of issuer on a cluster that runs, in which no token is refused (kOps,
//! `docs/operations/service_account_issuer_migration.md`; kubernetes#93258 for the audiences).
//!
//! add ─▶ roll ─▶ swap ─▶ roll ─▶ wait ─▶ drop, which is optional.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cluster::settings::Order;

/// How long the tokens of pods live on after the swap, in seconds: the kubelet asks for a new one after a
/// day at the latest (kubernetes, `pkg/kubelet/token/token_manager.go`, maxTTL).
pub const WAIT: u64 = 24 * 60 * 60;

/// A stage; each one ends with settings that are rolled out, or with the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The new issuer is accepted.
    Add,
    /// The new issuer signs.
    Swap,
    /// Tokens of the existing issuer run out.
    Wait,
    /// The existing issuer is refused.
    Drop,
}

impl Stage {
    /// All, in order.
    const ALL: [Self; 4] = [Self::Add, Self::Swap, Self::Wait, Self::Drop];

    /// Its place among [`Self::COUNT`], from 1.
    pub fn number(self) -> usize {
        self as usize + 1
    }

    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Its name in the state file and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Swap => "swap",
            Self::Wait => "wait",
            Self::Drop => "drop",
        }
    }

    /// What it is for.
    pub fn what(self) -> &'static str {
        match self {
            Self::Add => "every API server accepts the new issuer, the existing one still signs",
            Self::Swap => "the new issuer signs, the existing one is accepted",
            Self::Wait => "nothing to roll out: tokens of the existing issuer run out",
            Self::Drop => "optional: tokens of the existing issuer are refused",
        }
    }

    /// The issuers in its settings.
    pub fn order(self) -> Order {
        match self {
            Self::Add => Order::NewLast,
            Self::Swap | Self::Wait => Order::NewFirst,
            Self::Drop => Order::NewAlone,
        }
    }

    /// The stage after it.
    pub fn next(self) -> Option<Self> {
        Self::ALL.get(self as usize + 1).copied()
    }

    /// The stage before it. Nobody who signed with the new issuer goes back further than to where its
    /// tokens are accepted, also not with one control-plane node.
    pub fn back(self) -> Option<Self> {
        Self::ALL.get((self as usize).checked_sub(1)?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stages_lead_there_and_back() {
        let there = std::iter::successors(Some(Stage::Add), |stage| stage.next());
        let back = std::iter::successors(Some(Stage::Drop), |stage| stage.back());
        assert_eq!(there.collect::<Vec<_>>(), Stage::ALL);
        assert!(back.eq(Stage::ALL.into_iter().rev()));
    }
}
