//! What holds for every command: SECURITY.md, and the house rules.

pub(crate) mod checkout;
pub(crate) mod endpoints;
pub(crate) mod faults;
pub(crate) mod fuzz;
pub(crate) mod hostile_answers;
pub(crate) mod judges;
pub(crate) mod layout;
pub(crate) mod least_privilege;
pub(crate) mod matrix;
pub(crate) mod outputs;
pub(crate) mod properties;
pub(crate) mod secrets;
