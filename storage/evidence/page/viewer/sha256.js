/* SHA-256 piece by piece (FIPS 180-4): WebCrypto wants a whole file at once, and a video may be
   larger than the memory. */
/* Signed, as the engine computes: an unsigned number above 2^31 would be no small whole number to
   it, and several times slower. */
const SHA_ROUNDS = new Int32Array(64);
const SHA_START = new Int32Array(8);
(() => {
  const isPrime = (number) => {
    for (let by = 2; by * by <= number; by++) if (number % by === 0) return false;
    return true;
  };
  const fraction = (root) => Math.floor((root - Math.floor(root)) * 2 ** 32);
  for (let number = 2, count = 0; count < 64; number++) {
    if (!isPrime(number)) continue;
    if (count < 8) SHA_START[count] = fraction(Math.sqrt(number));
    SHA_ROUNDS[count++] = fraction(Math.cbrt(number));
  }
})();

class Sha256 {
  constructor() {
    this.state = Int32Array.from(SHA_START);
    this.words = new Int32Array(64);
    this.rest = new Uint8Array(64);
    this.kept = 0;
    this.size = 0;
  }

  update(bytes) {
    this.size += bytes.length;
    let at = 0;
    if (this.kept) {
      at = Math.min(64 - this.kept, bytes.length);
      this.rest.set(bytes.subarray(0, at), this.kept);
      this.kept += at;
      if (this.kept < 64) return this;
      this.#blocks(this.rest, 0, 1);
      this.kept = 0;
    }
    const count = (bytes.length - at) >>> 6;
    this.#blocks(bytes, at, count);
    at += count * 64;
    this.rest.set(bytes.subarray(at));
    this.kept = bytes.length - at;
    return this;
  }

  digest() {
    const bits = this.size * 8;
    const end = new Uint8Array(this.kept < 56 ? 64 - this.kept : 128 - this.kept);
    end[0] = 0x80;
    const view = new DataView(end.buffer);
    view.setUint32(end.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(end.length - 4, bits >>> 0);
    this.update(end);
    const out = new DataView(new ArrayBuffer(32));
    this.state.forEach((word, at) => out.setInt32(at * 4, word));
    return new Uint8Array(out.buffer);
  }

  #blocks(bytes, from, count) {
    const state = this.state;
    const words = this.words;
    let [h0, h1, h2, h3, h4, h5, h6, h7] = state;
    for (let block = 0, at = from; block < count; block++) {
      for (let i = 0; i < 16; i++, at += 4) {
        words[i] =
          (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
      }
      for (let i = 16; i < 64; i++) {
        const x = words[i - 15];
        const y = words[i - 2];
        const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
        const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
        words[i] = (words[i - 16] + s0 + words[i - 7] + s1) | 0;
      }
      let a = h0, b = h1, c = h2, d = h3, e = h4, f = h5, g = h6, h = h7;
      for (let i = 0; i < 64; i++) {
        const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
        const t1 = (h + s1 + ((e & f) ^ (~e & g)) + SHA_ROUNDS[i] + words[i]) | 0;
        const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
        const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        h = g;
        g = f;
        f = e;
        e = (d + t1) | 0;
        d = c;
        c = b;
        b = a;
        a = (t1 + t2) | 0;
      }
      h0 = (h0 + a) | 0;
      h1 = (h1 + b) | 0;
      h2 = (h2 + c) | 0;
      h3 = (h3 + d) | 0;
      h4 = (h4 + e) | 0;
      h5 = (h5 + f) | 0;
      h6 = (h6 + g) | 0;
      h7 = (h7 + h) | 0;
    }
    state.set([h0, h1, h2, h3, h4, h5, h6, h7]);
  }
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
