//! The model path: authenticate, admit, dispatch, relay, settle.
