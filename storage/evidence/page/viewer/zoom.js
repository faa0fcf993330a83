/* One photo at a time, large: by mouse, finger or keys. */
const CLOSER = 1.5;
const MOST = 16;

const startZoom = () => {
  const dialog = document.getElementById("zoom");
  const stage = dialog.querySelector(".stage");
  const image = dialog.querySelector("img");
  const links = all("a.zoom");
  let at = 0;
  let scale = 1;

  const width = () => {
    const fits = Math.min(stage.clientWidth / image.naturalWidth, stage.clientHeight / image.naturalHeight);
    return image.naturalWidth * fits * scale;
  };
  const draw = (x = stage.clientWidth / 2, y = stage.clientHeight / 2) => {
    if (!image.naturalWidth) return;
    const old = image.getBoundingClientRect();
    const box = stage.getBoundingClientRect();
    const share = [(box.left + x - old.left) / (old.width || 1), (box.top + y - old.top) / (old.height || 1)];
    image.style.width = `${width()}px`;
    const now = image.getBoundingClientRect();
    stage.scrollLeft += now.left + share[0] * now.width - box.left - x;
    stage.scrollTop += now.top + share[1] * now.height - box.top - y;
  };
  const nearer = (by, x, y) => {
    scale = Math.min(Math.max(scale * by, 1), MOST);
    draw(x, y);
  };
  const fit = () => {
    scale = 1;
    draw();
  };
  const show = (place) => {
    at = (place + links.length) % links.length;
    const link = links[at];
    const caption = link.closest("figure")?.querySelector("figcaption");
    scale = 1;
    image.src = link.href;
    image.alt = link.querySelector("img")?.alt ?? link.title;
    dialog.querySelector(".tools p").replaceChildren(
      ...(caption ? [...caption.cloneNode(true).childNodes] : [image.alt]),
    );
    dialog.querySelector(".keys a").href = link.href;
    draw();
  };
  const acts = {
    previous: () => show(at - 1),
    next: () => show(at + 1),
    closer: () => nearer(CLOSER),
    farther: () => nearer(1 / CLOSER),
    fit,
    close: () => dialog.close(),
  };
  const keys = { ArrowLeft: "previous", ArrowRight: "next", "+": "closer", "=": "closer", "-": "farther", 0: "fit" };

  image.addEventListener("load", fit);
  addEventListener("resize", () => dialog.open && draw());
  links.forEach((link, place) => {
    link.addEventListener("click", (click) => {
      click.preventDefault();
      dialog.showModal();
      show(place);
      stage.focus();
    });
  });
  for (const button of all("[data-zoom]", dialog)) {
    button.addEventListener("click", acts[button.dataset.zoom]);
  }
  dialog.addEventListener("close", () => links[at].focus());
  dialog.addEventListener("keydown", (press) => {
    const act = keys[press.key];
    const panning = scale > 1 && press.key.startsWith("Arrow");
    if (!act || panning) return;
    press.preventDefault();
    acts[act]();
  });
  stage.addEventListener("wheel", (turn) => {
    turn.preventDefault();
    const box = stage.getBoundingClientRect();
    nearer(turn.deltaY < 0 ? 1.2 : 1 / 1.2, turn.clientX - box.left, turn.clientY - box.top);
  }, { passive: false });
  image.addEventListener("dblclick", () => (scale > 1 ? fit() : nearer(4)));
  let held = null;
  stage.addEventListener("pointerdown", (press) => {
    if (press.pointerType === "mouse") held = [press.clientX, press.clientY];
  });
  addEventListener("pointerup", () => (held = null));
  stage.addEventListener("pointermove", (move) => {
    if (!held) return;
    stage.scrollBy(held[0] - move.clientX, held[1] - move.clientY);
    held = [move.clientX, move.clientY];
  });
  stage.addEventListener("dragstart", (drag) => drag.preventDefault());
};
