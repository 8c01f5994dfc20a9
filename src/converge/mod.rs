//! The one way in which AWS is changed: look, compare, show, ask, change, read back.
