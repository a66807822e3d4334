//! The one deployable: composition root.
