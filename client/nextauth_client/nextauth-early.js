// While Python loads: docs/pages.md
(() => {
  const { base = "/api/auth" } = document.currentScript.dataset;
  const backend = new URL(base, origin).href.replace(/\/+$/, "");
  const controller = new AbortController();
  const abort = () => controller.abort();
  const early = (window.nextauthEarly = { url: backend + "/session", asked: `${Date.now()}`, stop, abort });
  const written = new Map();
  let session, status;

  const kinds = [
    ["[data-auth-show]", "hidden", ({ authShow }) => !authShow.split(/\s+/).includes(status)],
    ["[data-auth-text]", "textContent", ({ authText }) => look(authText)],
    ["img[data-auth-src]", "src", ({ authSrc }) => address(look(authSrc))],
  ];
  const isObject = value => value?.constructor === Object;

  function look(path) {
    const step = (value, key) => (isObject(value) && Object.hasOwn(value, key) ? value[key] : null);
    const value = path.trim().split(".").reduce(step, session);
    return typeof value === "object" ? undefined : `${value}`;
  }
  function address(text) {
    const { href } = Object.assign(document.createElement("a"), { href: text });
    return text && /^https?:/.test(href) ? href : undefined;
  }
  function fill() {
    for (const [selector, name, find] of kinds)
      for (const element of document.querySelectorAll(selector)) {
        const own = written.get(element) ?? {};
        const value = find(element.dataset);
        if (value === undefined || name in own) continue;
        written.set(element, { ...own, [name]: element[name] });
        element[name] = value;
      }
  }
  function show(found, word) {
    for (const [element, own] of written) Object.assign(element, own);
    written.clear();
    session = found;
    status = word;
    fill();
  }
  function understand(text) {
    const data = JSON.parse(text);
    if (isObject(data?.user)) show(data, "authenticated");
    else if (/^(null|{})\s*$/.test(text)) show(null, "unauthenticated");
  }
  // a late answer sets the cookie again
  const channel = window.BroadcastChannel ? new BroadcastChannel("nextauth-client:1:" + backend) : {};
  channel.onmessage = ({ data }) => {
    try {
      const { type, outcome } = JSON.parse(data);
      if (outcome === "nothing") return;
      if (/start|end/.test(type)) abort();
      if (type === "end") show(null, "loading");
    } catch {}
  };
  const observer = new MutationObserver(fill);
  const sheet = new CSSStyleSheet(); // `hidden` is weak

  function stop() {
    observer.disconnect();
    channel.close?.();
    sheet.disabled = true;
    kinds.length = 0; // bind() takes over
    show();
  }
  async function ask() {
    const embedded = document.getElementById("nextauth-session");
    if (embedded) return understand(embedded.textContent);
    setTimeout(abort, 1e4);
    const answer = await fetch(early.url, { credentials: "include", cache: "no-store", signal: controller.signal });
    const text = await answer.text();
    if (text.length > 4e5) return; // too large
    Object.assign(early, { answer, text, came: `${Date.now()}` });
    if (answer.status === 200 && !answer.redirected) understand(text);
  }

  show(null, "loading");
  observer.observe(document, { childList: true, subtree: true });
  early.done = ask().finally(() => (early.over = true)).catch(() => {});
  sheet.replaceSync("[data-auth-show][hidden]{display:none!important}:where([data-auth-text]){unicode-bidi:isolate}");
  document.adoptedStyleSheets.push(sheet);
})();
