/* Certificates (X.509), as much of them as leads from a signer to a root. Their dates are not
   judged: a package is shown long after its signer's certificate has ended. */
const CURVES = {
  "1.2.840.10045.3.1.7": ["P-256", 32],
  "1.3.132.0.34": ["P-384", 48],
  "1.3.132.0.35": ["P-521", 66],
};
const RSA_KEY = "1.2.840.113549.1.1.1";
const EC_KEY = "1.2.840.10045.2.1";
const SIGNED_WITH = {
  "1.2.840.113549.1.1.11": [RSA_KEY, "SHA-256"],
  "1.2.840.113549.1.1.12": [RSA_KEY, "SHA-384"],
  "1.2.840.113549.1.1.13": [RSA_KEY, "SHA-512"],
  "1.2.840.10045.4.3.2": [EC_KEY, "SHA-256"],
  "1.2.840.10045.4.3.3": [EC_KEY, "SHA-384"],
  "1.2.840.10045.4.3.4": [EC_KEY, "SHA-512"],
};
const CONSTRAINTS = "2.5.29.19";
const USAGE = "2.5.29.15";
const PURPOSES = "2.5.29.37";
const EMAIL = "1.3.6.1.5.5.7.3.4";
const RSA_BYTES = 256;

class Certificate {
  constructor(bytes) {
    this.encoded = bytes;
    const [signed, algorithm, value] = Der.one(bytes, SEQUENCE).inside(SEQUENCE, SEQUENCE, BIT_STRING);
    must(value.content[0] === 0);
    this.signed = signed.encoded;
    this.value = value.content.subarray(1);
    this.algorithm = algorithm.inside()[0].oid;
    const parts = signed.inside();
    must(parts.length >= 8 && parts[0].tag === CONTEXT && parts.every((part, at) => at < 7 || part.tag >= CONTEXT));
    must(same(parts[2].encoded, algorithm.encoded));
    must(parts[1].whole.length > 0);
    [, this.serial, , this.issuer, , this.subject, this.key] = parts;
    const kind = this.key.inside(SEQUENCE, BIT_STRING)[0].inside();
    this.keyKind = kind[0].oid;
    this.curve = this.keyKind === EC_KEY ? CURVES[kind[1].oid] : undefined;
    this.extensions = new Map();
    const extended = parts.find((part) => part.tag === CONTEXT + 3);
    for (const extension of extended ? Der.one(extended.content, SEQUENCE).inside() : []) {
      const told = extension.inside();
      must(told.length >= 2 && told.length <= 3 && told.at(-1).tag === OCTET_STRING);
      must(!this.extensions.has(told[0].oid));
      this.extensions.set(told[0].oid, { critical: told.length === 3, content: told.at(-1).content });
    }
  }

  /* The certificates in a PEM text, as bytes. */
  static inPem(text) {
    const found = text.match(/-----BEGIN CERTIFICATE-----[\sA-Za-z0-9+/=]+-----END CERTIFICATE-----/g);
    return (found ?? []).map((pem) => {
      const base64 = pem.replace(/-----[A-Z ]+-----/g, "").replace(/\s/g, "");
      return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    });
  }

  /* Whether the key of this certificate made the signature `value` of `content`. */
  async made(value, content, algorithm) {
    const [kind, hash] = SIGNED_WITH[algorithm] ?? [];
    if (kind !== this.keyKind || (kind === EC_KEY && !this.curve)) return false;
    const scheme = kind === EC_KEY
      ? { name: "ECDSA", namedCurve: this.curve[0], hash }
      : { name: "RSASSA-PKCS1-v1_5", hash };
    try {
      const key = await crypto.subtle.importKey("spki", this.key.encoded, scheme, false, ["verify"]);
      if (kind === RSA_KEY && key.algorithm.modulusLength < RSA_BYTES * 8) return false;
      const raw = kind === EC_KEY ? bothValues(value, this.curve[1]) : value;
      return await crypto.subtle.verify(scheme, key, raw, content);
    } catch {
      return false;
    }
  }

  issuedBy(issuer) {
    if (!same(this.issuer.encoded, issuer.subject.encoded)) return false;
    return issuer.made(this.value, this.signed, this.algorithm);
  }

  /* Whether this certificate may stand at this place of a chain: 0 is the signer. */
  mayStand(place) {
    const obeyed = [CONSTRAINTS, USAGE, PURPOSES];
    for (const [oid, { critical }] of this.extensions) {
      if (critical && !obeyed.includes(oid)) return false;
    }
    const [isAuthority, pathLength] = this.#constraints();
    const usage = this.#usage();
    if (place > 0) {
      return isAuthority && pathLength >= place - 1 && (usage === null || (usage & 0x04) !== 0);
    }
    return !isAuthority && (usage === null || (usage & 0xc0) !== 0) && this.#isForMessages();
  }

  #constraints() {
    const extension = this.extensions.get(CONSTRAINTS);
    if (!extension) return [false, 0];
    const told = Der.one(extension.content, SEQUENCE).inside();
    const isAuthority = told.length > 0 && told[0].tag === 0x01 && told[0].content[0] === 0xff;
    const limit = told.find((value) => value.tag === INTEGER);
    return [isAuthority, limit ? limit.whole.reduce((sum, byte) => sum * 256 + byte, 0) : Infinity];
  }

  #usage() {
    const extension = this.extensions.get(USAGE);
    return extension ? Der.one(extension.content, BIT_STRING).content[1] ?? 0 : null;
  }

  #isForMessages() {
    const extension = this.extensions.get(PURPOSES);
    if (!extension) return true;
    return Der.one(extension.content, SEQUENCE).inside().some((each) => each.oid === EMAIL);
  }
}

/* The two numbers of an ECDSA signature as WebCrypto wants them: side by side, of full length. */
const bothValues = (value, length) => {
  const raw = new Uint8Array(2 * length);
  Der.one(value, SEQUENCE).inside(INTEGER, INTEGER).forEach((number, at) => {
    const bytes = number.whole;
    must(bytes.length > 0 && bytes.length <= length);
    raw.set(bytes, (at + 1) * length - bytes.length);
  });
  return raw;
};

/* The chain of all these certificates, signer first, root last. Throws where there is none. */
const chainOf = async (signer, others, root) => {
  const chain = [signer];
  const left = [...others];
  must(left.length < 8, "cms_chain");
  while (!(await chain.at(-1).issuedBy(root))) {
    let above = -1;
    for (let at = 0; at < left.length && above < 0; at++) {
      if (await chain.at(-1).issuedBy(left[at])) above = at;
    }
    must(above >= 0, "cms_chain");
    chain.push(...left.splice(above, 1));
  }
  must(left.length === 0, "cms_chain");
  chain.push(root);
  chain.forEach((certificate, place) => must(certificate.mayStand(place), "cms_purpose"));
  return chain;
};
