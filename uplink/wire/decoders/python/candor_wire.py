"""Reads Candor's wire messages (FORMAT.md), with nothing but Python 3.

    batch(payload)         -> dict with groups, times and columns
    announcement(payload)  -> dict with stream, purpose, fields, grounds
    control(kind, payload) -> dict of the other messages
    unsign(message)        -> payload; verifies nothing, use a COSE library for that

Every function raises ValueError for anything but one well-formed message. It
reads form only: hold the values against the announcement before using them.
"""
import json
import sys

MAX_MESSAGE, MAX_ROWS, MAX_COLUMNS, MAX_CELLS, MAX_VALUE = 1 << 20, 1 << 16, 256, 1 << 20, (1 << 53) - 1
TYPES = "number boolean pseudonym label".split()
GROUNDS = " consent strictly-necessary contract legal-obligation vital-interests public-task legitimate-interests".split(" ")
KEYS = {  # required and optional keys below 32
    "batch": ({1, 2, 3}, {4, 5, 9, 15}), "announcement": ({*range(1, 15), 16}, set()),
    "deletion": ({1, 2, 3}, set()), "deletion-answer": ({1, 2, 3, 4}, {5}), "freshness": ({1, 2, 3}, set()),
    "freshness-answer": ({1, 2, 3, 4, 5}, set()), "test": ({1, 2, 15}, set()),
}


def need(ok, why):
    if not ok:
        raise ValueError(why)


# --- CBOR: one form only ---

def item(d, p, depth=0):
    """Returns the item at p and the place after it."""
    need(p < len(d), "truncated")
    need(depth < 12, "nested too deep")
    major, n, p = d[p] >> 5, d[p] & 31, p + 1
    if n > 23:
        need(n < 28, "indefinite length")
        size = 1 << (n - 24)
        need(p + size <= len(d), "truncated")
        n, p = int.from_bytes(d[p:p + size], "big"), p + size
        need(major == 7 or n >= {1: 24, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}[size], "not the shortest form")
    if major < 2:
        return (n if major == 0 else -1 - n), p
    if major < 4:
        need(p + n <= len(d), "truncated")
        return (d[p:p + n] if major == 2 else d[p:p + n].decode("utf-8")), p + n
    if major == 4:
        need(n <= len(d) - p, "truncated")
        out = []
        for _ in range(n):
            v, p = item(d, p, depth + 1)
            out.append(v)
        return out, p
    if major == 5:
        out, last = {}, b""
        for _ in range(n):
            start = p
            k, p = item(d, p, depth + 1)
            need(last < d[start:p], "keys out of order")
            last = d[start:p]
            out[last], p = item(d, p, depth + 1)
            if type(k) is int:
                out[k] = out.pop(last)
        return out, p
    if major == 6:
        return item(d, p, depth + 1)
    return (None if d[p - 1] == 0xf6 else ("simple", n)), p


def num(v, lo=0, hi=MAX_VALUE):
    need(type(v) is int and lo <= v <= hi, "not a number, or over a limit")
    return v


def raw(v, size):
    need(type(v) is bytes and len(v) == size, "not %d bytes" % size)
    return v.hex()


def array(v, lo, hi):
    need(type(v) is list and lo <= len(v) <= hi, "not an array of this length")
    return v


def text(v, hi=128, lo=1):
    need(type(v) is str and lo <= len(v.encode()) <= hi, "not a text of this length")
    return v


def payload_map(kind, payload):
    need(len(payload) <= MAX_MESSAGE, "too long")
    m, end = item(payload, 0)
    need(end == len(payload), "trailing bytes")
    need(type(m) is dict and m.get(0) == 1 and type(m[0]) is int, "version")
    need(all(type(k) is int and k >= 0 for k in m), "key of another type")
    have, (required, optional) = {k for k in m if 0 < k < 32}, KEYS[kind]
    need(required <= have <= required | optional, "unknown or missing key")
    if 15 in have and kind in ("batch", "test"):
        pad = m[15]
        if type(pad) is list:
            need(len(pad) == 2 and pad[0] == b"", "padding")
            pad = pad[1]
        need(type(pad) is bytes and not any(pad), "padding")
    return m


def unsign(d):
    need(d[:7] == bytes.fromhex("d28443a10132a0"), "not COSE_Sign1 with Ed25519")
    (_, _, payload, signature), end = item(d, 1)
    need(end == len(d) and len(signature) == 64 and type(payload) is bytes, "not COSE_Sign1")
    return payload


