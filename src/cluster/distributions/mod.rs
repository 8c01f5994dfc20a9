//! The distributions: each renders the settings in the form that its control-plane nodes take.
