// Call-outs: what is sent, what comes back, and answers that come too late.
import { beforeAll, describe, expect, test } from "vitest";
import type { Compiled } from "../../../sdk/build/index.ts";
import * as map from "../../../sdk/assembly/abi/map.ts";
import { buildGuest, GuestKit, type Pairs } from "../../support/guest-kit.ts";

const OK: Pairs = [
  [":status", "200"],
  ["x-more", "+"],
];

describe("call-outs", () => {
  let built: Compiled;
  beforeAll(async () => {
    built = await buildGuest("auth");
  });
  const asked = (config = ""): GuestKit => {
    const kit = GuestKit.started(built.wasm, config);
    kit.open(2);
    expect(kit.requestHeaders(2, [["authorization", "Bearer t"]])).toBe(1);
    return kit;
  };

  test("the request carries what the builder was given", () => {
    const kit = asked('{"cluster":"iam","timeout":"1.5s"}');
    expect(kit.calls).toEqual([
      {
        upstream: "iam",
        headers: [
          [":method", "POST"],
          [":path", "/verify"],
          [":authority", "auth.local"],
          ["authorization", "Bearer t"],
        ],
        body: "who?",
        trailers: [["x-t", "1"]],
        timeoutMs: 1500,
        token: 4,
      },
    ]);
  });

  test("the answer resumes the stream it belongs to", () => {
    const kit = asked();
    kit.answer(4, { headers: OK, body: "alice", trailers: [["x-sum", "!"]] });
    expect(kit.effective).toBe(2);
    expect(kit.header(map.HTTP_REQUEST_HEADERS, "x-user")).toBe("alice+!");
    expect(kit.resumed).toEqual([0]);
  });

  test("another status is an answer, a failure is none", () => {
    const refused = asked();
    refused.answer(4, { headers: [[":status", "403"]] });
    expect(refused.reply).toEqual({ status: 401, body: "", headers: [["www-authenticate", "x"]], details: "no" });
    const slow = asked();
    slow.answer(4, null, "timeout");
    expect(slow.reply?.body).toBe("auth timed out");
    const broken = asked();
    broken.answer(4, null, "connect_failure");
    expect(broken.reply?.body).toBe("auth failed: connect_failure");
  });

  test("a refused call answers at once", () => {
    const kit = GuestKit.started(built.wasm);
    kit.failing.set("proxy_http_call", 2);
    kit.open(2);
    kit.requestHeaders(2, []);
    expect(kit.reply).toMatchObject({ status: 503, body: "refused" });
  });

  test("answers of ended streams, unknown tokens and second answers are dropped", () => {
    const kit = asked();
    kit.end(2);
    expect(kit.log).toContainEqual([2, "end 2"]);
    kit.answer(4, { headers: OK, body: "late" });
    kit.answer(400, { headers: OK });
    expect(kit.resumed).toEqual([]);
    kit.open(3);
    kit.requestHeaders(3, []);
    kit.answer(8, { headers: OK });
    kit.answer(8, { headers: OK });
    expect(kit.resumed).toEqual([0]);
  });

  test("nothing of ended streams stays: memory is flat with answers that never come", () => {
    const kit = GuestKit.started(built.wasm);
    const run = (from: number): void => {
      for (let id = from; id < from + 4000; id++) {
        kit.open(id);
        kit.requestHeaders(id, []);
        kit.end(id);
        kit.calls.length = 0;
      }
    };
    run(2);
    const before = kit.memoryBytes;
    for (let round = 1; round < 4; round++) run(round * 10_000);
    expect(kit.memoryBytes).toBe(before);
  });
});
