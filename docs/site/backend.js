// A backend in the page: answers /api/auth as NextAuth.js v4 does, and /api/orders as an API beside it. Who is signed in
// stands in localStorage, as it would in a cookie: all tabs of this browser share it.
const KEY = "nextauth-docs:backend";
const PEOPLE = {
  ada: { password: "lovelace", user: { name: "Ada Lovelace", email: "ada@example.org", role: "admin" } },
  alan: { password: "turing", user: { name: "Alan Turing", email: "alan@example.org", role: "editor" } },
};
const DAYS = 30;
const LATENCY = 80; // milliseconds

export const read = () => JSON.parse(localStorage.getItem(KEY) ?? "{}");
export const write = change => localStorage.setItem(KEY, JSON.stringify({ ...read(), ...change }));
export const signInAs = name => write({ user: PEOPLE[name].user });
/** Whom one may sign in as: what they type, and their name. */
export const people = Object.entries(PEOPLE).map(([name, { user }]) => [name, user.name]);

const answer = (status, data) =>
  new Response(JSON.stringify(data), {
    status,
    headers: { "Content-Type": "application/json", Date: new Date().toUTCString() },
  });
const home = path => new URL(path, location.origin).href;

function session() {
  const { user } = read();
  return user ? { user, expires: new Date(Date.now() + DAYS * 86_400_000).toISOString() } : {};
}

const provider = (id, name, type) => ({
  id, name, type,
  signinUrl: home(`/api/auth/signin/${id}`),
  callbackUrl: home(`/api/auth/callback/${id}`),
});

function token() {
  if (!read().token) write({ token: crypto.randomUUID?.() ?? String(Math.random()) });
  return read().token;
}

const signInPage = callbackUrl => `${new URL("sign-in.html", import.meta.url)}?${new URLSearchParams({ callbackUrl })}`;

const GET = {
  "/api/auth/session": () => answer(200, session()),
  "/api/auth/csrf": () => answer(200, { csrfToken: token() }),
  "/api/auth/providers": () =>
    answer(200, {
      "dev-idp": provider("dev-idp", "Development provider", "oauth"),
      credentials: provider("credentials", "Password", "credentials"),
    }),
  "/api/orders": () =>
    read().user ? answer(200, [{ article: "Apples" }, { article: "Pears" }]) : answer(401, { error: "Sign in first." }),
};

const POST = {
  "/api/auth/callback/credentials"(form) {
    const known = PEOPLE[form.get("username")];
    if (!known || known.password !== form.get("password"))
      return answer(401, { url: home("/api/auth/error?error=CredentialsSignin&provider=credentials") });
    signInAs(form.get("username"));
    return answer(200, { url: form.get("callbackUrl") });
  },
  "/api/auth/signin/dev-idp": form => answer(200, { url: signInPage(form.get("callbackUrl")) }),
  "/api/auth/signout"(form) {
    write({ user: null });
    return answer(200, { url: form.get("callbackUrl") });
  },
  "/api/auth/session"({ data }) {
    const { user } = read();
    if (user) write({ user: { ...user, ...data } });
    return answer(200, session());
  },
  "/api/auth/_log": () => answer(200, {}),
};

async function respond(url, { method = "GET", body }) {
  await new Promise(resolve => setTimeout(resolve, LATENCY));
  if (read().down) throw new TypeError("Failed to fetch");
  if (method === "GET") return GET[url.pathname]?.() ?? answer(404, { error: "Not found" });
  if (!url.pathname.startsWith("/api/auth/")) return answer(405, { error: "Only read" });
  const form = body?.startsWith("{") ? JSON.parse(body) : new URLSearchParams(body);
  const said = form instanceof URLSearchParams ? form.get("csrfToken") : form.csrfToken;
  if (said !== read().token) return answer(200, { url: home("/api/auth/signin?csrf=true") });
  return POST[url.pathname]?.(form) ?? answer(404, { error: "Not found" });
}

const isHere = url => url.origin === location.origin && /^\/api\//.test(url.pathname);

/** Have this page's requests to /api answered here, and its ways to the backend's own pages lead to ours. */
export function mount() {
  const elsewhere = globalThis.fetch;
  globalThis.fetch = async (target, options = {}) => {
    const url = new URL(target.url ?? target, document.baseURI);
    if (!isHere(url)) return elsewhere(target, options);
    const aborted = new Promise((_, reject) =>
      options.signal?.addEventListener("abort", () => reject(options.signal.reason), { once: true }),
    );
    return Promise.race([respond(url, options), aborted]);
  };
  globalThis.navigation?.addEventListener("navigate", event => {
    const url = new URL(event.destination.url);
    if (!isHere(url) || !event.cancelable) return;
    event.preventDefault();
    setTimeout(() => location.assign(signInPage(url.searchParams.get("callbackUrl") ?? document.referrer)));
  });
}
