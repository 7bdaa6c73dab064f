// docs
(() => {
  const get = (node, name) => Reflect.get(Reflect.getPrototypeOf(node), name, node);
  const set = (node, name, value) => Reflect.set(Reflect.getPrototypeOf(node), name, value, node);
  const outside = list => `:not(${list},:is(${list}) *)`;
  const all = selector => get(document, "querySelectorAll").call(document, selector + outside("[data-auth-ignore]"));
  const resolve = text => new URL(text, get(document, "baseURI")).href;

  const { base = "/api/auth", then } = get(document, "currentScript").dataset;
  const load = () => then && import(resolve(then));
  setTimeout(load, 1e3);
  const backend = new URL(base, origin).href.replace(/\/+$/, "");
  const controller = new AbortController();
  const abort = () => controller.abort();
  const early = (self.nextauthEarly = { url: backend + "/session", asked: "" + Date.now(), stop, abort });
  const shown = new Map();
  let session, status;

  const noText = "input,textarea,select,option,optgroup,datalist,script,style,noscript,template,iframe,object,embed";
  const kinds = [
    ["[data-auth-show]", "authShow", "hidden", words => !words.split(/\s+/).some(holds)],
    ["[data-auth-text]" + outside(noText), "authText", "textContent", look],
    ["img[data-auth-src]", "authSrc", "src", path => /^https?:.*/.exec(resolve(look(path) || "no:"))?.[0]],
  ];

  function at(path) {
    return path.split(".").reduce((value, key) => (value?.constructor == Object || undefined) && value[key], session);
  }
  function look(path) {
    return at(path)?.toWellFormed?.();
  }
  function holds(word) {
    const [, not, path, sign, text] = /^(!?)([^!~=.]+(?:\.[^!~=.]+)*)(?:(~?=)(.+))?$/.exec(word) ?? [];
    if (!session || (!sign && !path?.includes("."))) return word == status;
    const found = at(path);
    if ([].concat(found).some(one => one === "0" || typeof one == "number")) return false;
    const same = value => /^[sb]/.test(typeof value) && value + "" == text;
    const full = () => !/^(undefined|false|null|""|\[]|{})$/.test(JSON.stringify(found));
    return !not == (sign == "=" ? same(found) : sign ? Array.isArray(found) && found.some(same) : full());
  }
  function fill() {
    for (const [selector, key, name, find] of kinds)
      for (const node of all(selector))
        try {
          const own = shown.get(node) || {};
          const value = find(get(node, "dataset")[key]);
          if (value == null || name in own) continue;
          shown.set(node, own);
          own[name] = get(node, name);
          set(node, name, value);
        } catch {}
  }
  function show(...now) {
    for (const [node, own] of shown) for (const name in own) set(node, name, own[name]);
    shown.clear();
    [session, status] = now;
    fill();
  }
  function read(text) {
    const data = JSON.parse(text, (key, value, { source } = {}) => (/^\d+$/.test(source) ? source : value));
    if (/u0000/.test(text) || Date.parse(data?.expires) < Date.now() || stored(":used") == 0) return;
    if (data?.user?.constructor == Object) show(data, "authenticated");
    if (/^(null|{})\s*$/.test(text)) show(null, "unauthenticated");
  }
  const name = "nextauth-client:1:" + backend;
  const stored = key => {
    try {
      return localStorage[name + key];
    } catch {}
  };
  const channels = {};
  const hear = ({ data }) => {
    try {
      const { type, outcome } = JSON.parse(data);
      if (outcome == "nothing") return;
      if (/start|end/.test(type)) abort();
      if (type == "end") show(null, "loading");
      if (type != "changed") return;
    } catch {}
    early.stale = 1;
  };
  try {
    for (const id of [name, "next-auth"]) (channels[id] = new BroadcastChannel(id)).onmessage = hear;
  } catch {}
  const observer = new MutationObserver(fill);
  const sheet = new CSSStyleSheet();

  function stop() {
    observer.disconnect();
    for (const id in channels) channels[id].close();
    sheet.replaceSync("");
    kinds.length = 0;
    show();
  }
  async function ask() {
    const [embedded] = all("script#nextauth-session[type$=json]");
    if (embedded) {
      const rendered = embedded.dataset.at ?? 0;
      const said = JSON.parse(localStorage["nextauth.message"] ?? "{}");
      const isOld = rendered * 1e3 < stored(":epoch") || (!said["nextauth-client"] && rendered < said.timestamp + 1);
      return isOld || read(embedded.text);
    }
    setTimeout(abort, 1e4);
    const answer = await fetch(early.url, { credentials: "include", cache: "no-store", signal: controller.signal });
    const text = await answer.text();
    if (text[4e5]) return;
    Object.assign(early, { answer, text, came: "" + Date.now() });
    if (answer.ok && answer.url.replace(/\/+$/, "") == early.url) read(text);
  }

  show(null, "loading");
  observer.observe(document, { childList: true, subtree: true });
  early.done = ask().catch(Object).then(() => requestAnimationFrame(load, (early.over = true)));
  sheet.replaceSync("[data-auth-show][hidden]{display:none!important}:where([data-auth-text]){unicode-bidi:isolate}");
  get(document, "adoptedStyleSheets").push(sheet);
  addEventListener("load", () => {
    for (const form of all("form[data-auth-form]:not([method=post])")) console.warn("no method=post", form);
  });
})();
