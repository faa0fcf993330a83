/* DER, read only as it has to be written (X.690): one-byte tags, definite lengths in the fewest
   bytes, nothing behind. Knows no certificate and no signature. */
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT = 0x06;
const SEQUENCE = 0x30;
const SET = 0x31;
const CONTEXT = 0xa0;

class Malformed extends Error {}

const must = (holds, key = "cms_form") => {
  if (!holds) throw new Malformed(key);
};

class Der {
  constructor(tag, content, encoded) {
    Object.assign(this, { tag, content, encoded });
  }

  /* The only value in `bytes`, which must have this tag. */
  static one(bytes, tag) {
    const values = Der.all(bytes);
    must(values.length === 1 && values[0].tag === tag);
    return values[0];
  }

  static all(bytes) {
    const values = [];
    for (let at = 0; at < bytes.length; ) {
      const value = Der.#at(bytes, at);
      values.push(value);
      at += value.encoded.length;
    }
    return values;
  }

  static #at(bytes, start) {
    must(start + 2 <= bytes.length && (bytes[start] & 0x1f) !== 0x1f);
    let at = start + 2;
    let size = bytes[start + 1];
    if (size >= 0x80) {
      const count = size - 0x80;
      must(count > 0 && count <= 4 && at + count <= bytes.length && bytes[at] !== 0);
      size = 0;
      for (let i = 0; i < count; i++) size = size * 256 + bytes[at++];
      must(size >= 0x80);
    }
    must(at + size <= bytes.length);
    return new Der(bytes[start], bytes.subarray(at, at + size), bytes.subarray(start, at + size));
  }

  /* The values that this one consists of; with `tags`, exactly these. */
  inside(...tags) {
    const values = Der.all(this.content);
    if (tags.length) {
      must(values.length === tags.length && values.every((value, at) => value.tag === tags[at]));
    }
    return values;
  }

  /* The name of an object in dots. */
  get oid() {
    must(this.tag === OBJECT && this.content.length > 0);
    const arcs = [];
    let arc = 0;
    let fresh = true;
    for (const byte of this.content) {
      must(!(fresh && byte === 0x80) && arc < 2 ** 40);
      arc = arc * 128 + (byte & 0x7f);
      fresh = !(byte & 0x80);
      if (fresh) {
        arcs.push(arc);
        arc = 0;
      }
    }
    must(fresh);
    const first = Math.min(Math.floor(arcs[0] / 40), 2);
    return [first, arcs[0] - 40 * first, ...arcs.slice(1)].join(".");
  }

  /* The bytes of a positive whole number, without the zero that keeps it positive. */
  get whole() {
    const bytes = this.content;
    must(this.tag === INTEGER && bytes.length > 0 && !(bytes[0] & 0x80));
    must(!(bytes.length > 1 && bytes[0] === 0 && !(bytes[1] & 0x80)));
    return bytes[0] === 0 ? bytes.subarray(1) : bytes;
  }
}

const same = (one, other) =>
  one.length === other.length && one.every((byte, at) => byte === other[at]);

const before = (one, other) => {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at++) if (one[at] !== other[at]) return one[at] < other[at];
  return one.length < other.length;
};

/* True when the values of a SET OF stand in the one order that DER allows. */
const isSorted = (values) =>
  values.every((value, at) => at === 0 || before(values[at - 1].encoded, value.encoded));
