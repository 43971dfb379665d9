// `http2:` of listeners and clusters: on and off, defaults, what is refused.
import { describe, expect, test } from "vitest";
import { MINIMAL, parse, problemsOf, where } from "./support.ts";

const listener = (text: string): string => MINIMAL.replace("    routes:", `    http2: ${text}\n    routes:`);
const cluster = (text: string): string => MINIMAL.replace("{ name: web,", `{ name: web, ${text},`);

describe("http2 of a listener", () => {
  test("is on by default, off when false, and takes its limits with their units", async () => {
    const defaults = {
      maxConcurrentStreams: 100,
      initialStreamWindowSize: 65_536,
      initialConnectionWindowSize: 1_048_576,
      maxConnectionDurationMs: 0,
      streamResetBurst: 1000,
      streamResetRate: 33,
      maxControlFrames: 1000,
    };
    expect((await parse(MINIMAL)).config.listeners[0]?.http2).toEqual(defaults);
    expect((await parse(listener("true"))).config.listeners[0]?.http2).toEqual(defaults);
    expect((await parse(listener("false"))).config.listeners[0]?.http2).toBeUndefined();
    const own = listener("{ maxConcurrentStreams: 7, initialStreamWindowSize: 1MiB, maxConnectionDuration: 1h }");
    expect((await parse(own)).config.listeners[0]?.http2).toEqual({
      ...defaults,
      maxConcurrentStreams: 7,
      initialStreamWindowSize: 1_048_576,
      maxConnectionDurationMs: 3_600_000,
    });
  });

  test("is refused on a tcp listener, and with windows that HTTP/2 does not have", async () => {
    const tcp = `listeners:
  - { name: db, address: "127.0.0.1:1", protocol: tcp, tcp: { cluster: web }, http2: {} }
clusters:
  - { name: web, endpoints: [{ address: 127.0.0.1:9001 }] }
`;
    expect((await problemsOf(tcp)).map(({ code }) => code)).toEqual(["wrong_protocol"]);
    const windows = listener("{ initialStreamWindowSize: 4GiB, initialConnectionWindowSize: 1KiB }");
    expect((await problemsOf(windows)).map(where)).toEqual(["4:39 bad_window", "4:74 bad_window"]);
  });
});

describe("http2 of a cluster", () => {
  test("is off by default; {} takes the defaults; maxRequests counts its streams", async () => {
    expect((await parse(MINIMAL)).config.clusters[0]).not.toHaveProperty("http2");
    const text = cluster("http2: {}, circuitBreakers: { thresholds: { maxRequests: 5 } }");
    expect((await parse(text)).config.clusters[0]).toMatchObject({
      maxRequests: 5,
      http2: { maxConcurrentStreams: 100, initialStreamWindowSize: 262_144, initialConnectionWindowSize: 1_048_576 },
    });
  });

  test("is what maxRequests needs", async () => {
    const problems = await problemsOf(cluster("circuitBreakers: { thresholds: { maxRequests: 5 } }"));
    expect(problems.map(({ code }) => code)).toEqual(["needs_http2"]);
  });
});
