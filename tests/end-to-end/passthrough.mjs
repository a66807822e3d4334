// The bare pass-through that Alfred is measured beside: it forwards a request
// with another key and streams both bodies, and does nothing else.
//
// env.UPSTREAM: where to, without a path (`http://127.0.0.1:9000`)
// env.AUTHORIZATION: the `authorization` header to send there

export default {
  fetch(request, env) {
    const { pathname, search } = new URL(request.url);
    const headers = new Headers(request.headers);
    headers.set("authorization", env.AUTHORIZATION);
    return fetch(env.UPSTREAM + pathname + search, {
      method: request.method,
      headers,
      body: request.body,
      redirect: "manual",
    });
  },
};
