/* Verifies the files of a package: each against the lists, the lists against their signature. */
const AT_ONCE_BYTES = 128 * 2 ** 20;
const SLICE_BYTES = 4 * 2 ** 20;
const SMALL_BYTES = 64 * 2 ** 20;

class Stopped extends Error {}

/* What does not hold, as a list of `{name, key, facts}`. `told` is what the page knows of its
   package; `meter(name, bytes)` is told each piece and may throw Stopped. Only one piece of a big
   file is in the memory at a time. */
const checkPackage = async (files, told, meter) => {
  const problems = [];
  const report = (name, key, facts = {}) => problems.push({ name, key, facts });
  const hashes = new Map();
  const small = new Map();
  for (const [name, file] of files) {
    try {
      if (READ.includes(name)) {
        if (file.size > SMALL_BYTES) report(name, "too_big");
        else small.set(name, new Uint8Array(await file.arrayBuffer()));
      }
      hashes.set(name, await hashOf(name, file, meter));
    } catch (error) {
      if (error instanceof Stopped) throw error;
      report(name, "unreadable", { why: error.message });
    }
  }
  const text = (name) => new TextDecoder().decode(small.get(name) ?? new Uint8Array());
  if (text("bagit.txt") !== DECLARATION) report("bagit.txt", "not_bag");
  const payload = parsedList(PAYLOAD_LIST, text(PAYLOAD_LIST), report);
  const tags = parsedList(TAG_LIST, text(TAG_LIST), report);
  for (const name of REQUIRED) if (!tags.has(name)) report(name, "required");
  for (const [name, hash] of [...tags, ...payload]) {
    if (!files.has(name)) report(name, "missing");
    else if (hashes.has(name) && hashes.get(name) !== hash) report(name, "changed");
  }
  for (const name of files.keys()) {
    if (!payload.has(name) && !tags.has(name) && !UNLISTED.includes(name)) report(name, "unlisted");
  }
  const changed = new Set(problems.map(({ name }) => name));
  const sizes = [...files].map(([name, file]) => [name, file.size]).filter(([name]) => !changed.has(name));
  checkFacts(text(FACTS), payload, sizes, told.root, report);
  if (hashes.has(FACTS) && hashes.get(FACTS) !== told.digest) report(FACTS, "other_package");
  await checkSignatures(small, text, told, report);
  return problems;
};

const hashOf = async (name, file, meter) => {
  if (file.size <= AT_ONCE_BYTES) {
    meter(name, 0);
    const digest = await sha256(await file.arrayBuffer());
    meter(name, file.size);
    return hex(digest);
  }
  const hash = new Sha256();
  for (let at = 0; at < file.size; at += SLICE_BYTES) {
    const slice = new Uint8Array(await file.slice(at, at + SLICE_BYTES).arrayBuffer());
    hash.update(slice);
    meter(name, slice.length);
  }
  return hex(hash.digest());
};

const checkSignatures = async (small, text, told, report) => {
  let root;
  try {
    const [only, ...others] = Certificate.inPem(text(ROOT_FILE));
    must(only && !others.length);
    root = new Certificate(only);
  } catch {
    report(ROOT_FILE, "bad_root");
    return;
  }
  if (hex(await sha256(root.encoded)) !== told.root) report(ROOT_FILE, "other_root");
  const signers = Certificate.inPem(text(SIGNERS_FILE));
  for (const name of [TAG_LIST, FACTS]) {
    const signed = signatureOf(name);
    if (!small.has(signed)) {
      report(signed, "unsigned");
      continue;
    }
    const content = small.get(name) ?? new Uint8Array();
    const [fault, signer] = await signatureFault(small.get(signed), content, root);
    if (fault) report(signed, fault, { of: name });
    else if (!signers.length || !same(signers[0], signer.encoded)) report(SIGNERS_FILE, "bad_signers");
  }
};
