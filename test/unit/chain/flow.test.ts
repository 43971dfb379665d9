import { expect, test } from "vitest";
import { Flow } from "../../../host/chain/flow.ts";
import { seededRandom } from "../../../host/base/random.ts";

test("a body in a hundred thousand pieces, seen as a whole after each, is not copied for each", () => {
  const flow = new Flow();
  const stores = new Set<ArrayBufferLike>();
  for (let piece = 0; piece < 100_000; piece++) {
    flow.append(Buffer.from([piece & 0xff]));
    const view = flow.lend();
    stores.add(view.buffer);
    flow.append(view);
  }
  expect(flow.bytes).toBe(100_000);
  // One per doubling, and the shared block that the first pieces came in.
  expect(stores.size).toBeLessThan(24);
  expect(flow.take().every((byte, at) => byte === (at & 0xff))).toBe(true);
});

test("what was lent and did not come back is nobody's room any more", () => {
  const flow = new Flow();
  flow.append(Buffer.from("ab"));
  flow.append(Buffer.from("cd"));
  const gone = flow.lend();
  flow.open();
  flow.append(Buffer.from("ef"));
  flow.append(Buffer.from("gh"));
  expect(gone.toString()).toBe("abcd");
  expect(flow.take().toString()).toBe("efgh");
});

test("a chunk that is kept is never written to", () => {
  const flow = new Flow();
  const block = Buffer.from("abcdef");
  flow.append(block.subarray(0, 2));
  flow.append(Buffer.from("XY"));
  expect(block.toString()).toBe("abcdef");
  expect(flow.take().toString()).toBe("abXY");
});

test("any order of appending, lending, giving back, cutting, rewriting and taking keeps the bytes (seed 1)", () => {
  const random = seededRandom(1);
  const pick = (count: number): number => Math.floor(random.fraction() * count);
  for (let round = 0; round < 500; round++) {
    const flow = new Flow();
    flow.state = "body";
    let model = "";
    const given: [Buffer, string][] = [];
    for (let step = 0; step < 40; step++) {
      const text = "abcdefgh".slice(0, pick(9));
      const view = (bytes: Buffer): Buffer => (given.push([bytes, bytes.toString()]), bytes);
      switch (pick(6)) {
        case 0:
        case 1:
          flow.append(Buffer.from(text));
          model += text;
          break;
        case 2:
          flow.append(view(flow.lend()));
          break;
        case 3: {
          const half = Math.floor(model.length / 2);
          flow.append(view(flow.lend()).subarray(0, half));
          model = model.slice(0, half);
          break;
        }
        case 4:
          flow.rewrite(Buffer.from(text));
          model = text;
          break;
        default:
          expect(view(flow.take()).toString()).toBe(model);
          model = "";
      }
      expect(flow.bytes).toBe(model.length);
      expect(flow.readable()?.toString()).toBe(model);
    }
    // Whoever was given a view still sees what it was given.
    for (const [bytes, text] of given) expect(bytes.toString()).toBe(text);
  }
});
