import { describe, expect, test } from "vitest";
import { MetricRegistry } from "../../../host/observe/metrics.ts";
import { mergeSamples, toPrometheus } from "../../../host/observe/prometheus.ts";

const name = (text: string) => ({ name: text, help: `help of ${text}` });

describe("MetricRegistry", () => {
  test("gives the same handle for the same labels, in any order", () => {
    const registry = new MetricRegistry();
    const a = registry.counter(name("n"), { x: "1", y: "2" });
    expect(registry.counter(name("n"), { y: "2", x: "1" })).toBe(a);
    expect(registry.counter(name("n"), { x: "1", y: "3" })).not.toBe(a);
  });

  test("refuses one name with two types", () => {
    const registry = new MetricRegistry();
    registry.counter(name("n"));
    expect(() => registry.gauge(name("n"))).toThrow("metric n is a counter, asked for as a gauge");
  });

  test("collects plain values", () => {
    const registry = new MetricRegistry();
    registry.counter(name("c")).inc(2);
    registry.gauge(name("g")).add(-1);
    registry.readGauge(name("r"), { a: "b" }, () => 7);
    registry.histogram(name("h"), {}, [1, 10]).observe(1);
    registry.histogram(name("h"), {}, [1, 10]).observe(11);
    const values = new Map(registry.collect().map((sample) => [sample.name, sample.value]));
    expect(values.get("c")).toBe(2);
    expect(values.get("g")).toBe(-1);
    expect(values.get("r")).toBe(7);
    expect(values.get("h")).toEqual({ bounds: [1, 10], counts: [1, 0, 1], sum: 12 });
    expect(structuredClone(registry.collect())).toEqual(registry.collect());
  });

  test("counts label sets over the limit together", () => {
    const registry = new MetricRegistry({ maxSeries: 3 });
    for (let at = 0; at < 10; at++) registry.counter(name("n"), { path: `/${at}` }).inc();
    const series = registry.collect().filter((sample) => sample.name === "n");
    expect(series).toHaveLength(4);
    expect(series.find(({ labels }) => labels["path"] === "other")?.value).toBe(7);
    const dropped = registry.collect().find((sample) => sample.name === "sluice_metric_series_dropped_total");
    expect(dropped?.value).toBe(7);
  });

  test("forgets the series of what is gone", () => {
    const registry = new MetricRegistry();
    registry.counter(name("n"), { cluster: "a" }).inc();
    registry.counter(name("n"), { cluster: "b" }).inc();
    registry.remove({ cluster: "a" });
    expect(registry.collect().filter((sample) => sample.name === "n")).toHaveLength(1);
  });
});

describe("Prometheus", () => {
  function registryOf(value: number): MetricRegistry {
    const registry = new MetricRegistry();
    registry.counter(name("c_total"), { code: "2xx" }).inc(value);
    registry.histogram(name("d_ms"), {}, [1, 10]).observe(value);
    return registry;
  }

  test("samples of several threads add up", () => {
    const merged = mergeSamples(registryOf(1).collect(), registryOf(5).collect());
    const values = new Map(merged.map((sample) => [sample.name, sample.value]));
    expect(values.get("c_total")).toBe(6);
    expect(values.get("d_ms")).toEqual({ bounds: [1, 10], counts: [1, 1, 0], sum: 6 });
  });

  test("a page has help, type, cumulative buckets, sum and count", () => {
    const page = toPrometheus(mergeSamples(registryOf(1).collect(), registryOf(5).collect()));
    expect(page).toContain('# HELP c_total help of c_total\n# TYPE c_total counter\nc_total{code="2xx"} 6\n');
    expect(page).toContain(
      '# TYPE d_ms histogram\nd_ms_bucket{le="1"} 1\nd_ms_bucket{le="10"} 2\nd_ms_bucket{le="+Inf"} 2\nd_ms_sum 6\nd_ms_count 2\n',
    );
  });

  test("label values are escaped", () => {
    const registry = new MetricRegistry();
    registry.gauge(name("g"), { v: 'a"b\\c\nd' }).set(1);
    expect(toPrometheus(registry.collect())).toContain('g{v="a\\"b\\\\c\\nd"} 1\n');
  });

  test("too many series are cut, and it shows", () => {
    const registry = new MetricRegistry();
    for (let at = 0; at < 5; at++) registry.gauge(name("g"), { at: `${at}` }).set(1);
    const page = toPrometheus(registry.collect(), 2);
    expect(page.match(/^g\{/gm)).toHaveLength(2);
    expect(page).toContain("sluice_metric_series_cut_total 3\n");
  });
});
