//! Servers that tests and benchmarks talk to, and the load that benchmarks
//! make. Native only; they are a library and the sub-commands of the binary
//! `fakes`.
//!
//! In scope: a provider that speaks OpenAI's protocol, misbehaves on demand
//! and keeps its own books; a [Slack](slack); an [inbox] for mail and webhooks; a load generator. Out of scope: anything that
//! knows Alfred, but for one response header that the load generator sums.
//!
//! # The provider
//!
//! `fakes provider --port 0` prints `{"port":N}` when it is ready, and
//! [`provider::spawn`] does the same in a test. It listens on 127.0.0.1 and
//! answers `POST /v1/chat/completions` (whole or as a stream),
//! `POST /v1/embeddings` and `GET /v1/models`.
//!
//! An answer has 16 output tokens, or as many as the call's
//! `max_completion_tokens` (or `max_tokens`) allows if that is fewer. Each
//! token is the text ` word`, so an answer never has more tokens than bytes.
//! Input is counted as three tokens, three for each message, one for each
//! four bytes of text and tools, 85 for each image; never more than the bytes
//! and those constants.
//!
//! ## How a call is answered
//!
//! By a [`provider::Plan`], taken from the first of these that has one:
//!
//! 1. the call's `metadata.fake`, a text that holds a plan as JSON;
//! 2. the call's `model`, if it is called `fake-` and a mode (`fake-cut`);
//! 3. the server's, set by `POST /__control/mode` (a plan as JSON, with
//!    `"times": N` for the next N calls only), by `--plan` or
//!    [`provider::Options::plan`].
//!
//! A plan's fields may be combined and may all be left out; `mode` names a
//! preset that they refine: `{"mode":"cut","after":5,"tokens":40}`.
//!
//! | field | default | meaning |
//! |---|---|---|
//! | `tokens` | 16 | output tokens a choice, before the call's limit |
//! | `input` | counted | input tokens to report |
//! | `cached`, `reasoning` | 0 | details of the usage; reasoning has no text |
//! | `answer` | `text` | or `tool_call` |
//! | `chunks` | one a token | content chunks a choice |
//! | `delay_headers_ms`, `delay_chunk_ms` | 0 | waits |
//! | `usage` | `standard` | `always`, `none`, `every_chunk`, `last_chunk` |
//! | `lie` | `honest` | `negative`, `fractional`, `string`, `null`, `missing`, `huge`, `overflow`, `over` |
//! | `over_by` | 1 | tokens above the limit that `over` reports |
//! | `frames` | `plain` | `crlf`, `comments`, `split`, `giant`, `burst`, `invalid_json`, `invalid_utf8` |
//! | `piece` | 61 | bytes a write of `split` |
//! | `fault` | `none` | `cut`, `cut_inside`, `cut_headers`, `hang`, `hang_headers`, `status`, `html`, `error_frame` |
//! | `after` | 2 | content chunks before the fault or the invalid frame |
//! | `status`, `retry_after` | 500, by status | of `status` and `html` |
//! | `chunked` | false | no content-length |
//!
//! | mode | what it does |
//! |---|---|
//! | `ok` | answers as it should |
//! | `no_usage` | never reports usage |
//! | `usage_always` | a stream ends with usage although nobody asked |
//! | `usage_every_chunk` | the usage so far on every content chunk |
//! | `usage_last_chunk` | usage on the last chunk with a choice, no chunk of its own |
//! | `cached` | 1000 input tokens, 800 of them cached |
//! | `reasoning` | four of the output tokens are reasoning |
//! | `tool_call` | calls a function |
//! | `chunked` | a body without content-length |
//! | `slow` | 200 ms before the headers, 50 ms between chunks |
//! | `lie_negative`, `lie_fractional`, `lie_string`, `lie_null`, `lie_missing` | output tokens that are no whole number |
//! | `lie_huge`, `lie_overflow` | 10^15, which is readable, and 10^20, which is not |
//! | `lie_over` | `over_by` more than the call's limit |
//! | `cut`, `cut_inside` | closes the socket after `after` chunks, between frames or in the middle of one; of a body, in the middle |
//! | `cut_headers` | closes the socket before the headers |
//! | `hang`, `hang_headers` | never goes on |
//! | `status`, `400`, `401`, `404`, `429`, `500`, `503` | an error of OpenAI's shape; 429 and 503 with `retry-after` |
//! | `html` | a 502 with a page of HTML |
//! | `error_frame` | an error in mid stream, then the end; of a body, an error under status 200 |
//! | `crlf`, `comments` | lines end in CR LF; comments, `event:` and `id:` lines, no space after `data:` |
//! | `split` | every frame in many writes |
//! | `giant` | one frame of 3 MB (a body of 3 MB) |
//! | `burst` | a thousand frames in one write |
//! | `invalid_json`, `invalid_utf8` | one such frame among the others (such a body) |
//!
//! ## Its books
//!
//! | door | |
//! |---|---|
//! | `GET /__control/usage` | [`provider::Totals`] |
//! | `GET /__control/calls` | the newest [`provider::Call`]s that are over, oldest first |
//! | `GET /__control/requests` | the newest requests: number, path, headers, body as JSON and as text |
//! | `GET`, `POST /__control/mode` | the server's plan |
//! | `POST /__control/reset` | forgets all calls and goes back to the first plan |
//!
//! The sums are of what was *reported*: the last usage that was handed to the
//! socket, lies included. What was really produced has its own sums, so both
//! can be held against a ledger. A call whose client leaves is `aborted`, with
//! the chunks handed over until then; it is noticed as soon as the socket
//! closes, also while nothing is being sent.
//!
//! # The load generator
//!
//! `fakes load http://127.0.0.1:8787/v1/chat/completions -c 32 -d 10`, or
//! [`load::run`], calls in a closed loop: each connection calls again when it
//! has its answer. With `--rate N` calls are due at fixed times instead, and
//! latency counts from when a call was *due*, so that a slow answer also
//! counts against the calls it kept waiting (coordinated omission); the
//! thread that keeps the time adds about 0.1 ms, and `service_us` leaves that
//! out. What a target says in `server-timing` is summed up beside it.
//! Quantiles are exact, of all values. Only loopback addresses are
//! called, for at most ten minutes and ten million calls.

pub mod inbox;
pub mod load;
pub mod provider;
pub mod slack;
