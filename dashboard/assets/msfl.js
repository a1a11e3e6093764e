/* Small things that only the browser can do. Pages add files of their own; functions are called with
   ClientsideFunction("msfl_PAGE", "name"), never with inline scripts, which the security policy forbids. */
"use strict";

/* Plotly without maps and three dimensions: a third of the size. Dash would set the address of the whole. */
Object.defineProperty(window, "_dashPlotlyJSURL", {
  get: () => "/assets/vendor/plotly-cartesian-4.1.1.min.js?v=4.1.1",
  set: () => {},
});

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== except) menu.removeAttribute("open");
}
document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
document.addEventListener("keydown", function (event) {
  const open = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (!open) return;
  closeMenus(null);
  open.querySelector("summary").focus();
});

window.dash_clientside = window.dash_clientside || {};

window.dash_clientside.msfl = {
  /* After a change of view: title and language of the document; on a new page, the keyboard starts at its head. */
  arrive: function (words, pathname) {
    if (!words) return window.dash_clientside.no_update;
    document.title = words.title;
    document.documentElement.lang = words.lang;
    for (const tab of document.querySelectorAll(".page-tab")) {
      if (tab.classList.contains("page-tab-here")) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    closeMenus(null);
    const before = window.msflPathname;
    window.msflPathname = pathname;
    if (before !== undefined && before !== pathname) {
      window.scrollTo(0, 0);
      const main = document.getElementById("main");
      if (main) main.focus({ preventScroll: true });
    }
    return window.dash_clientside.no_update;
  },
};
