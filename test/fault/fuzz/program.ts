// A random filter: host calls in a random order, with arguments that know what they mean (texts, pairs, outputs, ids,
// extremes) and are then spoilt now and then, in a random callback. The same seed always gives the same one.
import { seededRandom, type Random } from "../../../host/base/random.ts";
import { HOST_CALLS, MOMENTS, paramsOf } from "../../support/hostile.ts";

/** What stands at a place in memory that programs point to. */
const AREA = 2048;
const NAMES = ":path :status :method x-a content-length cookie connection web vm queue request.path s.S M GET / ".split(
  " ",
);
const WORDS = [
  ...NAMES,
  "a\r\nb",
  "a\0b",
  "request\0path",
  "response\0headers\0x",
  "sluice.features",
  "sluice.kv_set",
  "\xff\xfe",
  "",
];
const EXTREMES = [0, 1, -1, 0x7fffffff, -0x80000000, 65_535, 65_536, 131_071, 131_072, 255, 1 << 20];

export interface Program {
  readonly moment: string;
  readonly does: string;
}

export class Writer {
  readonly #random: Random;
  #at = AREA;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  program(): Program {
    const moment = this.#pick(Object.keys(MOMENTS));
    const count = 1 + this.#below(12);
    const body = Array.from({ length: count }, () => this.#call()).join("\n");
    return { moment, does: body };
  }

  #below(count: number): number {
    return Math.floor(this.#random.fraction() * count);
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)] as T;
  }

  #call(): string {
    const name = this.#pick(HOST_CALLS);
    const types = paramsOf(name);
    const before: string[] = [];
    const args: string[] = [];
    while (args.length < types.length) {
      if (types[args.length] === "i64") args.push(`(i64.const ${this.#number()})`);
      else if (this.#below(2) === 0 && args.length + 1 < types.length && types[args.length + 1] === "i32") {
        const { code, at, size } = this.#bytes();
        before.push(code);
        args.push(`(i32.const ${at})`, `(i32.const ${size})`);
      } else args.push(`(i32.const ${this.#small()})`);
    }
    const call = `(drop (call $${name.replace(/^proxy_/, "")} ${args.join(" ")}))`;
    return `${before.join(" ")} ${this.#below(6) === 0 ? `${call} ${call}` : call}`;
  }

  #number(): number {
    return this.#below(3) === 0 ? this.#pick(EXTREMES) : this.#below(1000);
  }

  /** Map, buffer, stream, level and metric numbers are small; so are addresses of outputs. */
  #small(): number {
    return this.#below(4) === 0 ? this.#pick(EXTREMES) : this.#pick([0, 1, 2, 3, 4, 5, 6, 7, 8, 300, 304, 308, 400]);
  }

  /** A text or serialised pairs somewhere, and the pointer and size that say so, truthfully or not. */
  #bytes(): { readonly code: string; readonly at: number; readonly size: number } {
    const content = this.#below(3) === 0 ? this.#pairs() : Buffer.from(this.#pick(WORDS), "latin1");
    const spoilt = this.#below(4) === 0 ? this.#spoil(content) : content;
    const at = this.#at;
    this.#at = AREA + ((this.#at - AREA + spoilt.length + 8) % 16_384);
    const code = [...spoilt]
      .map((byte, index) => `(i32.store8 (i32.const ${at + index}) (i32.const ${byte}))`)
      .join(" ");
    const lie = this.#below(8);
    return { code, at: lie === 0 ? this.#pick(EXTREMES) : at, size: lie === 1 ? this.#pick(EXTREMES) : spoilt.length };
  }

  #pairs(): Buffer {
    const texts = Array.from({ length: 2 * this.#below(5) }, () => Buffer.from(this.#pick(WORDS), "latin1"));
    const head = Buffer.alloc(4 + texts.length * 4);
    head.writeUInt32LE(texts.length / 2, 0);
    for (const [index, text] of texts.entries()) head.writeUInt32LE(text.length, 4 + index * 4);
    return Buffer.concat([head, ...texts.flatMap((text) => [text, Buffer.of(0)])]);
  }

  #spoil(bytes: Buffer): Buffer {
    const spoilt = Buffer.from(bytes);
    if (spoilt.length === 0) return Buffer.of(this.#below(256));
    for (let times = 1 + this.#below(3); times > 0; times--) spoilt[this.#below(spoilt.length)] = this.#below(256);
    return this.#below(3) === 0 ? spoilt.subarray(0, this.#below(spoilt.length)) : spoilt;
  }

  /** Damage to any bytes: for the parsers. */
  damaged(bytes: Uint8Array): Buffer {
    let made: Buffer = Buffer.from(bytes);
    for (let times = 1 + this.#below(4); times > 0; times--) made = this.#spoil(made);
    return made;
  }

  anyText(): string {
    return this.#spoil(Buffer.from(this.#pick(WORDS), "latin1")).toString("latin1");
  }

  anyPairs(): Buffer {
    return this.#below(2) === 0 ? this.#pairs() : this.#spoil(this.#pairs());
  }
}
