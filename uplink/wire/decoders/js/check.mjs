// Reads a list of {kind, signed, key, hex} from standard input and writes what
// each message says, or why it is none. The tests of the format run this.
import { readFileSync } from "node:fs";
import { read, verify } from "./candor-wire.mjs";

const bytes = (text) => new Uint8Array(Buffer.from(text ?? "", "hex"));
const results = [];
for (const v of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    const payload = v.signed ? await verify(v.kind, bytes(v.key), bytes(v.hex)) : bytes(v.hex);
    results.push({ message: read(v.kind, payload) });
  } catch (e) {
    results.push({ error: String(e.message) });
  }
}
process.stdout.write(JSON.stringify(results));
