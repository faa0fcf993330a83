/* What a person sees of the verification: choosing a folder, its progress, its result. */
const SHOWN_PROBLEMS = 200;
const FINGERPRINT_DIGITS = 64;

const startVerify = () => {
  const section = document.getElementById("verify");
  const [drop, running, result] = [".drop", ".running", ".result"].map((each) => section.querySelector(each));
  const bar = running.querySelector("progress");
  const doing = running.querySelector(".doing");
  let stopped = false;

  const verify = async (gather) => {
    stopped = false;
    result.replaceChildren();
    running.hidden = false;
    drop.hidden = true;
    running.querySelector("button").focus();
    try {
      if (!globalThis.crypto?.subtle) throw new Malformed("no_crypto");
      const picked = await gather().catch((error) => {
        throw Object.assign(new Malformed("unreadable_folder"), { facts: { why: error.message } });
      });
      const { files, left } = packageIn(picked);
      const sizes = [...files.values()].map((file) => file.size);
      const whole = sizes.reduce((sum, size) => sum + size, 0);
      const problems = await checkPackage(files, told, meterOf(whole));
      conclude(problems, left, { files: files.size, size: bySize(whole), site: told.site });
    } catch (error) {
      if (error instanceof Stopped) tell("doubt", "stopped", say("stopped_said"));
      else if (error instanceof Malformed) tell("doubt", "failed", say(error.message, error.facts));
      else tell("doubt", "failed", `${error.name}: ${error.message}`);
    } finally {
      running.hidden = true;
      drop.hidden = false;
    }
  };

  const meterOf = (whole) => {
    let done = 0;
    return (name, bytes) => {
      if (stopped) throw new Stopped();
      done += bytes;
      const percent = whole ? Math.floor((100 * done) / whole) : 100;
      bar.value = percent;
      doing.replaceChildren(say("checking", { percent, done: bySize(done), all: bySize(whole), name }));
    };
  };

  const conclude = (problems, left, facts) => {
    const notes = left.map((name) => element("p", {}, say("left_by_system", { name })));
    if (!problems.length) {
      tell("good", "whole", say("whole_said", facts), element("p", {}, say("whole_now")), ...notes);
      return;
    }
    const lines = problems.slice(0, SHOWN_PROBLEMS).map(({ name, key, facts: more }) =>
      element("li", {}, element("code", { textContent: harmless(name) }), " ", say(key, more)));
    const rest = problems.length - lines.length;
    if (rest > 0) lines.push(element("li", {}, say("more", { count: rest })));
    const count = say("broken_said", { count: problems.length });
    tell("bad", "broken", count, element("ul", {}, ...lines), ...notes);
  };

  /* The result, in full here and in short at the top. */
  const tell = (verdict, key, what, ...more) => {
    const mark = () => element("span", {
      className: `sign ${verdict}`, textContent: { good: "✔", bad: "✘", doubt: "!" }[verdict], ariaHidden: "true",
    });
    const short = element("strong", {}, mark(), " ", say(key));
    result.replaceChildren(
      element("div", { className: `tile ${verdict}` }, short, element("p", {}, what), ...more),
    );
    const tile = document.getElementById("checked");
    tile.className = `tile ${verdict}`;
    tile.querySelector("strong").replaceWith(short.cloneNode(true));
    result.scrollIntoView({ block: "nearest" });
  };

  const input = document.getElementById("folder");
  input.addEventListener("change", () => {
    if (!input.files.length) return;
    const picked = pickedFiles(input);
    input.value = "";
    verify(async () => picked);
  });
  document.getElementById("cancel").addEventListener("click", () => (stopped = true));
  for (const kind of ["dragover", "drop"]) {
    addEventListener(kind, (event) => event.preventDefault());
  }
  addEventListener("dragover", () => drop.classList.add("over"));
  for (const kind of ["dragleave", "drop", "dragend"]) {
    addEventListener(kind, () => drop.classList.remove("over"));
  }
  addEventListener("drop", (event) => {
    if (!running.hidden || !event.dataTransfer?.items?.length) return;
    const picked = droppedFiles(event.dataTransfer);
    verify(() => picked);
  });
  startComparing();
};

/* A fingerprint from elsewhere against that of the package's root certificate. */
const startComparing = () => {
  const published = document.getElementById("published");
  const compared = document.getElementById("compared");
  published.addEventListener("input", () => {
    const digits = published.value.replace(/^.*(fingerprint|sha-?256)\s*[=:]/i, "").replace(/[\s:-]/g, "").toLowerCase();
    if (!digits) compared.replaceChildren();
    else if (digits === told.root) compared.replaceChildren(say("equal"));
    else if (/^[0-9a-f]{64}$/.test(digits)) compared.replaceChildren(say("different"));
    else compared.replaceChildren(say("too_short", { count: digits.length }));
    compared.className = !digits ? "" : digits === told.root ? "good" : digits.length === FINGERPRINT_DIGITS ? "bad" : "doubt";
  });
};
