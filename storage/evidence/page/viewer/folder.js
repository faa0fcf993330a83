/* The files of a folder that a person picked or dropped, as a list of `[path, file]`. */
const LEFT_BY_SYSTEM = [".DS_Store", "Thumbs.db", "desktop.ini"];

const pickedFiles = (input) =>
  [...input.files].map((file) => [file.webkitRelativePath || file.name, file]);

/* Handles work where the page itself lies on a disk, entries in browsers that have no handles.
   Both must be asked for before the first pause. */
const droppedFiles = (transfer) => {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  if (items.some((item) => item.getAsFileSystemHandle)) {
    const handles = items.map((item) => item.getAsFileSystemHandle());
    return Promise.all(handles).then(async (found) => {
      const files = [];
      for (const handle of found) if (handle) await walkHandle(handle, "", files);
      return files;
    });
  }
  const entries = items.map((item) => item.webkitGetAsEntry?.());
  return (async () => {
    const files = [];
    for (const entry of entries) if (entry) await walkEntry(entry, "", files);
    return files;
  })();
};

const walkHandle = async (handle, above, files) => {
  const path = above + handle.name;
  if (handle.kind === "file") files.push([path, await handle.getFile()]);
  else for await (const each of handle.values()) await walkHandle(each, `${path}/`, files);
};

const walkEntry = async (entry, above, files) => {
  const path = above + entry.name;
  if (entry.isFile) {
    files.push([path, await new Promise((done, failed) => entry.file(done, failed))]);
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length) return;
    for (const each of some) await walkEntry(each, `${path}/`, files);
  }
};

/* The files of the one package among them by their names in it, and what the computer itself has
   left there. Throws a key of the words where there is no package, or more than one. */
const packageIn = (picked) => {
  const depth = (path) => path.split("/").length;
  const marks = picked.map(([path]) => path).filter((path) => /(^|\/)bagit\.txt$/.test(path));
  const least = Math.min(...marks.map(depth));
  const tops = marks.filter((path) => depth(path) === least);
  if (!tops.length) throw new Malformed("no_folder");
  if (tops.length > 1) throw new Malformed("two_folders");
  const top = tops[0].slice(0, -"bagit.txt".length);
  const files = new Map();
  const left = [];
  for (const [path, file] of picked) {
    if (!path.startsWith(top)) continue;
    const name = path.slice(top.length);
    if (LEFT_BY_SYSTEM.includes(name.split("/").at(-1))) left.push(name);
    else files.set(name, file);
  }
  return { files, left };
};
