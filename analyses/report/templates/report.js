(function () {
  "use strict";
  var config = {
    displaylogo: false,
    responsive: true,
    showTips: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"]
  };
  var plots = Array.prototype.slice.call(document.querySelectorAll(".plot"));

  function draw(node) {
    if (node.dataset.drawn || !window.Plotly) return;
    node.dataset.drawn = "yes";
    var figure = JSON.parse(node.nextElementSibling.textContent);
    figure.layout.autosize = true;
    delete figure.layout.width;
    figure.layout.paper_bgcolor = "rgba(0,0,0,0)";
    figure.layout.plot_bgcolor = "rgba(0,0,0,0)";
    var own = Object.assign({}, config, { toImageButtonOptions: { format: "svg", filename: node.dataset.name } });
    window.Plotly.newPlot(node, figure.data, figure.layout, own);
  }

  // A report holds dozens of figures: each is drawn when it comes near, so that the page is there at once.
  if ("IntersectionObserver" in window) {
    var watcher = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        if (entry.isIntersecting) {
          watcher.unobserve(entry.target);
          draw(entry.target);
        }
      });
    }, { rootMargin: "600px" });
    plots.forEach(function (node) { watcher.observe(node); });
  } else {
    plots.forEach(draw);
  }

  // Paper has no folds and no scrolling; the tables of numbers behind figures stay closed, they are in the files.
  var opened = [];
  function prepare() {
    document.querySelectorAll("details.fold:not([open]):not(.unprinted)").forEach(function (fold) {
      fold.open = true;
      opened.push(fold);
    });
    plots.forEach(function (node) {
      draw(node);
      if (window.Plotly && node.dataset.drawn) window.Plotly.relayout(node, { width: 680, autosize: false });
    });
  }
  function restore() {
    opened.forEach(function (fold) { fold.open = false; });
    opened = [];
    plots.forEach(function (node) {
      if (window.Plotly && node.dataset.drawn) window.Plotly.relayout(node, { width: null, autosize: true });
    });
  }
  window.addEventListener("beforeprint", prepare);
  window.addEventListener("afterprint", restore);

  // The section that is read is marked in the contents.
  if ("IntersectionObserver" in window) {
    var links = {};
    document.querySelectorAll("nav.contents a").forEach(function (link) { links[link.hash.slice(1)] = link; });
    var reader = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        if (!entry.isIntersecting || !links[entry.target.id]) return;
        document.querySelectorAll("nav.contents a[aria-current]").forEach(function (link) {
          link.removeAttribute("aria-current");
        });
        links[entry.target.id].setAttribute("aria-current", "true");
      });
    }, { rootMargin: "0px 0px -75% 0px" });
    document.querySelectorAll("main section[id]").forEach(function (section) { reader.observe(section); });
  }
})();
