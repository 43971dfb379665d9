import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import * as metric from "../../../sdk/assembly/abi/metric.ts";
import * as status from "../../../sdk/assembly/abi/status.ts";
import type { HistogramValue } from "../../../host/observe/samples.ts";
import { parseMetricName, scopeLabels } from "../../../host/plugin/metric-name.ts";
import { createSharedMetrics, SharedMetrics } from "../../../host/plugin/shared-metrics.ts";

const pair = (): [SharedMetrics, SharedMetrics] => {
  const handle = createSharedMetrics();
  return [new SharedMetrics(handle, 1), new SharedMetrics(handle, 2)];
};

describe("metrics of filters", () => {
  test("the same scope, name and type is the same metric on every thread, and no id is 0", () => {
    const [one, two] = pair();
    const id = one.define("f@v1", metric.COUNTER, "requests");
    expect(two.define("f@v1", metric.COUNTER, "requests")).toBe(id);
    expect(one.define("f@v1", metric.COUNTER, "requests")).toBe(id);
    expect(id).toBeGreaterThan(0);
    expect([id & 3, one.define("f@v1", metric.HISTOGRAM, "h") & 3]).toEqual([metric.COUNTER, metric.HISTOGRAM]);
    expect(two.define("f@v2", metric.COUNTER, "requests")).not.toBe(id);
  });

  test("a name of another type, an unknown type and an unusable name are refused", () => {
    const [one, two] = pair();
    one.define("f@v1", metric.COUNTER, "requests");
    expect([one, two].map((each) => each.define("f@v1", metric.GAUGE, "requests"))).toEqual([-1, -1]);
    expect(one.define("f@v1", 3, "x")).toBe(-1);
    expect(one.define("f@v1", metric.GAUGE, "")).toBe(-1);
    expect(one.define("f@v1", metric.GAUGE, ";.;a=.=b;.;")).toBe(-1);
    expect(one.define("f@v1", metric.GAUGE, "x".repeat(1025))).toBe(-1);
  });

  test("a scope has room for 1000 names and no more, whatever the others have", () => {
    const [one, two] = pair();
    for (let at = 0; at < 1000; at++) expect((at % 2 === 0 ? one : two).define("f@v1", 0, `m${at}`)).toBeGreaterThan(0);
    expect(one.define("f@v1", 0, "one-more")).toBe(-2);
    expect(one.define("f@v1", 0, "m7")).toBeGreaterThan(0);
    expect(one.define("f@v10", 0, "other")).toBeGreaterThan(0);
  });

  test("every call answers with the status the ABI gives it", () => {
    const [one, two] = pair();
    const [counter, gauge, histogram] = [0, 1, 2].map((type) => one.define("f@v1", type, `m${type}`)) as [
      number,
      number,
      number,
    ];
    expect([one.increment(counter, 2n), two.record(counter, 3n)]).toEqual([status.OK, status.OK]);
    expect([one.get(counter), two.get(counter)]).toEqual([5n, 5n]);
    expect([one.increment(counter, 0n), one.increment(counter, -1n)]).toEqual([
      status.BAD_ARGUMENT,
      status.BAD_ARGUMENT,
    ]);
    expect([one.record(gauge, 7n), one.increment(gauge, -9n)]).toEqual([status.OK, status.OK]);
    expect(two.get(gauge)).toBe(2n ** 64n - 2n);
    expect(one.record(histogram, 7n)).toBe(status.OK);
    expect([one.increment(histogram, 1n), one.get(histogram)]).toEqual([status.BAD_ARGUMENT, status.BAD_ARGUMENT]);
    for (const unknown of [0, 3, 4000, -1, 2 ** 31 - 1]) {
      expect([one.record(unknown, 1n), one.increment(unknown, 1n), one.get(unknown)]).toEqual(
        Array(3).fill(status.NOT_FOUND),
      );
    }
  });

  test("collecting parses labels, names the plugin and adds up the rows of a histogram", () => {
    const [one, two] = pair();
    const name = "requests;.;route=.=/a b;.;code=.=200;.;";
    one.increment(two.define("rate-limit@v3", metric.COUNTER, name), 4n);
    const sizes = one.define("rate-limit@v3", metric.HISTOGRAM, "size.bytes");
    for (const [metrics, value] of [
      [one, 1n],
      [two, 2n],
      [two, 10_000_000n],
    ] as const)
      metrics.record(sizes, value);
    const owner = { plugin: "rate-limit", plugin_version: "v3" };
    const [counter, histogram] = two.collect();
    expect(counter).toMatchObject({
      name: "sluice_filter_requests",
      type: "counter",
      value: 4,
      labels: { route: "/a b", code: "200", ...owner },
    });
    expect(histogram).toMatchObject({ name: "sluice_filter_size_bytes", type: "histogram", labels: owner });
    const value = histogram!.value as HistogramValue;
    expect([value.counts[0], value.counts[1], value.counts.at(-1), value.sum]).toEqual([1, 1, 1, 10_000_003]);
    expect(value.counts.length).toBe(value.bounds.length + 1);
  });

  test("a dropped scope is forgotten, its ids are dead on every thread and its places are used again", () => {
    const [one, two] = pair();
    const old = one.define("f@v1", metric.COUNTER, "requests");
    one.increment(old, 5n);
    const kept = two.define("f@v11", metric.COUNTER, "requests");
    two.drop("f@v1");
    expect([one.get(old), one.increment(old, 1n)]).toEqual([status.NOT_FOUND, status.NOT_FOUND]);
    const next = two.define("f@v2", metric.COUNTER, "requests");
    expect([one.get(next), one.get(old), one.get(kept)]).toEqual([0n, status.NOT_FOUND, 0n]);
    expect(one.define("f@v1", metric.COUNTER, "requests")).not.toBe(old);
    for (let version = 0; version < 300; version++) {
      for (let at = 0; at < 50; at++) expect(one.define(`g@v${version}`, 0, `m${at}`)).toBeGreaterThan(0);
      one.drop(`g@v${version}`);
    }
  });

  test("what four threads count adds up", async () => {
    const handle = createSharedMetrics();
    const url = new URL("./shared-metrics.worker.ts", import.meta.url);
    const workers = [1, 2, 3, 4].map(() => new Worker(url, { workerData: { handle, times: 10_000 } }));
    await Promise.all(workers.map((worker) => once(worker, "exit")));
    const metrics = new SharedMetrics(handle, 0);
    const samples = metrics.collect();
    expect(samples.map((sample) => sample.name.slice(-2))).toEqual(["m0", "m1", "m2"]);
    expect(samples.slice(0, 2).map((sample) => sample.value)).toEqual([120_000, 20_000]);
    const { counts, sum } = samples[2]!.value as HistogramValue;
    expect([counts.reduce((total, count) => total + count), sum]).toEqual([40_000, 380_000]);
  });
});

describe("metric names", () => {
  test("are read as the SDK and as Istio write them", () => {
    const parsed = { name: "sluice_filter_requests", labels: { code: "200", app: "a" } };
    expect(parseMetricName("requests;.;code=.=200;.;app=.=a;.;")).toEqual(parsed);
    expect(parseMetricName("requests.code=.=200;.;app=.=a;.;")).toEqual(parsed);
    expect(parseMetricName("code=.=200;.;app=.=a;.;requests")).toEqual(parsed);
    expect(parseMetricName("my metric/1")?.name).toBe("sluice_filter_my_metric_1");
    expect(parseMetricName("requests;.;9 lives=.=;.;")?.labels).toEqual({ _9_lives: "" });
    expect(parseMetricName("=.=;.;")).toBeNull();
    expect(scopeLabels("@scope/f@v2")).toEqual({ plugin: "@scope/f", plugin_version: "v2" });
    expect(scopeLabels("f")).toEqual({ plugin: "f", plugin_version: "" });
  });
});
