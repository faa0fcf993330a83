/* Starts the page. */
speak((navigator.languages ?? [navigator.language]).find((each) => /^(en|zh)\b/i.test(each))?.slice(0, 2).toLowerCase() ?? "en");
tellTime(false);
document.documentElement.classList.add("running");
for (const button of all("button[data-lang]")) {
  button.addEventListener("click", () => speak(button.dataset.lang));
}
for (const button of all("button[data-clock]")) {
  button.addEventListener("click", () => {
    tellTime(button.dataset.clock === "local");
    all("video").forEach(tellMoment);
  });
}
startFilm();
startZoom();
startVerify();
addEventListener("beforeprint", () => all("details").forEach((each) => (each.open = true)));