# --- columns ---

class Bits:
    def __init__(self, data):
        self.n, self.left = int.from_bytes(data, "big"), 8 * len(data)

    def get(self, n):
        need(n <= self.left, "truncated")
        self.left -= n
        return self.n >> self.left & (1 << n) - 1

    def rice(self, k):
        q = 0
        while q < 20 and self.get(1):
            q += 1
        return q << k | self.get(k) if q < 20 else self.get(self.get(6) + 1)

    def done(self):
        need(self.left < 8 and self.get(self.left) == 0, "bits left over")


class Pace:
    """The running mean that sets the parameter."""
    def __init__(self, start):
        self.s = 8 << start if start else 0

    def read(self, bits):
        u = bits.rice(max((self.s >> 3).bit_length() - 1, 0))
        need(u <= 1 << 57, "overflow")
        self.s += u - (self.s >> 3)
        return u


def residuals(how, data, count):
    pack, start = how & 7, how >> 5
    if pack == 6:
        need(start == 0 and len(array(data, 0, MAX_ROWS)) == count, "not as many numbers as rows")
        return [num(v, -1 << 56, 1 << 56) for v in data]
    need(type(data) is bytes and pack in (0, 2, 3), "no such packing")
    us = []
    if pack == 0:
        need(start == 0, "no such packing")
        u = shift = 0
        for c in data:
            need(shift < 63, "overflow")
            u |= (c & 127) << shift
            shift += 7
            if c < 128:
                need(c or shift == 7, "not the shortest form")
                need(u <= 1 << 57, "overflow")
                us.append(u)
                u = shift = 0
        need(shift == 0, "truncated")
    else:
        bits, value, zeros = Bits(data), Pace(start), Pace(0)
        while len(us) < count:
            if pack == 3:
                run = zeros.read(bits)
                need(run <= count - len(us), "run too long")
                us += [0] * run
                if len(us) == count:
                    break
            us.append(value.read(bits) + (pack == 3))
        bits.done()
    need(len(us) == count, "not as many numbers as rows")
    return [u >> 1 ^ -(u & 1) for u in us]


def column(c, n, gaps=True):
    """A list of n numbers, None where a row has none."""
    array(c, 1, 5)
    x0 = num(c[0], -MAX_VALUE)
    need(gaps or len(c) not in (2, 5), "absent rows where none may be")
    absent = set()
    if len(c) in (2, 5):
        count, rows = array(c[-1], 2, 2)
        rows = column(rows, num(count, 1, n - 1), False)
        need(rows[0] >= 0 and rows[-1] < n and all(a < b for a, b in zip(rows, rows[1:])), "absent rows")
        absent = set(rows)
    present = n - len(absent)
    out = [x0]
    if len(c) < 3:
        out *= present
    else:
        step = num(c[3], 1 if len(c) == 5 else 2, 1 << 54) if len(c) > 3 else 1
        how, a, b = num(c[1], 0, 56 * 32 + 31), 0, 0
        for i, r in enumerate(residuals(how, c[2], present - 1)):
            k = r + (0, a, 2 * a - b if i else a, b)[how >> 3 & 3]
            out.append(num(x0 + step * k, -MAX_VALUE))
            a, b = k, a
    values = iter(out)
    return [None if row in absent else next(values) for row in range(n)]


def field(c, n):
    if c is None:
        return [None] * n
    if type(c) is list and len(c) == 2 and type(c[0]) is list:
        tokens = array(c[0], 1, n)
        need(all(type(t) is bytes and 1 <= len(t) <= 64 for t in tokens), "tokens")
        need(all(a < b for a, b in zip(tokens, tokens[1:])), "tokens not sorted")
        index = column(c[1], n)
        need({i for i in index if i is not None} == set(range(len(tokens))), "tokens and rows do not match")
        return [None if i is None else tokens[i].hex() for i in index]
    return column(c, n)


# --- messages ---

