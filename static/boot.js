// Before Python runs: choose the interpreter by ?interpreter=, load PyScript, which must not look before that, and show how
// far the start has come.
(async () => {
  if (document.readyState === "loading") await new Promise(done => addEventListener("DOMContentLoaded", done));
  const root = document.documentElement;
  const script = document.querySelector('script[type="mpy"]');
  const pyodide = new URLSearchParams(location.search).get("interpreter") === "pyodide";
  if (pyodide) {
    script.type = "py";
    script.setAttribute("config", "/static/pyodide.json");
  }
  document.getElementById(pyodide ? "use-pyodide" : "use-micropython").setAttribute("aria-current", "true");

  const text = document.getElementById("boot-text");
  const progress = document.getElementById("boot-progress");
  const name = pyodide ? "Pyodide" : "MicroPython";
  const step = (value, words) => {
    progress.value = Math.max(progress.value, value);
    text.textContent = words;
  };
  step(1, `${name} is loading …`);
  for (const kind of ["py", "mpy"]) {
    addEventListener(`${kind}:progress`, ({ detail }) => step(2, `${name}: ${detail}`));
    addEventListener(`${kind}:ready`, () => step(3, `${name} runs this page's Python …`));
    // demo.py takes data-booting off once it shows the session; if it ended without, it failed.
    addEventListener(`${kind}:done`, () => {
      if (root.hasAttribute("data-booting")) failed("This page's Python stopped with an error. The browser's console has it.");
    });
  }
  function failed(words) {
    root.dataset.booting = "failed";
    text.textContent = words;
    document.getElementById("boot").setAttribute("role", "alert");
  }
  const missing = () =>
    failed("Python could not be loaded. Run `make demo` in the checkout: it installs what this page needs.");
  // So it is said that PyScript, a file of the interpreter, or the archive is not there.
  addEventListener("unhandledrejection", () => {
    if (root.hasAttribute("data-booting")) missing();
  });

  // How many tabs show this page: each holds a shared lock, but not while it is in the back/forward cache.
  const { locks } = navigator;
  if (locks) {
    let letGo;
    const hold = () =>
      locks.request("nextauth-demo", { mode: "shared" }, () => {
        count();
        return new Promise(resolve => (letGo = resolve));
      });
    const count = async () => {
      const { held } = await locks.query();
      const tabs = String(held.filter(lock => lock.name === "nextauth-demo").length);
      const shown = document.getElementById("tabs");
      if (shown.textContent !== tabs) shown.textContent = tabs;
    };
    hold();
    setInterval(count, 1000);
    addEventListener("pagehide", () => letGo?.());
    addEventListener("pageshow", event => event.persisted && hold());
  }
  await import("/static/vendor/pyscript/core.js");
})();
