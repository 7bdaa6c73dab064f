// What mkdocs-material makes in the page once it is loaded, for who comes by keyboard or with a screen reader.
function mend() {
  // Not a landmark, of which a page with much code would have dozens: the buttons in it say what they are.
  for (const bar of document.querySelectorAll("nav.md-code__nav:not([role])")) bar.setAttribute("role", "none");
  // What is wider than the page is scrolled by keyboard, too.
  for (const wide of document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])")) wide.tabIndex = 0;
}
new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
mend();
