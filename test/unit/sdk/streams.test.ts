// Stream objects of the SDK: made at the first callback where the host says so, used again where that cannot be seen.
import { beforeAll, describe, expect, test } from "vitest";
import * as map from "../../../sdk/assembly/abi/map.ts";
import { buildGuest, GuestKit } from "../../support/guest-kit.ts";

let fresh: Uint8Array;
let list: Uint8Array;
beforeAll(async () => {
  fresh = (await buildGuest("fresh")).wasm;
  list = (await buildGuest("fresh-list")).wasm;
});

/** What the stream `id` says it has seen so far. */
function seen(kit: GuestKit, id: number, name: string): string | undefined {
  kit.requestHeaders(id, [["x-name", name]]);
  return kit.maps.get(map.HTTP_REQUEST_HEADERS)?.find(([key]) => key === "x-seen")?.[1];
}

describe("stream objects", () => {
  test("a stream that takes the object of an ended one begins anew, field by field", () => {
    const kit = GuestKit.started(fresh);
    for (let id = 2; id < 50; id++) {
      kit.open(id);
      expect(seen(kit, id, `n${id}`)).toBe("a 7 none null");
      expect(seen(kit, id, "again")).toBe(`a 8 n${id} n${id}!`);
      kit.end(id);
    }
  });

  test("streams that live at the same time keep what is theirs", () => {
    const kit = GuestKit.started(fresh);
    for (let round = 0; round < 3; round++) {
      const ids = Array.from({ length: 40 }, (_, at) => 2 + round * 100 + at);
      for (const id of ids) kit.open(id);
      for (const id of ids) expect(seen(kit, id, `n${id}`)).toBe("a 7 none null");
      for (const id of ids.toReversed()) expect(seen(kit, id, "x")).toBe(`a 8 n${id} n${id}!`);
      for (const id of ids) kit.end(id);
    }
  });

  test("a new configuration reaches new streams although objects of the old one wait", () => {
    const kit = GuestKit.started(fresh);
    kit.open(2);
    kit.open(3);
    seen(kit, 2, "old");
    kit.end(2);
    expect(kit.configure(1, '{"mark":"b"}')).toBe(true);
    kit.open(4);
    expect(seen(kit, 4, "new")).toBe("b 7 none null");
    expect(seen(kit, 3, "old")).toBe("a 7 none null");
    kit.end(3);
    kit.open(5);
    expect(seen(kit, 5, "new")).toBe("b 7 none null");
  });

  test("a class with a field that is an object of its own is made anew each time", () => {
    const kit = GuestKit.started(list);
    for (let id = 2; id < 20; id++) {
      kit.open(id);
      expect(seen(kit, id, `n${id}`)).toBe("");
      expect(seen(kit, id, "again")).toBe(`n${id}`);
      kit.end(id);
    }
  });

  test("memory stays flat over 20 000 streams, used again or not", () => {
    for (const wasm of [fresh, list]) {
      const kit = GuestKit.started(wasm);
      const run = (from: number, count: number): void => {
        for (let id = from; id < from + count; id++) {
          kit.open(id);
          kit.requestHeaders(id, [["x-name", "n"]]);
          kit.end(id);
        }
      };
      run(2, 2000);
      const before = kit.memoryBytes;
      run(3000, 20_000);
      expect(kit.memoryBytes).toBe(before);
    }
  });

  test("a host that announces no stream gets one at its first callback, whichever that is", () => {
    const kit = GuestKit.started(fresh);
    expect(seen(kit, 2, "one")).toBe("a 7 none null");
    expect(seen(kit, 3, "two")).toBe("a 7 none null");
    expect(seen(kit, 2, "x")).toBe("a 8 one one!");
    kit.end(2);
    kit.end(77);
    expect(seen(kit, 4, "three")).toBe("a 7 none null");
  });

  test("with several plugin contexts a stream belongs to the one that announced it, and none is made without", () => {
    const kit = GuestKit.started(fresh);
    kit.call("proxy_on_context_create", 9, 0);
    kit.configure(9, '{"mark":"nine"}');
    expect(seen(kit, 20, "x")).toBeUndefined();
    kit.open(21, 9);
    expect(seen(kit, 21, "x")).toBe("nine 7 none null");
    kit.open(22);
    expect(seen(kit, 22, "x")).toBe("a 7 none null");
  });
});
