// `envoy_resolve_dns` and its callback, from the guest's side.
import { describe, expect, test } from "vitest";
import { Harness, type HarnessOptions } from "../../../host/testing/harness.ts";
import type { FilterUnderTest } from "../../../host/testing/load-filter.ts";
import type { DnsAddress } from "../../../host/plugin/dns-queries.ts";
import { wat } from "../module/build.ts";

/** Looks `name` up while it is configured (refusing the configuration if that is refused) and logs what comes of it. */
const guest = (name: string, out = 8): Uint8Array =>
  wat(`(module
  (import "env" "envoy_resolve_dns" (func $resolve (param i32 i32 i32) (result i32)))
  (import "env" "proxy_get_buffer_bytes" (func $buffer (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "${name}")
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 2048))
  (func (export "proxy_on_configure") (param i32 i32) (result i32) (local $status i32)
    (local.set $status (call $resolve (i32.const 16) (i32.const ${name.length}) (i32.const ${out})))
    (i32.store8 (i32.const 512) (i32.add (i32.const 48) (local.get $status)))
    (drop (call $log (i32.const 2) (i32.const 512) (i32.const 1)))
    (i32.const 1))
  (func (export "envoy_on_resolve_dns") (param i32 i32 i32)
    (drop (call $buffer (i32.const 8) (i32.const 0) (local.get 2) (i32.const 0) (i32.const 4)))
    (drop (call $log (i32.const 2) (i32.load (i32.const 0)) (i32.load (i32.const 4))))))`);

type Done = (found: readonly DnsAddress[]) => void;

function start(filter: Partial<FilterUnderTest>, wasm = guest("orders.test")) {
  const asked: [name: string, done: Done][] = [];
  const options: HarnessOptions = { dns: { resolve: (name, done) => void asked.push([name, done]) } };
  const harness = new Harness([{ name: "dns", wasm, ...filter }], options);
  return { harness, asked, said: (): string[] => harness.logs.map(({ message }) => message) };
}

describe("looking names up", () => {
  test("the addresses arrive on the plugin context, with their times to live, in buffer 8", () => {
    const { asked, said } = start({});
    expect(asked.map(([name]) => name)).toEqual(["orders.test"]);
    asked[0]?.[1]([
      { address: "10.1.2.3", ttl: 60 },
      { address: "::1", ttl: 5 },
    ]);
    expect(said()).toEqual(["0", "\x02\0\0\0\x3c\0\0\0\x05\0\0\x0010.1.2.3\0::1\0"]);
  });

  test("a name without addresses is answered with none", () => {
    const { asked, said } = start({});
    asked[0]?.[1]([]);
    expect(said()).toEqual(["0", "\0\0\0\0"]);
  });

  test("an answer that comes after the end of the plugin is dropped", () => {
    const { harness, asked, said } = start({});
    harness.close();
    asked[0]?.[1]([{ address: "10.1.2.3", ttl: 60 }]);
    expect(said()).toEqual(["0"]);
  });

  test.each([
    ["a text that is no host name", {}, guest("a b"), "2"],
    ["a name of 254 characters", {}, guest("a".repeat(254)), "2"],
    ["a bad address for the token", {}, guest("orders.test", 70_000), "6"],
    [
      "an allow-list of upstreams: a query carries data out",
      { options: { allowedUpstreams: ["web"] } },
      undefined,
      "2",
    ],
    [
      "a capability that was not given",
      { options: { allowedCapabilities: ["proxy_log", "proxy_on_configure"] } },
      undefined,
      ":",
    ],
  ] as const)("%s: refused, and nothing is asked", (_what, filter, wasm, status) => {
    const { asked, said } = start(filter, wasm);
    expect(asked).toEqual([]);
    expect(said()).toContain(
      status === ":" ? "envoy_resolve_dns is not in the filter's allowedCapabilities: answered with status 10" : status,
    );
  });
});
