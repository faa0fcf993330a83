/* Words in both languages, of which the style shows one; times in UTC or as on this computer. */
const told = JSON.parse(document.getElementById("told").textContent);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

const filled = (words, facts) =>
  words.replace(/\{(\w+)\}/g, (_, name) => `\u2068${harmless(String(facts[name]))}\u2069`);

/* A text from outside with every character spelled out that could act on its reader. */
const harmless = (text) =>
  text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0).toString(16).toUpperCase()}}`);

const element = (tag, facts = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), facts);
  made.append(...children);
  return made;
};

const say = (key, facts = {}) => {
  const [english, chinese] = told.words[key];
  const whole = document.createDocumentFragment();
  whole.append(
    element("span", { className: "en", textContent: filled(english, facts) }),
    element("span", { className: "zh", lang: "zh", textContent: ` ${filled(chinese, facts)}` }),
  );
  return whole;
};

const bySize = (bytes) => {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let amount = bytes;
  let unit = -1;
  do {
    amount /= 1000;
    unit += 1;
  } while (amount >= 999.95 && unit < units.length - 1);
  return `${amount.toFixed(1)} ${units[unit]}`;
};

const speak = (language) => {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  document.documentElement.dataset.lang = language;
  for (const named of all("[data-en]")) named.setAttribute("aria-label", named.dataset[language]);
  for (const button of all("button[data-lang]")) {
    button.setAttribute("aria-pressed", String(button.dataset.lang === language));
  }
};

const two = (number) => String(number).padStart(2, "0");

const timeOfDay = (date, local) =>
  local
    ? `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
    : date.toISOString().slice(11, 19);

const day = (date, local) =>
  local
    ? `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
    : date.toISOString().slice(0, 10);

/* Minutes east of UTC as `+08:00`. */
const offset = (date) => {
  const minutes = -date.getTimezoneOffset();
  const whole = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(whole / 60))}:${two(whole % 60)}`;
};

let inLocalTime = false;

const zone = (date, local) => (local ? `UTC${offset(date)}` : "UTC");

const FORMS = {
  clock: (date, local) => timeOfDay(date, local),
  day: (date, local) => day(date, local),
  zoned: (date, local) => `${timeOfDay(date, local)} ${zone(date, local)}`,
  whole: (date, local) => `${day(date, local)} ${FORMS.zoned(date, local)}`,
};

const tellTime = (local) => {
  inLocalTime = local;
  for (const time of all("time")) {
    time.textContent = FORMS[time.dataset.as ?? "whole"](new Date(time.dateTime), local);
  }
  for (const button of all("button[data-clock]")) {
    button.setAttribute("aria-pressed", String((button.dataset.clock === "local") === local));
  }
};
