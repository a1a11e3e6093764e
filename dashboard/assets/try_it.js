/* The page Try it: recordings are sent as they are, by drop or by the button; only the worker decodes them. */
"use strict";

(function () {
  const area = () => document.getElementById("try-it-drop");
  const message = (words) => window.dash_clientside.set_props("try-it-message", { children: words });

  async function send(files) {
    const drop = area();
    if (!drop || !files.length) return;
    const form = new FormData();
    for (const file of files) form.append("recordings", file, file.name);
    drop.classList.add("drop-busy");
    message(drop.dataset.sending);
    let answer;
    try {
      const response = await fetch("/try_it/upload", {
        method: "POST",
        body: form,
        headers: { "X-Msfl": "upload", "X-Msfl-Language": document.documentElement.lang || "en" },
      });
      answer = await response.json();
    } catch (_) {
      answer = { error: drop.dataset.failed };
    }
    drop.classList.remove("drop-busy");
    window.dash_clientside.set_props("try-it-upload", { data: answer });
  }

  document.addEventListener("click", function (event) {
    if (!event.target.closest("#try-it-choose")) return;
    const input = document.createElement("input");
    input.type = "file";
    input.multiple = true;
    input.accept = area().dataset.accept;
    input.addEventListener("change", () => send([...input.files]));
    input.click();
  });

  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, function (event) {
      if (!area()) return;
      event.preventDefault(); /* a recording that is dropped beside the area must not replace the page */
      area().classList.toggle("drop-over", Boolean(event.target.closest && event.target.closest("#try-it-drop")));
    });
  }
  document.addEventListener("drop", function (event) {
    if (!area()) return;
    event.preventDefault();
    area().classList.remove("drop-over");
    if (event.target.closest("#try-it-drop")) send([...event.dataTransfer.files]);
  });
})();
