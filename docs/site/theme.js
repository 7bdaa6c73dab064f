// What mkdocs-material makes in the page once it is loaded, for who comes by keyboard or with a screen reader.
function mend() {
  // Not a landmark, of which a page with much code would have dozens: the buttons in it say what they are.
  for (const bar of document.querySelectorAll("nav.md-code__nav:not([role])")) bar.setAttribute("role", "none");
  // What is wider than the page is scrolled by keyboard, too.
  for (const wide of document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])")) wide.tabIndex = 0;
}
new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
mend();

// The menu of narrow windows, by keyboard: a button opens it and leads there, Escape and whoever leaves it close it.
const drawer = document.getElementById("__drawer");
const menu = document.querySelector(".md-sidebar--primary");
const label = document.querySelector('.md-header [for="__drawer"]');
const opener = document.createElement("button");
opener.type = "button";
opener.className = `${label.className} menu-button`;
opener.setAttribute("aria-label", "Menu");
opener.append(...label.childNodes);
label.replaceWith(opener);

const setMenu = open => drawer.checked !== open && drawer.click(); // by which the theme hears of it
const showMenu = () => opener.setAttribute("aria-expanded", drawer.checked);
showMenu();
drawer.addEventListener("change", showMenu);
opener.addEventListener("click", () => {
  setMenu(true);
  [...menu.querySelectorAll("a[href], input")].find(one => one.checkVisibility({ visibilityProperty: true }))?.focus();
});
menu.addEventListener("focusout", ({ relatedTarget }) => {
  if (relatedTarget && !menu.contains(relatedTarget)) setMenu(false);
});
document.addEventListener("keydown", event => {
  if (event.key === "Enter" && event.target.matches(".md-nav__toggle")) event.target.click();
  if (event.key !== "Escape" || !drawer.checked) return;
  setMenu(false);
  opener.focus();
});
