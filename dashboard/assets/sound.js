/* The play head over a drawing, one player at a time, and playing from where one clicks. */
"use strict";

(function () {
  const LEFT = 52, RIGHT = 60; /* margins of components/sound_figure.py */

  function move(audio) {
    const box = audio.closest(".sound");
    if (!box || !audio.duration) return;
    box.classList.add("heard");
    box.style.setProperty("--at", String(audio.currentTime / audio.duration));
  }

  function follow(audio) {
    move(audio);
    if (!audio.paused && !audio.ended && audio.isConnected) requestAnimationFrame(() => follow(audio));
  }

  /* Media events do not bubble, but they can be caught on the way down. */
  document.addEventListener("play", (event) => {
    for (const other of document.querySelectorAll("audio")) if (other !== event.target) other.pause();
    follow(event.target);
  }, true);
  document.addEventListener("seeked", (event) => move(event.target), true);

  document.addEventListener("click", (event) => {
    const drawing = event.target.closest && event.target.closest(".sound-figure");
    const box = drawing && drawing.closest(".sound");
    const audio = box && box.querySelector("audio");
    if (!audio || event.target.closest(".modebar")) return;
    const frame = drawing.getBoundingClientRect();
    const share = (event.clientX - frame.left - LEFT) / (frame.width - LEFT - RIGHT);
    if (share < 0 || share > 1) return;
    const start = () => { audio.currentTime = share * audio.duration; };
    if (audio.readyState >= 1) start();
    else audio.addEventListener("loadedmetadata", start, { once: true });
    audio.play();
  });
})();
