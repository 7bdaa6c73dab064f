// Shows the code that runs, out of the files that hold it:
// <pre data-python="greeting">   functions of static/demo.py, by name
// <pre data-html="live-text">    what is written in this page inside the element with this id
// <pre data-file="main.py">      a whole file
const waiting = new Map();

/** The file's text; each is asked for once. */
function read(path) {
  if (!waiting.has(path)) waiting.set(path, fetch(path).then(answer => answer.text()));
  return waiting.get(path);
}

async function find({ python, html, file }) {
  if (file) return read(file);
  if (python) {
    const blocks = (await read("/static/demo.py")).split("\n\n\n");
    return python.split(" ").map(name => blocks.find(block => block.includes(`def ${name}(`)).trim()).join("\n\n");
  }
  // The text, because elements show the session already. What closes an element is indented as what opens it.
  const inside = new RegExp(`^( *)<\\w+ [^>]*id="${html}">\n(.*?)^\\1</`, "ms");
  return (await read(location.pathname)).match(inside)[2];
}

/** A span for each line, so that a long one goes on below its beginning. */
function show(pre, code) {
  const lines = code.trimEnd().split("\n");
  const indents = lines.map(line => line.search(/\S/)).filter(indent => indent >= 0);
  const margin = Math.min(...indents);
  pre.replaceChildren(
    ...lines.map(line => {
      const span = document.createElement("span");
      span.textContent = line.slice(margin) + "\n";
      span.style.setProperty("--indent", Math.max(line.search(/\S/) - margin, 0));
      return span;
    }),
  );
}

// Python comes first, for a second: the page needs it more.
await new Promise(resolve => {
  for (const kind of ["mpy", "py"]) addEventListener(`${kind}:done`, resolve);
  setTimeout(resolve, 1000);
});
for (const pre of document.querySelectorAll("pre:is([data-python], [data-html], [data-file])"))
  find(pre.dataset)
    .then(code => show(pre, code))
    .catch(() => (pre.textContent = "This code could not be loaded."));
