//! A small SQL trait over a Durable Object's SQLite and rusqlite.
