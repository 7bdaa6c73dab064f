"""How the developer tools' panel looks, light and dark, on a phone and beside a page. No rule of a page reaches it."""

STYLE = """
:host {
  all: initial;
  color-scheme: light dark;
  position: fixed;
  z-index: 2147483647;
  inset: auto 0 0 auto;
}
* { box-sizing: border-box; }
[hidden] { display: none; }
.panel {
  --back: #fff;
  --text: #1b1f2d;
  --soft: #565c6e;
  --line: #d9dce7;
  --tint: #f3f4f9;
  --accent: #3450c5;
  --warn: #fff1cc;
  --warn-text: #614300;
  display: flex;
  flex-direction: column;
  width: min(42rem, calc(100vw - 24px));
  max-height: min(44rem, calc(100vh - 24px));
  margin: 12px;
  border: 1px solid var(--line);
  border-radius: 14px;
  background: var(--back);
  color: var(--text);
  box-shadow: 0 2px 6px rgb(0 0 0 / .08), 0 18px 48px -12px rgb(10 16 50 / .35);
  overflow: hidden;
  font: 13px/1.5 system-ui, sans-serif;
  text-align: start;
}
@media (prefers-color-scheme: dark) {
  .panel {
    --back: #191c26;
    --text: #eceef6;
    --soft: #a7aec3;
    --line: #343a4c;
    --tint: #12151d;
    --accent: #9db0ff;
    --warn: #43340e;
    --warn-text: #ffe3a1;
  }
}
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
header {
  display: flex;
  align-items: center;
  gap: 10px;
  padding: 8px 8px 8px 16px;
  border-bottom: 1px solid var(--line);
}
h2 { margin: 0; font-size: 14px; font-weight: 650; letter-spacing: -.01em; }
h2 + span { color: var(--soft); font: 12px ui-monospace, monospace; }
header button { margin-inline-start: auto; border-color: transparent; font-size: 18px; line-height: 1; }
.body { overflow: auto; padding: 12px 16px 16px; overscroll-behavior: contain; outline-offset: -2px; }
h3 {
  margin: 18px 0 6px;
  color: var(--soft);
  font-size: 12px;
  font-weight: 650;
  letter-spacing: .05em;
  text-transform: uppercase;
}
dl { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 10px 20px; margin: 0; }
.wide { grid-column: span 2; }
dt { color: var(--soft); font-size: 12px; }
dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
dd[data-fact="state"] { font-weight: 650; }
.buttons { display: flex; flex-wrap: wrap; gap: 6px; margin: 14px 0 0; }
h3 + .buttons { margin: 0; }
button, input {
  min-height: 30px;
  padding: 4px 10px;
  border: 1px solid var(--line);
  border-radius: 8px;
  background: var(--back);
  color: inherit;
  font: inherit;
}
button { cursor: pointer; }
button:hover { background: var(--tint); }
button[aria-pressed="true"] { border-color: var(--accent); background: var(--accent); color: var(--back); }
input { flex: 1 1 150px; min-width: 0; }
input::placeholder { color: var(--soft); opacity: 1; }
.on { margin: 12px 0 0; padding: 8px 12px; border-radius: 8px; background: var(--warn); color: var(--warn-text); }
.on p { margin: 0; }
[role="status"] { min-height: 1.5em; margin: 8px 0 0; color: var(--soft); overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 3px 12px 3px 0; text-align: start; vertical-align: baseline; overflow-wrap: anywhere; }
th { color: var(--soft); font-size: 12px; font-weight: 400; }
td:first-child, li { font: 12px/1.5 ui-monospace, monospace; }
.events {
  height: 260px;
  margin-top: 8px;
  overflow: auto;
  border: 1px solid var(--line);
  border-radius: 8px;
  background: var(--tint);
}
ol { margin: 0; padding: 4px 0; list-style: none; }
li {
  display: grid;
  grid-template-columns: 92px minmax(0, 1fr);
  gap: 0 8px;
  padding: 3px 10px;
  overflow-wrap: anywhere;
}
li + li { border-top: 1px solid var(--line); }
time, li p { color: var(--soft); }
li p { grid-column: 2; margin: 0; }
textarea {
  width: 100%;
  height: 120px;
  margin-top: 8px;
  border: 1px solid var(--line);
  border-radius: 8px;
  background: var(--tint);
  color: inherit;
  font: 12px/1.4 ui-monospace, monospace;
}
@media (max-width: 40rem) {
  :host { inset: auto 0 0 0; }
  .panel { width: auto; max-height: 70vh; margin: 0; border-width: 1px 0 0; border-radius: 14px 14px 0 0; }
  dl { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  button, input { min-height: 36px; }
}
@media (forced-colors: active) {
  button[aria-pressed="true"] { outline: 2px solid; }
}
"""
