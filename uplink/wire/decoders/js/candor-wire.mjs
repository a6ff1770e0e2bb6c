// Reads Candor's wire messages (FORMAT.md), in a browser or in Node, alone.
//
//   read(kind, payload)  -> object with what the message says
//   unsign(message)      -> payload; verifies nothing
//   verify(kind, publicKey, message) -> payload, once the signature was verified
//
// Bytes are Uint8Array. Everything but one well-formed message throws. Form is
// all that is read: hold the values against the announcement before using them.

const MAX_MESSAGE = 1 << 20, MAX_ROWS = 1 << 16, MAX_COLUMNS = 256, MAX_CELLS = 1 << 20;
const MAX_VALUE = Number.MAX_SAFE_INTEGER, MAX_32 = 2 ** 32 - 1;
const TYPES = ["number", "boolean", "pseudonym", "label"];
const GROUNDS = ["", "consent", "strictly-necessary", "contract", "legal-obligation", "vital-interests", "public-task", "legitimate-interests"];
const KEYS = { // required and optional keys below 32
  batch: [[1, 2, 3], [4, 5, 9, 15]], announcement: [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16], []],
  deletion: [[1, 2, 3], []], "deletion-answer": [[1, 2, 3, 4], [5]], freshness: [[1, 2, 3], []],
  "freshness-answer": [[1, 2, 3, 4, 5], []], test: [[1, 2, 15], []],
};

function need(ok, why) { if (!ok) throw new Error(why); }
const hex = (b) => Array.from(b, (c) => c.toString(16).padStart(2, "0")).join("");

// --- CBOR: one form only. Numbers beyond 2^53-1 come as BigInt. ---

function item(d, p, depth = 0) { // returns [item, place after it]
  need(p < d.length, "truncated");
  need(depth < 12, "nested too deep");
  const first = d[p++], major = first >> 5;
  let n = first & 31;
  if (n > 23) {
    need(n < 28, "indefinite length");
    const size = 1 << (n - 24);
    need(p + size <= d.length, "truncated");
    let big = 0n;
    for (let i = 0; i < size; i++) big = big << 8n | BigInt(d[p++]);
    need(major === 7 || big >= { 1: 24n, 2: 1n << 8n, 4: 1n << 16n, 8: 1n << 32n }[size], "not the shortest form");
    n = big <= MAX_VALUE ? Number(big) : big;
  }
  if (major === 0) return [n, p];
  if (major === 1) return [typeof n === "bigint" || n === MAX_VALUE ? -1n - BigInt(n) : -1 - n, p];
  if (major < 4) {
    need(n <= d.length - p, "truncated");
    const b = d.subarray(p, p + n);
    return [major === 2 ? b : new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(b), p + n];
  }
  if (major === 6) return item(d, p, depth + 1);
  if (major === 7) return [first === 0xf6 ? null : { simple: n }, p];
  need(n <= d.length - p, "truncated");
  const list = [], map = new Map();
  for (let i = 0, last = ""; i < n; i++) {
    const start = p;
    let v;
    [v, p] = item(d, p, depth + 1);
    if (major === 4) { list.push(v); continue; }
    const key = hex(d.subarray(start, p));
    need(last < key, "keys out of order");
    last = key;
    const k = v;
    [v, p] = item(d, p, depth + 1);
    map.set(k, v);
  }
  return [major === 4 ? list : map, p];
}

function num(v, lo = 0, hi = MAX_VALUE) {
  need(typeof v === "number" && Number.isInteger(v) && v >= lo && v <= hi, "not a number, or over a limit");
  return v;
}
function raw(v, size) {
  need(v instanceof Uint8Array && v.length === size, `not ${size} bytes`);
  return hex(v);
}
function array(v, lo, hi) {
  need(Array.isArray(v) && v.length >= lo && v.length <= hi, "not an array of this length");
  return v;
}
function text(v, hi = 128, lo = 1) {
  need(typeof v === "string", "not a text");
  const n = new TextEncoder().encode(v).length;
  need(n >= lo && n <= hi, "not a text of this length");
  return v;
}

