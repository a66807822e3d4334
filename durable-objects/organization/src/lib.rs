//! The organization's actor: treasury, departments, directory, settings.
