// Live examples: what stands in <div class="live"> (a block of HTML, a block of Python) can be edited, and is run in two
// tabs side by side, on MicroPython, against a backend in the page.
import { read, write } from "./backend.js";

const FRAMES = 2;
const FRAME_PADDING = 28; // pixels
const TALLEST = 560;
let number = 0;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

class Example {
  constructor(root) {
    this.name = `example-${++number}`;
    const blocks = [...root.querySelectorAll(".highlight")];
    const code = kind => blocks.find(block => block.classList.contains(`language-${kind}`))?.textContent.trimEnd() + "\n";
    this.written = { html: code("html"), python: code("python") };
    this.html = this.editor("The page (HTML)", this.written.html);
    this.python = this.editor("Its Python", this.written.python);
    this.stage = make("div", { class: "live-stage", hidden: "" });
    this.tabs = [];
    this.down = make("input", { type: "checkbox", onchange: ({ target }) => breakBackend(target.checked) });
    const tools = make(
      "p",
      { class: "live-tools" },
      make("button", { type: "button", class: "md-button md-button--primary", onclick: () => this.run() }, "Run"),
      make("button", { type: "button", class: "md-button", onclick: () => this.reset() }, "Reset"),
      make("label", { class: "live-down" }, this.down, " The backend is down"),
    );
    const hint = make("p", { class: "live-hint" });
    hint.innerHTML =
      "Runs in two tabs, on MicroPython. <kbd>ada</kbd> / <kbd>lovelace</kbd> or <kbd>alan</kbd> / <kbd>turing</kbd> may sign in. " +
      "In an editor <kbd>Ctrl</kbd> <kbd>Enter</kbd> runs, too, and <kbd>Tab</kbd> leaves it.";
    blocks.forEach(block => block.remove());
    root.append(this.html.label, this.python.label, tools, hint, this.stage);
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", "Live example");
    root.dataset.ready = "";
  }

  editor(title, text) {
    const area = make("textarea", { spellcheck: "false", autocapitalize: "off", autocomplete: "off", wrap: "off" });
    area.value = text;
    area.rows = text.split("\n").length - 1;
    area.addEventListener("keydown", event => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.run();
      }
    });
    return { area, label: make("label", { class: "live-editor" }, make("span", {}, title), area) };
  }

  run() {
    sessionStorage.setItem(
      `nextauth-docs:${this.name}`,
      JSON.stringify({ html: this.html.area.value, python: this.python.area.value }),
    );
    this.tabs = Array.from({ length: FRAMES }, (_, index) => this.tab(index + 1));
    this.stage.replaceChildren(...this.tabs.map(({ element }) => element));
    this.stage.hidden = false;
  }

  tab(index) {
    const title = `Tab ${index}`;
    const url = new URL(`tab.html#${this.name}/${index}`, import.meta.url);
    const frame = make("iframe", { src: url, title });
    // One can scroll it by keyboard.
    const output = make("pre", { role: "log", "aria-label": `Console of tab ${index}`, tabindex: "0", hidden: "" });
    return { element: make("div", { class: "live-tab" }, make("p", { "aria-hidden": "true" }, title), frame, output), frame, output };
  }

  heard({ tab, level, text, height }) {
    const { frame, output } = this.tabs[tab - 1] ?? {};
    if (!frame) return;
    if (height) {
      frame.style.height = `${Math.min(height + FRAME_PADDING, TALLEST)}px`;
      return;
    }
    output.append(make("span", { class: `live-${level}` }, `${text.trimEnd()}\n`));
    output.hidden = false;
    output.scrollTop = output.scrollHeight;
  }

  /** The code as it was written, nothing running, nobody signed in. */
  reset() {
    this.html.area.value = this.written.html;
    this.python.area.value = this.written.python;
    this.tabs = [];
    this.stage.replaceChildren();
    this.stage.hidden = true;
    write({ user: null });
    breakBackend(false);
  }
}

/** All examples of the site have one backend. */
function breakBackend(down) {
  write({ down });
  for (const example of examples) example.down.checked = down;
}

const examples = [...document.querySelectorAll("div.live")].map(root => new Example(root));
breakBackend(Boolean(read().down));
addEventListener("message", event => {
  if (event.origin === location.origin) examples.find(({ name }) => name === event.data?.example)?.heard(event.data);
});
