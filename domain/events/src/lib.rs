//! What the actors publish and say to each other.
