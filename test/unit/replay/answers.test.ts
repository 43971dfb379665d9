// What reaches an instance from outside its streams is part of a recording: answers of gRPC calls and look-ups, ticks, items
// of queues. A replay gives it where it came; what was not read by the recorded version is read as it is now, and noted.
import { describe, expect, test } from "vitest";
import { parseRecording } from "../../../host/replay/jsonl.ts";
import { replayRecording, subjectOf } from "../../../host/replay/replay.ts";
import { Session } from "../../../host/replay/session.ts";
import { Harness, type HarnessOptions } from "../../../host/testing/harness.ts";
import type { DnsAddress } from "../../../host/plugin/dns-queries.ts";
import type { SharedStore } from "../../../host/vm/ports.ts";
import { guest } from "../../support/modules.ts";
import { wat } from "../module/build.ts";

/** A guest that puts the 4 characters at 512 into the request header `x-seen`. */
const seer = (imports: string, data: string, body: string, onRequest = ""): Uint8Array =>
  wat(`(module ${imports}
  (import "env" "proxy_replace_header_map_value" (func $header (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 512) "0000") (data (i32.const 600) "x-seen") ${data}
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 2048))
  (func $count (param i32) (i32.store8 (local.get 0) (i32.add (i32.load8_u (local.get 0)) (i32.const 1))))
  ${body}
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    ${onRequest}
    (drop (call $header (i32.const 0) (i32.const 600) (i32.const 6) (i32.const 512) (i32.const 4)))
    (i32.const 0)))`);

const dns = seer(
  `(import "env" "envoy_resolve_dns" (func $resolve (param i32 i32 i32) (result i32)))
   (import "env" "proxy_get_buffer_bytes" (func $buffer (param i32 i32 i32 i32 i32) (result i32)))`,
  `(data (i32.const 16) "orders.test")`,
  `(func (export "proxy_on_configure") (param i32 i32) (result i32)
     (drop (call $resolve (i32.const 16) (i32.const 11) (i32.const 8))) (i32.const 1))
   (func (export "envoy_on_resolve_dns") (param i32 i32 i32)
     (drop (call $buffer (i32.const 8) (i32.const 0) (local.get 2) (i32.const 0) (i32.const 4)))
     (i32.store (i32.const 512) (i32.load (i32.add (i32.load (i32.const 0)) (i32.const 8)))))`,
);

/** x-seen: ticks, queue calls, first character of the last item. */
const worker = seer(
  `(import "env" "proxy_set_tick_period_milliseconds" (func $period (param i32) (result i32)))
   (import "env" "proxy_register_shared_queue" (func $register (param i32 i32 i32) (result i32)))
   (import "env" "proxy_enqueue_shared_queue" (func $put (param i32 i32 i32) (result i32)))
   (import "env" "proxy_dequeue_shared_queue" (func $take (param i32 i32 i32) (result i32)))`,
  `(data (i32.const 16) "jobs") (data (i32.const 32) "item")`,
  `(func (export "proxy_on_configure") (param i32 i32) (result i32)
     (drop (call $register (i32.const 16) (i32.const 4) (i32.const 8)))
     (drop (call $period (i32.const 10))) (i32.const 1))
   (func (export "proxy_on_tick") (param i32) (call $count (i32.const 512)))
   (func (export "proxy_on_queue_ready") (param i32 i32)
     (call $count (i32.const 513))
     (if (i32.eqz (call $take (local.get 1) (i32.const 0) (i32.const 4)))
       (then (i32.store8 (i32.const 514) (i32.load8_u (i32.load (i32.const 0)))))))`,
  `(drop (call $put (i32.load (i32.const 8)) (i32.const 32) (i32.const 4)))`,
);

const reader = seer(
  `(import "env" "proxy_get_shared_data" (func $get (param i32 i32 i32 i32 i32) (result i32)))`,
  `(data (i32.const 16) "limit")`,
  "",
  `(if (i32.eqz (call $get (i32.const 16) (i32.const 5) (i32.const 0) (i32.const 4) (i32.const 8)))
     (then (i32.store (i32.const 512) (i32.load (i32.load (i32.const 0))))))`,
);

function recorded(wasm: Uint8Array, drive: (h: Harness) => void, options: HarnessOptions = {}): string {
  const h = new Harness([{ name: "seer", wasm }], { ...options, record: true });
  drive(h);
  const text = h.recording();
  h.close();
  return text;
}

const seen = (h: Harness): string | undefined => {
  const exchange = h.request();
  exchange.respond().end();
  return exchange.upstreamRequest?.header("x-seen");
};

const replayed = (text: string, wasm: Uint8Array) => replayRecording(parseRecording(text), [{ name: "a", wasm }]);

