//! The export check. A Durable Object or a handler that wrangler.toml relies on
//! and entry.js lacks makes the deployment fail, or worse, succeed. (One that
//! entry.js has and Rust lacks fails in packing.)

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::Script;
use super::wrangler_toml::WranglerToml;

/// Checks that a built module has every class and handler that its
/// wrangler.toml relies on.
pub(super) fn check(script: Script, folder: &Path, config: &WranglerToml) -> Result<()> {
    let path = folder.join("index.js");
    let module = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let missing = missing(&module, &config.durable_object_classes(), &config.handlers())?;
    if missing.is_empty() {
        return Ok(());
    }
    let name = script.name();
    bail!(
        "the built module lacks what {} relies on: {}. Export it in workers/{name}/src/entry.js",
        script.wrangler_toml(),
        missing.join(", ")
    )
}

fn missing(module: &str, classes: &BTreeSet<String>, handlers: &BTreeSet<&'static str>) -> Result<Vec<String>> {
    let exported = exported(module).context("the built module has no `export { … }`: did esbuild change?")?;
    let no_class =
        classes.iter().filter(|class| !exported.contains(class.as_str())).map(|class| format!("class {class}"));
    // Handlers are methods of the object that is the default export.
    let has_handler = |name: &str| ['{', ','].iter().any(|before| module.contains(&format!("{before}{name}(")));
    let no_handler = handlers.iter().filter(|name| !has_handler(name)).map(|name| format!("handler `{name}`"));
    Ok(no_class.chain(no_handler).collect())
}

/// The names in the one `export{a as A,b as B};` that esbuild writes last.
fn exported(module: &str) -> Option<BTreeSet<&str>> {
    let (_, list) = module.rsplit_once("export{").or_else(|| module.rsplit_once("export {"))?;
    let (list, _) = list.split_once('}')?;
    Some(list.split(',').filter_map(|item| item.split_whitespace().last()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &str = "var f={fetch(t,e,n){return r()},queue(t,e,n){return i()}};\
                          export{a as OrganizationActor,TeamActor,f as default};\n";

    fn check(classes: &[&str], handlers: &[&'static str]) -> String {
        let classes = classes.iter().map(|&class| class.to_owned()).collect();
        missing(MODULE, &classes, &handlers.iter().copied().collect()).unwrap().join(", ")
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(check(&["TeamActor", "OrganizationActor"], &["fetch", "queue"]), "");
        assert_eq!(check(&["PoolActor", "TeamActor"], &["fetch"]), "class PoolActor");
        assert_eq!(check(&["Team"], &["fetch", "scheduled"]), "class Team, handler `scheduled`");
    }

    #[test]
    fn another_shape_of_module_is_an_error() {
        assert!(missing("exports.default = 1", &BTreeSet::new(), &BTreeSet::new()).is_err());
    }
}
