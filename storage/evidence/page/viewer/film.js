/* The videos of each session: seen together, led by the events and the lanes. Moments are
   milliseconds since 1970, by the clock of the bench. */
const SLACK_MS = 1000;
const videosOf = (session) => all(`video[data-session="${session}"]`);
const startOf = (video) => Number(video.dataset.start);
const momentOf = (video) => startOf(video) + video.currentTime * 1000;

const shows = (video, moment) => {
  const after = moment - startOf(video);
  return after >= -SLACK_MS && after <= Number(video.dataset.duration) + SLACK_MS;
};

const seek = (session, moment) => {
  for (const video of videosOf(session)) {
    const seen = shows(video, moment);
    video.parentElement.querySelector(".elsewhere").hidden = seen;
    if (!seen) {
      video.pause();
      continue;
    }
    const after = Math.min(Math.max(moment - startOf(video), 0), Number(video.dataset.duration));
    video.currentTime = after / 1000;
  }
  markMoment(session, moment);
};

const markMoment = (session, moment) => {
  for (const lanes of all(`svg[data-session="${session}"]`)) {
    const start = Number(lanes.dataset.start);
    const share = (100 * (moment - start)) / (Number(lanes.dataset.end) - start);
    const head = lanes.querySelector(".head");
    head.setAttribute("visibility", "visible");
    for (const end of ["x1", "x2"]) head.setAttribute(end, `${Math.min(Math.max(share, 0), 100)}%`);
  }
  const events = all(`a[data-session="${session}"]`);
  const last = events.filter((event) => Number(event.dataset.at) <= moment + 50).at(-1);
  for (const event of events) event.parentElement.classList.toggle("now", event === last);
};

const tellMoment = (video) => {
  const date = new Date(momentOf(video));
  if (Number.isNaN(date.getTime())) return;
  const tenth = Math.floor(date.getMilliseconds() / 100);
  const shown = `${day(date, inLocalTime)} ${timeOfDay(date, inLocalTime)}.${tenth}`;
  video.closest("figure").querySelector(".moment").textContent = `${shown} ${zone(date, inLocalTime)}`;
};

const isPlaying = (session) => videosOf(session).some((video) => !video.paused && !video.ended);

const tellPlaying = (session) => {
  for (const group of all(`.together[data-session="${session}"]`)) {
    group.classList.toggle("playing", isPlaying(session));
  }
};

const playTogether = (session) => {
  const videos = videosOf(session);
  if (isPlaying(session)) {
    for (const video of videos) video.pause();
    return;
  }
  const ready = videos.filter((video) => !video.error);
  if (!ready.length) return;
  const leading = ready.find((video) => video.currentTime > 0 && !video.ended) ?? ready[0];
  const moment = leading.ended ? startOf(leading) : momentOf(leading);
  seek(session, moment);
  for (const video of ready) if (shows(video, moment) && !video.ended) video.play().catch(() => {});
};

const follow = (video) => {
  const session = video.dataset.session;
  const figure = video.closest("figure");
  const onFrame = () => {
    tellMoment(video);
    if (!video.paused || document.activeElement === video) markMoment(session, momentOf(video));
  };
  for (const event of ["timeupdate", "seeked", "loadedmetadata"]) video.addEventListener(event, onFrame);
  for (const event of ["play", "pause", "ended"]) {
    video.addEventListener(event, () => tellPlaying(session));
  }
  video.addEventListener("play", () => {
    figure.querySelector(".elsewhere").hidden = true;
  });
  const failed = () => {
    figure.querySelector(".unplayable").hidden = false;
    figure.querySelector(".screen").hidden = true;
    noteLost();
  };
  video.addEventListener("error", failed);
  if (video.error) failed();
};

/* Photos and videos that all fail mean that the page lies alone: opened inside the ZIP. */
const noteLost = () => {
  const videos = all("video");
  const images = all("main img");
  const tried = images.filter((image) => image.complete);
  const lost = videos.every((video) => video.error) && tried.every((image) => !image.naturalWidth);
  if (lost && videos.length + tried.length > 0) document.getElementById("packed").hidden = false;
};

const startFilm = () => {
  all("video").forEach(follow);
  for (const image of all("main img")) image.addEventListener("error", noteLost);
  if (all("main img").some((image) => image.complete && !image.naturalWidth)) noteLost();
  for (const event of all("a[data-at]")) {
    event.addEventListener("click", (click) => {
      click.preventDefault();
      seek(event.dataset.session, Number(event.dataset.at));
      const film = videosOf(event.dataset.session)[0].closest(".film");
      film.scrollIntoView({ block: "nearest", behavior: "smooth" });
    });
  }
  for (const lanes of all("svg[data-session]")) {
    lanes.addEventListener("click", (click) => {
      const box = lanes.getBoundingClientRect();
      const share = Math.min(Math.max((click.clientX - box.left) / box.width, 0), 1);
      const start = Number(lanes.dataset.start);
      seek(lanes.dataset.session, start + share * (Number(lanes.dataset.end) - start));
    });
  }
  for (const group of all(".together")) {
    const session = group.dataset.session;
    group.querySelector(".play").addEventListener("click", () => playTogether(session));
    const speeds = all("[data-speed]", group);
    for (const button of speeds) {
      button.addEventListener("click", () => {
        for (const video of videosOf(session)) video.playbackRate = Number(button.dataset.speed);
        for (const each of speeds) each.setAttribute("aria-pressed", String(each === button));
      });
    }
  }
};
