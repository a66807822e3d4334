//! Windows, caps and rate limits.
