//! Many actors, a lossy network and an auditor.