def batch(payload):
    m = payload_map("batch", payload)
    out = {"announcement": raw(m[1], 16), "delete_by": num(m[2], 0, 2**32 - 1), "seq": num(m[3], 1), "losses": [], "groups": []}
    if 4 in m:
        c = array(m[4], 2, 3)
        out["clock"] = {"boot": raw(c[0], 8), "base": num(c[1])}
        if len(c) == 3:
            out["clock"].update(zip(("wall", "error"), map(num, array(c[2], 2, 2))))
    last = -1
    for loss in array(m.get(9, [[0, 1]]), 1, 3) if 9 in m else []:
        reason, count = array(loss, 2, 2)
        out["losses"].append([num(reason, last + 1, 2), num(count, 1)])
        last = reason
    rows = columns = cells = 0
    last = -1
    for g in array(m[5], 1, MAX_COLUMNS) if 5 in m else []:
        index, n, time, coverage, cols = array(g, 5, 5)
        last, n = num(index, last + 1, MAX_COLUMNS - 1), num(n, 1, MAX_ROWS)
        rows, columns, cells = rows + n, columns + len(array(cols, 1, MAX_COLUMNS)), cells + n * len(cols)
        need(rows <= MAX_ROWS and columns <= MAX_COLUMNS and cells <= MAX_CELLS, "over a limit")
        time = [num(t) for t in column(time, n, False)]
        if coverage is not None:
            coverage = [num(q, 0, 4) for q in column(coverage, n, False)]
        values = [field(c, n) for c in cols]
        need(all(any(v[row] is not None for v in values) for row in range(n)), "row without a value")
        out["groups"].append({"group": index, "time": time, "coverage": coverage, "columns": values})
    return out


def announcement(payload):
    m = payload_map("announcement", payload)
    groups = []
    for source, window, fields in (array(g, 3, 3) for g in array(m[8], 1, MAX_COLUMNS)):
        out = []
        for f in array(fields, 1, MAX_COLUMNS):
            one = {"name": text(array(f, 2, 7)[0]), "type": TYPES[num(f[1], 0, 3)]}
            need(len(f) == (7, 2, 2, 3)[f[1]], "parts of a field")
            if f[1] == 0:
                one.update(unit=text(f[2], 32, 0), scale=num(f[3], 0, 9), step=num(f[4], 1), min=num(f[5], -MAX_VALUE), max=num(f[6], f[5]))
            elif f[1] == 3:
                one["labels"] = [text(label, 64) for label in array(f[2], 1, 256)]
            out.append(one)
        groups.append({"source": text(source), "window": num(window), "fields": out})
    access, basis = array(m[9], 2, 2)
    notice, language, version, grant = array(m[16], 4, 4)
    need(access in (1, 2) and basis in (1, 3, 4, 5, 6, 7), "grounds")
    return {
        "stream": raw(m[1], 16), "epoch": num(m[2]), "key": raw(m[3], 32), "purpose": text(m[4]), "recipient": text(m[5]),
        "plan": raw(m[6], 32), "tick": num(m[7], 1), "groups": groups, "access": GROUNDS[access], "basis": GROUNDS[basis],
        "retention_days": num(m[10], 0, 2**32 - 1), "size": num(m[11], 0, MAX_MESSAGE), "rows": num(m[12], 0, MAX_ROWS),
        "consent": raw(m[13], 32), "erase": raw(m[14], 32),
        "receipt": {"notice": raw(notice, 32), "language": text(language, 35), "policy_version": num(version), "grant_day": num(grant, 0, 2**32 - 1)},
    }


def control(kind, payload):
    m = payload_map(kind, payload)
    if kind == "test":
        return {"nonce": raw(m[1], 16), "key": raw(m[2], 32)}
    out = {"stream": raw(m[1], 16), "epoch": num(m[2])}
    if kind == "deletion":
        out["capability"] = raw(m[3], 32)
    elif kind == "deletion-answer":
        out.update(day=num(m[3], 0, 2**32 - 1), stores=[text(s) for s in array(m[4], 1, 16)])
        if 5 in m:
            out["counts"] = [num(n) for n in array(m[5], len(m[4]), len(m[4]))]
    else:
        out["nonce"] = raw(m[3], 16)
        if kind == "freshness-answer":
            out.update(last=num(m[4]), withdrawn=num(m[5], 0, 1) == 1)
    return out


def read(kind, payload):
    return {"batch": batch, "announcement": announcement}.get(kind, lambda p: control(kind, p))(payload)


if __name__ == "__main__":  # a list of {kind, signed, hex} in, a list of messages or errors out
    results = []
    for v in json.load(sys.stdin):
        try:
            data = bytes.fromhex(v["hex"])
            results.append({"message": read(v["kind"], unsign(data) if v["signed"] else data)})
        except (ValueError, TypeError) as e:
            results.append({"error": str(e)})
    json.dump(results, sys.stdout)