function payloadMap(kind, payload) {
  need(payload.length <= MAX_MESSAGE, "too long");
  const [m, end] = item(payload, 0);
  need(end === payload.length, "trailing bytes");
  need(m instanceof Map && m.get(0) === 1, "version");
  const [required, optional] = KEYS[kind];
  for (const k of m.keys()) {
    need(typeof k === "number" && k >= 0, "key of another type");
    need(k === 0 || k >= 32 || required.includes(k) || optional.includes(k), "unknown key");
  }
  need(required.every((k) => m.has(k)), "missing key");
  if (m.has(15)) {
    let pad = m.get(15);
    if (Array.isArray(pad)) {
      need(pad.length === 2 && raw(pad[0], 0) === "", "padding");
      pad = pad[1];
    }
    need(pad instanceof Uint8Array && pad.every((c) => c === 0), "padding");
  }
  return m;
}

// --- signatures ---

const PREFIX = "d28443a10132a0";

function parts(d) {
  need(hex(d.subarray(0, 7)) === PREFIX, "not COSE_Sign1 with Ed25519");
  const [[, , payload, signature], end] = item(d, 1);
  need(end === d.length && payload instanceof Uint8Array, "not COSE_Sign1");
  raw(signature, 64);
  return [payload, signature];
}

export const unsign = (message) => parts(message)[0];

export async function verify(kind, publicKey, message) {
  const [payload, signature] = parts(message);
  const head = (major, n) => n < 24 ? [major << 5 | n] : n < 256 ? [major << 5 | 24, n]
    : n < 65536 ? [major << 5 | 25, n >> 8, n & 255] : [major << 5 | 26, n >>> 24, n >> 16 & 255, n >> 8 & 255, n & 255];
  const aad = new TextEncoder().encode("candor/1/" + kind), word = new TextEncoder().encode("Signature1");
  const signed = new Uint8Array([0x84, ...head(3, word.length), ...word, 0x43, 0xa1, 0x01, 0x32,
    ...head(2, aad.length), ...aad, ...head(2, payload.length), ...payload]);
  const key = await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
  need(await crypto.subtle.verify("Ed25519", key, signature, signed), "signature does not verify");
  return payload;
}

// --- columns; residuals are BigInt, since they may pass 2^53 ---

class Bits {
  constructor(data) { this.data = data; this.pos = 0; }
  get(n) {
    need(this.pos + n <= 8 * this.data.length, "truncated");
    let v = 0n;
    for (; n > 0; n--, this.pos++) v = v << 1n | BigInt(this.data[this.pos >> 3] >> (7 - this.pos % 8) & 1);
    return v;
  }
  rice(k) {
    let q = 0;
    while (q < 20 && this.get(1)) q++;
    return q < 20 ? BigInt(q) << BigInt(k) | this.get(k) : this.get(Number(this.get(6)) + 1);
  }
  done() {
    const left = 8 * this.data.length - this.pos;
    need(left < 8 && this.get(left) === 0n, "bits left over");
  }
}

class Pace { // the running mean that sets the parameter
  constructor(start) { this.s = start ? 8n << BigInt(start) : 0n; }
  read(bits) {
    const mean = this.s >> 3n;
    const u = bits.rice(mean > 0n ? mean.toString(2).length - 1 : 0);
    need(u <= 1n << 57n, "overflow");
    this.s += u - mean;
    return u;
  }
}

function varints(data) {
  const us = [];
  let u = 0n, shift = 0n;
  for (const c of data) {
    need(shift < 63n, "overflow");
    u |= BigInt(c & 127) << shift;
    shift += 7n;
    if (c < 128) {
      need(c > 0 || shift === 7n, "not the shortest form");
      need(u <= 1n << 57n, "overflow");
      us.push(u);
      u = shift = 0n;
    }
  }
  need(shift === 0n, "truncated");
  return us;
}

