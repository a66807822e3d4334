//! What every actor that keeps money has: entries, outbox, inbox.
