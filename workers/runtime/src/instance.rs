//! The instance of a program, as instance.mjs sees it. Each script re-exports
//! both, or they are missing from its build.

use wasm_bindgen::prelude::wasm_bindgen;

/// Leaves it to instance.mjs, which calls this first, to replace this instance
/// when it has died (by a panic or any other trap).
///
/// The worker crate would replace it at the next call into Rust, whatever that
/// is: a promise that the dead instance waits for would then be called with the
/// old instance's pointers into the new one's memory. Without that, each call
/// into a dead instance throws.
#[wasm_bindgen]
pub fn begin() {
    wasm_bindgen::handler::set_on_abort(|| {});
}

/// Throws, like any other call, when the instance has died.
#[wasm_bindgen]
pub fn check() {}