function residuals(how, data, count) {
  const pack = how & 7, start = how >> 5;
  if (pack === 6) {
    need(start === 0 && array(data, 0, MAX_ROWS).length === count, "not as many numbers as rows");
    return data.map((v) => {
      need(typeof v === "number" || typeof v === "bigint", "not a number");
      const r = BigInt(v);
      need(r <= 1n << 56n && r >= -(1n << 56n), "overflow");
      return r;
    });
  }
  need(data instanceof Uint8Array && (pack === 2 || pack === 3 || how < 32 && pack === 0), "no such packing");
  let us = [];
  if (pack === 0) us = varints(data);
  else {
    const bits = new Bits(data), value = new Pace(start), zeros = new Pace(0);
    while (us.length < count) {
      if (pack === 3) {
        const run = zeros.read(bits);
        need(run <= count - us.length, "run too long");
        for (let i = 0n; i < run; i++) us.push(0n);
        if (us.length === count) break;
      }
      us.push(value.read(bits) + (pack === 3 ? 1n : 0n));
    }
    bits.done();
  }
  need(us.length === count, "not as many numbers as rows");
  return us.map((u) => u >> 1n ^ -(u & 1n));
}

function column(c, n, gaps = true) { // n numbers, null where a row has none
  array(c, 1, 5);
  const x0 = num(c[0], -MAX_VALUE), absent = new Set();
  need(gaps || c.length !== 2 && c.length !== 5, "absent rows where none may be");
  if (c.length === 2 || c.length === 5) {
    const [count, list] = array(c[c.length - 1], 2, 2);
    const rows = column(list, num(count, 1, n - 1), false);
    rows.forEach((row, i) => need(row < n && row > (i ? rows[i - 1] : -1), "absent rows"));
    rows.forEach((row) => absent.add(row));
  }
  const present = n - absent.size, out = [x0];
  if (c.length < 3) while (out.length < present) out.push(x0);
  else {
    let step = 1n;
    if (c.length > 3) {
      need(typeof c[3] === "number" || typeof c[3] === "bigint", "step");
      step = BigInt(c[3]);
      need(step >= (c.length === 5 ? 1n : 2n) && step <= 1n << 54n, "step");
    }
    const how = num(c[1], 0, 56 * 32 + 31);
    let a = 0n, b = 0n;
    residuals(how, c[2], present - 1).forEach((r, i) => {
      const k = r + [0n, a, i ? 2n * a - b : a, b][how >> 3 & 3];
      const x = BigInt(x0) + step * k;
      need(x <= MAX_VALUE && x >= -MAX_VALUE, "overflow");
      out.push(Number(x));
      [a, b] = [k, a];
    });
  }
  let next = 0;
  return Array.from({ length: n }, (_, row) => absent.has(row) ? null : out[next++]);
}

function field(c, n) {
  if (c === null) return new Array(n).fill(null);
  if (!(Array.isArray(c) && c.length === 2 && Array.isArray(c[0]))) return column(c, n);
  const tokens = array(c[0], 1, n).map((t) => {
    need(t instanceof Uint8Array && t.length >= 1 && t.length <= 64, "tokens");
    return hex(t);
  });
  tokens.forEach((t, i) => need(i === 0 || tokens[i - 1] < t, "tokens not sorted"));
  const index = column(c[1], n), used = new Set(index.filter((i) => i !== null));
  need(used.size === tokens.length && tokens.every((_, i) => used.has(i)), "tokens and rows do not match");
  return index.map((i) => i === null ? null : tokens[i]);
}

// --- messages ---

