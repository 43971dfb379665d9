// Every status other than OK has a reason: in the ABI trace, and through `sluice.explain`.
import { afterEach, describe, expect, test } from "vitest";
import { GuestMemory } from "../../../host/vm/memory.ts";
import { Refusal } from "../../../host/vm/refusal.ts";
import * as status from "../../../sdk/assembly/abi/status.ts";
import { Asker } from "../../support/asker.ts";

let asker: Asker | null = null;
afterEach(() => {
  asker?.close();
  asker = null;
});

async function traced(headers: Record<string, string>, body?: string): Promise<string[]> {
  const words: string[] = [];
  asker = await Asker.start({
    trace: { callbackBegan: () => {}, callbackEnded: () => {}, hostCall: (text) => void words.push(text) },
  });
  asker.ask(headers, body === undefined ? {} : { body });
  return words.filter((text) => !text.startsWith("log("));
}

describe("the trace", () => {
  test.each([
    [
      "add X@Y v",
      'add_header_map_value(http_request_headers, "X@Y", "v") = BAD_ARGUMENT: "x@y" is not a header name (RFC 9110 5.1)',
    ],
    [
      "add :status 200",
      'add_header_map_value(http_request_headers, ":status", "200") = BAD_ARGUMENT: ":status" is not a pseudo header of this map',
    ],
    [
      "add :path x",
      'add_header_map_value(http_request_headers, ":path", "x") = BAD_ARGUMENT: the value given for ":path" is not valid',
    ],
    ["header x-none", 'get_header_map_value(http_request_headers, "x-none") = NOT_FOUND: there is no header "x-none"'],
    [
      "body",
      'get_buffer_bytes(http_request_body, 0, 100) = NOT_FOUND: the buffer "http_request_body" is not there in this callback',
    ],
    ["get a|b", 'get_property("a.b") = NOT_FOUND: the property "a.b" is not there, or not yet'],
    [
      "set request|path v",
      'set_property("request.path", "v") = BAD_ARGUMENT: "request.path" is the host\'s own and cannot be set',
    ],
    ["call no_such 00", 'call_foreign_function("no_such", 1 bytes) = NOT_FOUND: this host has no function "no_such"'],
    [
      "call sluice.delay 00",
      'call_foreign_function("sluice.delay", 1 bytes) = BAD_ARGUMENT: expected u32 milliseconds, at most 60 000',
    ],
    [
      "call sluice.kv_set 00",
      'call_foreign_function("sluice.kv_set", 1 bytes) = BAD_ARGUMENT: expected u32 cas, u32 ttl_ms, u32 klen, key and value',
    ],
    [`data ${"k".repeat(1025)}`, "at most 1 KiB"],
  ])("%s", async (command, words) => {
    expect((await traced({ "x-do": command })).some((line) => line.includes(words))).toBe(true);
  });

  test("a call that is OK carries no reason, also after one that was not", async () => {
    const words = await traced({ "x-do": "header x-none; header x-do" });
    expect(words).toContain('get_header_map_value(http_request_headers, "x-do") = OK "header x-none; header x-do"');
  });

  test("headers that have gone on cannot be written", async () => {
    expect(await traced({ "x-do-response": "add x-a v" })).toContain(
      'add_header_map_value(http_request_headers, "x-a", "v") = BAD_ARGUMENT: the map "http_request_headers" cannot be written now: not there yet, gone on already, or read-only as in proxy_on_log',
    );
  });
});

describe("sluice.explain", () => {
  test("says why the newest call of the callback was refused, until the callback returns", async () => {
    asker = await Asker.start();
    const answers = asker.ask({
      "x-do": "call sluice.explain; get nothing; header x-do; call sluice.explain; add X@Y v; call sluice.explain",
      "x-do-response": "call sluice.explain",
    });
    const told = answers.filter(({ verb }, at) => verb === "call" && at >= 0).map(({ bytes }) => bytes.toString());
    expect(told).toEqual([
      // The SDK asks for the headers of the commands first.
      'there is no header "x-do-log"',
      'the property "nothing" is not there, or not yet',
      '"x@y" is not a header name (RFC 9110 5.1)',
      "",
    ]);
  });

  test("is silent in production", async () => {
    asker = await Asker.start({ logLevel: 2 });
    expect(asker.ask({ "x-do": "get nothing; call sluice.explain" })[1]).toMatchObject({
      status: 0,
      bytes: Buffer.alloc(0),
    });
  });
});

describe("guest memory", () => {
  test("names the range, or the allocator", () => {
    const refusal = new Refusal();
    const memory = new GuestMemory(refusal);
    memory.attach(new WebAssembly.Memory({ initial: 1 }), () => 0);
    expect(memory.text(65_000, 1000)).toBeNull();
    expect(refusal.text).toBe("the range that begins at 65000 is not inside the guest's memory");
    expect(memory.giveText("hello", 0, 4)).toBe(status.INVALID_MEMORY_ACCESS);
    expect(refusal.text).toBe("the guest's allocator gave no memory for 5 bytes");
  });
});

test("a subject is shown readable and cut", () => {
  const refusal = new Refusal();
  expect(refusal.text).toBe("");
  refusal.note("no {}", "a\0b");
  expect(refusal.text).toBe('no "a.b"');
  refusal.note("{} it is", 7);
  expect(refusal.text).toBe("7 it is");
  refusal.note("{}", "$&".repeat(100));
  expect(refusal.text).toHaveLength(83);
});
