// docs
(() => {
  const { closest, getAttribute, toggleAttribute } = Element.prototype;
  const get = (element, name) => getAttribute.call(element, "data-auth-" + name);
  const ours = ":not([data-auth-ignore],[data-auth-ignore] *)";
  const all = selector => Document.prototype.querySelectorAll.call(document, selector);

  const { base = "/api/auth" } = Reflect.get(Document.prototype, "currentScript", document).dataset;
  const backend = new URL(base, origin).href.replace(/\/+$/, "");
  const name = "nextauth-client:1:" + backend;
  const id = "" + Math.random();
  let channel, newest = 0, shown = 0;

  function say(type, more) {
    newest = Math.max(Date.now(), newest + 1);
    const stamp = [newest, id];
    const data = JSON.stringify({ type, stamp, ...more });
    channel?.postMessage(data);
    hear({ data });
    return stamp;
  }
  function hear({ data }) {
    try {
      const { type, stamp: [at], outcome, session } = JSON.parse(data);
      if (at > Date.now() + 1e8) return;
      if (at > newest) newest = at;
      if (at >= shown && session !== undefined) {
        shown = at;
        const status = session ? "authenticated" : "unauthenticated";
        for (const element of all("[data-auth-show]" + ours))
          toggleAttribute.call(element, "hidden", !get(element, "show").split(" ").includes(status));
      }
      if (type == "end" && outcome != "nothing" && at == newest) localStorage[name + ":epoch"] = at;
    } catch {}
  }
  async function act(element, path, form) {
    const signsOut = path == "/signout";
    const given = closest.call(element, "[data-auth-callback-url]");
    const here = location.host ? location.href.split("#")[0] : origin;
    const back = new Request(given ? get(given, "callback-url") : here).url;
    if (path == "/signin/") return location.assign(backend + "/signin?" + new URLSearchParams({ callbackUrl: back }));
    element.disabled = true;
    const signal = AbortSignal.timeout(1e4);
    const ask = (path, more) => fetch(backend + path, { mode: "same-origin", signal, ...more });
    const foreign = all("[data-auth-ignore] [name]:enabled");
    for (const element of foreign) element.disabled = true;
    const body = new URLSearchParams(new FormData(form));
    for (const element of foreign) element.disabled = false;
    const start = say("start");
    let outcome = "nothing", url = "";
    try {
      const csrf = await ask("/csrf");
      body.set("csrfToken", (await csrf.json()).csrfToken);
      body.set("callbackUrl", back);
      body.set("json", true);
      if (signsOut || form) outcome = "leaving";
      const headers = { "X-Auth-Return-Redirect": "1" };
      const answer = await ask(path + /\/?$/.exec(csrf.url), { method: "POST", redirect: "error", body, headers });
      url = new Request((await answer.json()).url ?? (signsOut ? back : "no:")).url;
      if (url != back && /^(?!http)|[?&](error|csrf)=/.test(url)) url = "";
    } catch {}
    say("end", { start, outcome });
    for (const element of all("[data-auth-error]" + ours)) toggleAttribute.call(element, "hidden", url);
    if (url && (given || url != back || !form || !channel)) {
      location.assign(url);
      if (url.startsWith(here + "#")) location.reload();
    }
    setTimeout(() => (element.disabled = false), 1e3);
  }
  function pressed(event) {
    const submits = event.type == "submit";
    const selector = submits ? "[data-auth-form]" : ":is([data-auth-signin],[data-auth-signout])";
    const element = closest.call(event.target, selector + ours);
    if (!element || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const provider = get(element, submits ? "form" : "signin");
    submits
      ? act(event.submitter ?? element, "/callback/" + provider, element)
      : act(element, provider == null ? "/signout" : "/signin/" + provider);
  }

  addEventListener("click", pressed);
  addEventListener("submit", pressed);
  addEventListener("pageshow", event => event.persisted && say("changed"));
  // The message of a v3 or v4 client, which workers cannot hear. Python's JSON has a blank after the colon.
  addEventListener("storage", event => /^{"event":"/.test(event.newValue) && say("changed"));
  try {
    (channel = new BroadcastChannel(name)).onmessage = hear;
    localStorage[name]; // WebKit tells only those of a change who have looked at it
  } catch {}
})();
