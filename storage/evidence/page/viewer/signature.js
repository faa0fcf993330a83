/* Detached CMS signatures (RFC 5652), in the one form that a package's may have: every bit counts. */
const SIGNED_DATA = "1.2.840.113549.1.7.2";
const DATA = "1.2.840.113549.1.7.1";
const SHA256 = "2.16.840.1.101.3.4.2.1";
const ECDSA_SHA256 = "1.2.840.10045.4.3.2";
const RSA_SHA256 = "1.2.840.113549.1.1.11";
const CONTENT_TYPE = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
const SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.47";
const ALSO_SIGNED = [
  "1.2.840.113549.1.9.5",
  "1.2.840.113549.1.9.15",
  "1.2.840.113549.1.9.52",
];
const P256_HALF = Uint8Array.from(
  "7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8".match(/../g),
  (byte) => parseInt(byte, 16),
);

/* Why `signature` is not that of `content` under the root certificate: a key of the words, or "".
   With it come the certificates that it holds. */
const signatureFault = async (signature, content, root) => {
  try {
    must(signature.length <= 65536);
    const found = readSignature(signature);
    const chain = await chainOf(found.signer, found.others, root);
    must(
      found.certificates.length === chain.length - 1 &&
        found.certificates.every((each, at) => at === 0 || before(found.certificates[at - 1].encoded, each.encoded)),
    );
    await checkAttributes(found.attributes, content, chain);
    await checkValue(found);
    return ["", found.signer];
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return [error.message, null];
  }
};

const readSignature = (signature) => {
  const [kind, wrapped] = Der.one(signature, SEQUENCE).inside(OBJECT, CONTEXT);
  must(kind.oid === SIGNED_DATA);
  const [version, digests, content, held, signers] = Der.one(wrapped.content, SEQUENCE).inside(
    INTEGER, SET, SEQUENCE, CONTEXT, SET,
  );
  must(isOne(version) && isAlgorithm(digests.inside(SEQUENCE)[0], SHA256));
  must(content.inside(OBJECT)[0].oid === DATA);
  const certificates = held.inside().map((each) => new Certificate(each.encoded));
  const [info] = signers.inside(SEQUENCE);
  const [infoVersion, name, digest, attributes, algorithm, value] = info.inside(
    INTEGER, SEQUENCE, SEQUENCE, CONTEXT, SEQUENCE, OCTET_STRING,
  );
  must(isOne(infoVersion) && isAlgorithm(digest, SHA256) && isSorted(attributes.inside()));
  const [issuer, serial] = name.inside(SEQUENCE, INTEGER);
  const signer = certificates.find(
    (each) => same(each.issuer.encoded, issuer.encoded) && same(each.serial.encoded, serial.encoded),
  );
  must(signer, "cms_signer");
  const others = certificates.filter((each) => each !== signer);
  return { certificates, signer, others, attributes, algorithm, value: value.content };
};

const isOne = (number) => number.content.length === 1 && number.content[0] === 1;

/* An algorithm's name without parameters, or with NULL for RSA. */
const isAlgorithm = (value, oid) => {
  const parts = value.inside();
  if (parts[0]?.oid !== oid) return false;
  return oid === RSA_KEY
    ? parts.length === 2 && parts[1].tag === 0x05 && parts[1].content.length === 0
    : parts.length === 1;
};

const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

const checkAttributes = async (attributes, content, chain) => {
  const told = new Map();
  for (const attribute of attributes.inside()) {
    const [kind, values] = attribute.inside(OBJECT, SET);
    const held = values.inside();
    must(held.length === 1 && !told.has(kind.oid));
    told.set(kind.oid, held[0]);
  }
  must(told.get(CONTENT_TYPE)?.oid === DATA);
  const digest = told.get(MESSAGE_DIGEST);
  must(digest && digest.tag === OCTET_STRING);
  must(same(digest.content, await sha256(content)), "cms_content");
  const named = told.get(SIGNING_CERTIFICATE);
  if (named) {
    const ids = named.inside()[0]?.inside() ?? [];
    must(ids.length > 0 && ids.length <= chain.length, "cms_signer");
    for (const [at, id] of ids.entries()) {
      const hash = await sha256(chain[at].encoded);
      const hashes = id.inside().filter((part) => part.tag === OCTET_STRING);
      must(hashes.some((part) => same(part.content, hash)), "cms_signer");
    }
  }
  const known = [CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE, ...ALSO_SIGNED];
  must([...told.keys()].every((oid) => known.includes(oid)));
};

const checkValue = async ({ signer, attributes, algorithm, value }) => {
  const signed = attributes.encoded.slice();
  signed[0] = SET;
  if (signer.keyKind === EC_KEY) {
    must(signer.curve?.[0] === "P-256", "cms_key");
    must(isAlgorithm(algorithm, ECDSA_SHA256));
    const lower = bothValues(value, 32).subarray(32);
    must(!before(P256_HALF, lower));
    must(await signer.made(value, signed, ECDSA_SHA256), "cms_value");
  } else {
    must(signer.keyKind === RSA_KEY, "cms_key");
    must(isAlgorithm(algorithm, RSA_KEY));
    must(await signer.made(value, signed, RSA_SHA256), "cms_value");
  }
};
