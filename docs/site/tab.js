// A tab of a live example: shows the HTML and runs the Python that the docs' page has put into sessionStorage, where a tab
// that goes elsewhere and comes back finds them once more. What it has to say on the console is shown below it.
import { mount } from "./backend.js";

const [example, tab] = location.hash.slice(1).split("/");
const tell = message => parent.postMessage({ ...message, example, tab }, location.origin);
const at = name => new URL(name, import.meta.url).href;

for (const level of ["log", "warn", "error"]) {
  const write = console[level];
  console[level] = (...words) => {
    write.apply(console, words);
    tell({ level, text: words.map(String).join(" ") });
  };
}
addEventListener("error", event => tell({ level: "error", text: event.message }));
addEventListener("unhandledrejection", event => tell({ level: "error", text: String(event.reason?.message ?? event.reason) }));
addEventListener("mpy:done", () => (document.documentElement.dataset.ran = ""));

new ResizeObserver(() => tell({ height: document.documentElement.offsetHeight })).observe(document.documentElement);

mount();
// A window for a sign-in that has come back has none: the tab that opened it closes it.
const { html = "", python = "" } = JSON.parse(sessionStorage.getItem(`nextauth-docs:${example}`) ?? "{}");
document.body.innerHTML = html;
const script = document.createElement("script");
script.type = "mpy";
script.textContent = python;
script.setAttribute(
  "config",
  JSON.stringify({
    interpreter: at("micropython/micropython.mjs"),
    files: { [at("nextauth_client.tar.gz.bin") + "#.tar.gz"]: "./*" },
    plugins: ["!error"], // the console says it
  }),
);
document.body.append(script);
await import("./pyscript/core.js");
