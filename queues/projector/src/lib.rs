//! Writes the actors' journals to D1.
