/* The lists of a package (BagIt manifests), and what in manifest.json must agree with them. */
const PAYLOAD_LIST = "manifest-sha256.txt";
const TAG_LIST = "tagmanifest-sha256.txt";
const FACTS = "manifest.json";
const ROOT_FILE = "certificates/root.pem";
const SIGNERS_FILE = "certificates/signer.pem";
const DECLARATION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
const signatureOf = (name) => `${name}.p7s`;
const UNLISTED = [TAG_LIST, signatureOf(TAG_LIST)];
const REQUIRED = [
  "bagit.txt",
  "bag-info.txt",
  PAYLOAD_LIST,
  FACTS,
  signatureOf(FACTS),
  ROOT_FILE,
  SIGNERS_FILE,
  "index.html",
  "report.pdf",
  "VERIFY.txt",
];
const READ = ["bagit.txt", PAYLOAD_LIST, TAG_LIST, FACTS, ROOT_FILE, SIGNERS_FILE, ...[FACTS, TAG_LIST].map(signatureOf)];
const LIST_LINE = /^([0-9a-f]{64})  ([^\r\n]+)$/;

/* What a list names: a Map of names and hashes. Problems go to `report(name, key, facts)`. */
const parsedList = (name, text, report) => {
  const listed = new Map();
  const lines = text.split("\n");
  if (lines.pop() !== "") report(name, "bad_list", { line: lines.length + 1 });
  lines.forEach((line, at) => {
    const match = LIST_LINE.exec(line);
    if (!match) report(name, "bad_list", { line: at + 1 });
    else if (listed.has(match[2])) report(match[2], "listed_twice");
    else if (match[2].startsWith("data/") !== (name === PAYLOAD_LIST)) report(match[2], "misplaced");
    else listed.set(match[2], match[1]);
  });
  return listed;
};

/* What in manifest.json disagrees with the list of the evidence, the files' sizes, the root. */
const checkFacts = (text, payload, sizes, root, report) => {
  let told;
  try {
    told = JSON.parse(text);
    if (told.format !== "packwitness-evidence-5") throw new TypeError("format");
    if (told.site.root_sha256 !== root) report(FACTS, "facts_root");
    const files = new Map(told.files.map((file) => [file.path, file]));
    const equal = files.size === payload.size && files.size === told.files.length &&
      [...payload].every(([name, hash]) => files.get(name)?.sha256 === hash);
    if (!equal) report(FACTS, "facts_files");
    for (const [name, size] of sizes) {
      if (files.has(name) && files.get(name).size_bytes !== size) report(name, "facts_size");
    }
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
    report(FACTS, "bad_facts");
  }
};
