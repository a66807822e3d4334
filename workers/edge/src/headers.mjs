// The headers that protect answers, for every answer of the worker: the API's,
// the gateway's, errors, and what is answered when the Rust program has died.
//
// They are set here, at the last place that an answer passes, so that none can
// be forgotten. And here a header is one call into the runtime; from Rust it is
// several, on the path of every call of a model.

/** Browsers that came once by https never come without it again. */
const ONE_YEAR = "max-age=31536000";

/** What an answer that is no page may do in a browser: nothing. */
const NOTHING = "default-src 'none'; frame-ancestors 'none'";

/**
 * What a page may do: use what comes from here, as files. No scripts or styles
 * within the page, so that text which gets into one can never run.
 */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/**
 * The answer with its protection. What an answer says of itself stays: how long
 * it may be kept, or a stricter policy.
 *
 * @param {Response} answer
 * @param {string} url that was asked for
 * @returns {Response}
 */
export function sealed(answer, url) {
  // A socket is no answer that a page could show, and goes on as it came.
  if (answer.status === 101) return answer;
  try {
    seal(answer.headers, url);
    return answer;
  } catch {
    // The headers of an answer that came from elsewhere cannot be changed.
    const copy = new Response(answer.body, answer);
    seal(copy.headers, url);
    return copy;
  }
}

function seal(headers, url) {
  const page = headers.get("content-type")?.startsWith("text/html") ?? false;
  headers.set("x-content-type-options", "nosniff");
  headers.set("referrer-policy", "no-referrer");
  headers.set("cross-origin-resource-policy", "same-origin");
  headers.set("x-frame-options", "DENY");
  if (page) headers.set("cross-origin-opener-policy", "same-origin");
  if (url.startsWith("https:")) headers.set("strict-transport-security", ONE_YEAR);
  // Nearly everything here is somebody's own: whatever may be kept says so.
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  if (!headers.has("content-security-policy")) headers.set("content-security-policy", page ? PAGE_POLICY : NOTHING);
}
