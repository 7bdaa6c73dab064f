// docs
(() => {
  const get = (node, name) => Reflect.get(Reflect.getPrototypeOf(node), name, node);
  const dataset = element => get(element, "dataset");
  const closest = (element, selector) => get(element, "closest").call(element, selector);
  const all = selector => get(document, "querySelectorAll").call(document, selector);

  const { base = "/api/auth" } = dataset(get(document, "currentScript"));
  const name = "nextauth-client:1:" + origin + base;
  const id = "" + Math.random();
  const channel = new (self.BroadcastChannel ?? Object)(name);
  let newest = 0;
  let shown = 0;

  function say(type, more) {
    const stamp = [(newest = Math.max(Date.now(), newest + 1)), id];
    const data = JSON.stringify({ type, stamp, ...more });
    channel.postMessage?.(data);
    hear({ data });
    return stamp;
  }
  function hear({ data }) {
    try {
      const { type, stamp: [at], outcome, session } = JSON.parse(data);
      if (at > Date.now() + 864e5) return;
      if (at > newest) newest = at;
      if (type == "end" && outcome != "nothing" && at == newest) localStorage[name + ":epoch"] = at;
      if (session === undefined || at < shown) return;
      shown = at;
      const status = session ? "authenticated" : "unauthenticated";
      for (const element of all("[data-auth-show]:not([data-auth-ignore] *)"))
        element.hidden = !dataset(element).authShow.split(" ").includes(status);
    } catch {}
  }
  async function act(element, path, body = new FormData()) {
    const given = closest(element, "[data-auth-callback-url]");
    const here = location.host ? location.href.split("#")[0] : origin;
    const back = new Request(given ? dataset(given).authCallbackUrl : here).url;
    if (path == "/signin/") return location.assign(base + "/signin?callbackUrl=" + encodeURIComponent(back));
    element.disabled = true;
    const signal = AbortSignal.timeout(1e4);
    const ask = async (path, more) => (await fetch(base + path, { mode: "same-origin", signal, ...more })).json();
    const start = say("start");
    let outcome = "nothing";
    let url;
    try {
      for (const { name } of all("[data-auth-ignore] [name]")) body.delete(name);
      body.set("csrfToken", (await ask("/csrf")).csrfToken);
      body.set("callbackUrl", back);
      body.set("json", true);
      if (!/^.signin/.test(path)) outcome = "leaving";
      const headers = { "X-Auth-Return-Redirect": "1" };
      const answer = await ask(path, { method: "POST", body: new URLSearchParams(body), headers });
      url = new Request(answer.url ?? (path == "/signout" ? back : "no:")).url;
      if (url != back && /^(?!http)|[?&](error|csrf)=/.test(url)) url = "";
    } catch {}
    say("end", { start, outcome });
    for (const element of all("[data-auth-error]:not([data-auth-ignore] *)")) element.hidden = url;
    if (url && (given || url != back || !/^.callback/.test(path))) location.assign(url);
    setTimeout(() => (element.disabled = false), 1e3);
  }
  function pressed(event) {
    const element = closest(
      event.target,
      event.type == "submit" ? "[data-auth-form]" : "[data-auth-signin],[data-auth-signout]",
    );
    if (!element || event.defaultPrevented || event.ctrlKey || closest(element, "[data-auth-ignore]")) return;
    event.preventDefault();
    const { authForm, authSignin } = dataset(element);
    if (authForm) act(event.submitter ?? element, "/callback/" + authForm, new FormData(element));
    else act(element, authSignin == null ? "/signout" : "/signin/" + authSignin);
  }

  addEventListener("click", pressed);
  addEventListener("submit", pressed);
  addEventListener("pageshow", event => event.persisted && say("changed"));
  channel.onmessage = hear;
})();