/** Nothing differs, nothing is missing, and every callback ran as often as it was recorded. */
function same(text: string, wasm: Uint8Array): void {
  const report = replayed(text, wasm);
  expect(report).toMatchObject({ differing: 0, fields: [], a: { fault: "", diverged: 0, divergences: [] } });
  expect(report.compared).toBeGreaterThan(0);
  for (const { callback, recorded: before, a } of report.fuel) expect([callback, a]).toEqual([callback, before]);
}

describe("answers", () => {
  const talk = async (drive: (h: Harness) => void): Promise<string> =>
    recorded(await guest("grpc"), (h) => {
      const grpc = h.upstream("grpc");
      grpc.grpc("test.Echo/Say", ({ messages }) => ({
        metadata: { "x-server": "one" },
        messages: [`echo ${messages.join()}`],
        trailers: { "x-reason": "none" },
      }));
      grpc.grpc("test.Echo/None", { status: 5, message: "no such thing" });
      drive(h);
      h.clock.advance(100);
    });

  test.each([
    ["a gRPC call", { "x-grpc": "unary", "x-message": "hello" }],
    ["a gRPC stream", { "x-grpc": "stream", "x-send": "one,two,end" }],
    ["a gRPC call that fails", { "x-grpc": "unary", "x-method": "None" }],
  ])("%s is answered as it was", async (_name, headers) => {
    const text = await talk((h) => {
      const exchange = h.request({ headers });
      h.clock.advance(100);
      expect(exchange.reply?.body).toContain("status");
      exchange.end();
    });
    expect(text).toContain('"fn":"proxy_on_grpc_close"');
    same(text, await guest("grpc"));
  });

  test("a gRPC call that the recording does not have fails, and is named", async () => {
    const text = await talk((h) => {
      const exchange = h.request({ headers: { "x-grpc": "unary", "x-message": "hello" } });
      h.clock.advance(100);
      exchange.end();
    });
    const { header, lines } = parseRecording(text);
    const without = lines.filter((line) => line.t !== "call" || line.fn !== "proxy_grpc_call");
    const wasm = await guest("grpc");
    const report = replayRecording({ header, lines: without }, [{ name: "a", wasm }]);
    expect(report.a.divergences).toContainEqual(
      expect.objectContaining({ what: "gRPC call grpc /test.Echo/Say", callback: "proxy_on_request_headers" }),
    );
    expect(report.differing).toBe(1);
  });

  test("a look-up of a name is answered with the addresses it had", () => {
    const asked: ((found: readonly DnsAddress[]) => void)[] = [];
    const text = recorded(
      dns,
      (h) => {
        asked[0]?.([{ address: "10.1.2.3", ttl: 60 }]);
        expect(seen(h)).toBe("10.1");
      },
      { dns: { resolve: (_name, done) => void asked.push(done) } },
    );
    same(text, dns);
    // Without the answer the header is another: it is the replay that gave it.
    const { header, lines } = parseRecording(text);
    const unanswered = lines.filter((line) => line.t !== "in" || line.fn !== "envoy_on_resolve_dns");
    expect(replayRecording({ header, lines: unanswered }, [{ name: "a", wasm: dns }]).differing).toBe(1);
  });
});

describe("what happens between streams", () => {
  test("ticks and items of queues come where they came", () => {
    const text = recorded(worker, (h) => {
      expect(seen(h)).toBe("0000");
      h.clock.advance(25);
      expect(seen(h)).toBe("21i0");
      h.clock.advance(10);
      expect(seen(h)).toBe("32i0");
    });
    expect(text).toContain('"fn":"proxy_on_queue_ready"');
    same(text, worker);
    const { header, lines } = parseRecording(text);
    const still = lines.filter((line) => line.t !== "in" || line.fn !== "proxy_on_tick");
    expect(replayRecording({ header, lines: still }, [{ name: "a", wasm: worker }]).differing).toBe(2);
  });
});

describe("shared data that the recorded version did not read", () => {
  const text = (): string => recorded(seer("", "", ""), (h) => void seen(h));

  test("is not there in a file's replay, and noted", () => {
    expect(replayed(text(), reader).a.divergences).toEqual([
      expect.objectContaining({ what: 'staleRead shared data "limit"', callback: "proxy_on_request_headers" }),
    ]);
  });

  test("is read as it is now in a shadow, noted as well", () => {
    const { header, lines } = parseRecording(text());
    const keys: string[] = [];
    const live = {
      get: (_space: string, key: string) => {
        keys.push(key);
        return { value: Buffer.from("1234"), cas: 1 };
      },
    } as unknown as SharedStore;
    const session = new Session([subjectOf(header, { name: "b", wasm: reader })], { ignore: [], live });
    session.add(lines);
    session.run();
    const [result] = session.results;
    expect(keys).toEqual(["limit"]);
    expect(result?.diverged).toBe(1);
    expect(result?.tally.fields(null)).toMatchObject([{ field: "request.header.x-seen", examples: [{ b: "1234" }] }]);
    session.close();
  });
});