function batch(payload) {
  const m = payloadMap("batch", payload);
  const out = { announcement: raw(m.get(1), 16), delete_by: num(m.get(2), 0, MAX_32), seq: num(m.get(3), 1), losses: [], groups: [] };
  if (m.has(4)) {
    const c = array(m.get(4), 2, 3);
    out.clock = { boot: raw(c[0], 8), base: num(c[1]) };
    if (c.length === 3) [out.clock.wall, out.clock.error] = array(c[2], 2, 2).map((v) => num(v));
  }
  let last = -1;
  for (const loss of m.has(9) ? array(m.get(9), 1, 3) : []) {
    const [reason, count] = array(loss, 2, 2);
    out.losses.push([num(reason, last + 1, 2), num(count, 1)]);
    last = reason;
  }
  last = -1;
  let rows = 0, columns = 0, cells = 0;
  for (const g of m.has(5) ? array(m.get(5), 1, MAX_COLUMNS) : []) {
    const [index, n, time, coverage, cols] = array(g, 5, 5);
    last = num(index, last + 1, MAX_COLUMNS - 1);
    rows += num(n, 1, MAX_ROWS);
    columns += array(cols, 1, MAX_COLUMNS).length;
    cells += n * cols.length;
    need(rows <= MAX_ROWS && columns <= MAX_COLUMNS && cells <= MAX_CELLS, "over a limit");
    const group = { group: index, time: column(time, n, false).map((t) => num(t)), coverage: null };
    if (coverage !== null) group.coverage = column(coverage, n, false).map((q) => num(q, 0, 4));
    group.columns = cols.map((c) => field(c, n));
    for (let row = 0; row < n; row++) need(group.columns.some((v) => v[row] !== null), "row without a value");
    out.groups.push(group);
  }
  return out;
}

function announced(f) {
  const one = { name: text(array(f, 2, 7)[0]), type: TYPES[num(f[1], 0, 3)] };
  need(f.length === [7, 2, 2, 3][f[1]], "parts of a field");
  if (f[1] === 0) {
    Object.assign(one, { unit: text(f[2], 32, 0), scale: num(f[3], 0, 9), step: num(f[4], 1),
      min: num(f[5], -MAX_VALUE), max: num(f[6], f[5]) });
  }
  if (f[1] === 3) one.labels = array(f[2], 1, 256).map((label) => text(label, 64));
  return one;
}

function announcement(payload) {
  const m = payloadMap("announcement", payload);
  const groups = array(m.get(8), 1, MAX_COLUMNS).map((g) => {
    const [source, window, fields] = array(g, 3, 3);
    return { source: text(source), window: num(window), fields: array(fields, 1, MAX_COLUMNS).map(announced) };
  });
  const [access, basis] = array(m.get(9), 2, 2), [notice, language, version, grant] = array(m.get(16), 4, 4);
  need([1, 2].includes(access) && [1, 3, 4, 5, 6, 7].includes(basis), "grounds");
  return {
    stream: raw(m.get(1), 16), epoch: num(m.get(2)), key: raw(m.get(3), 32), purpose: text(m.get(4)), recipient: text(m.get(5)),
    plan: raw(m.get(6), 32), tick: num(m.get(7), 1), groups, access: GROUNDS[access], basis: GROUNDS[basis],
    retention_days: num(m.get(10), 0, MAX_32), size: num(m.get(11), 0, MAX_MESSAGE), rows: num(m.get(12), 0, MAX_ROWS),
    consent: raw(m.get(13), 32), erase: raw(m.get(14), 32),
    receipt: { notice: raw(notice, 32), language: text(language, 35), policy_version: num(version), grant_day: num(grant, 0, MAX_32) },
  };
}

export function read(kind, payload) {
  if (kind === "batch") return batch(payload);
  if (kind === "announcement") return announcement(payload);
  const m = payloadMap(kind, payload);
  if (kind === "test") return { nonce: raw(m.get(1), 16), key: raw(m.get(2), 32) };
  const out = { stream: raw(m.get(1), 16), epoch: num(m.get(2)) };
  if (kind === "deletion") out.capability = raw(m.get(3), 32);
  else if (kind === "deletion-answer") {
    Object.assign(out, { day: num(m.get(3), 0, MAX_32), stores: array(m.get(4), 1, 16).map((s) => text(s)) });
    if (m.has(5)) out.counts = array(m.get(5), out.stores.length, out.stores.length).map((n) => num(n));
  } else out.nonce = raw(m.get(3), 16);
  if (kind === "freshness-answer") Object.assign(out, { last: num(m.get(4)), withdrawn: num(m.get(5), 0, 1) === 1 });
  return out;
}
