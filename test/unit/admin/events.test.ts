import { get, type IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import { useBench } from "./support.ts";

const bench = useBench();

/** A reader of the stream that waits for text instead of for time. */
class Reader {
  text = "";
  #waiting: (() => void)[] = [];
  readonly response: IncomingMessage;

  constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding("utf8").on("data", (part: string) => {
      this.text += part;
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  static open(path: string, headers: Record<string, string> = {}): Promise<Reader> {
    return new Promise((resolve, reject) => {
      get(`${bench.current.url}${path}`, { headers, agent: false }, (response) => resolve(new Reader(response))).on(
        "error",
        reject,
      );
    });
  }

  async until(part: string): Promise<string> {
    while (!this.text.includes(part)) await new Promise<void>((wake) => this.#waiting.push(wake));
    return this.text;
  }

  ids(): number[] {
    return [...this.text.matchAll(/^id: (\d+)$/gm)].map((found) => Number(found[1]));
  }

  closed(): Promise<void> {
    return new Promise((resolve) => this.response.once("close", resolve));
  }
}

describe("the event stream", () => {
  test("replays what was and follows what comes", async () => {
    await bench.current.start();
    bench.current.control.emit({ type: "swap", filter: "gray", text: "gray v1 → v2" });
    const reader = await Reader.open("/api/v1/events");
    expect(reader.response.headers["content-type"]).toBe("text/event-stream");
    await reader.until("v1 → v2");
    bench.current.control.emit({ type: "compile", text: "compiled" });
    const text = await reader.until("compiled");
    expect(text).toMatch(/^retry: 1000\n\nid: 1\nevent: swap\ndata: \{"id":1,.*\}\n\nid: 2\nevent: compile\n/);
    reader.response.destroy();
  });

  test("continues after the last event a reader saw", async () => {
    await bench.current.start();
    for (const text of ["a", "b", "c"]) bench.current.control.emit({ text });
    const reader = await Reader.open("/api/v1/events", { "last-event-id": "2" });
    await reader.until('"c"');
    expect(reader.ids()).toEqual([3]);
    reader.response.destroy();
  });

  test("can be narrowed by type and filter", async () => {
    await bench.current.start();
    const reader = await Reader.open("/api/v1/events?type=swap,fault&filter=gray");
    await reader.until("retry");
    bench.current.control.emit({ type: "log", filter: "gray" });
    bench.current.control.emit({ type: "swap", filter: "other" });
    bench.current.control.emit({ type: "fault", filter: "gray", text: "end" });
    await reader.until('"end"');
    expect(reader.ids()).toEqual([3]);
    reader.response.destroy();
  });

  test("beats while nothing happens, so that no proxy in between cuts it", async () => {
    await bench.current.start();
    const reader = await Reader.open("/api/v1/events");
    await reader.until("retry");
    bench.current.clock.advance(15_000);
    await reader.until(": still here");
    bench.current.clock.advance(15_000);
    await reader.until(": still here\n\n: still here");
    reader.response.destroy();
  });

  test("lets go of a reader that left", async () => {
    await bench.current.start();
    const reader = await Reader.open("/api/v1/events");
    await reader.until("retry");
    const { listenersOfEvents } = bench.current.control;
    expect(listenersOfEvents.size).toBe(1);
    reader.response.destroy();
    // The server learns it from its socket; asking again is a round trip behind that.
    while (listenersOfEvents.size > 0) await bench.current.ask("/ready");
    expect(bench.current.clock.pending).toBe(0);
  });

  test("cuts off a reader that does not read", async () => {
    await bench.current.start();
    const reader = await Reader.open("/api/v1/events");
    await reader.until("retry");
    reader.response.pause();
    const closed = reader.closed();
    const { control } = bench.current;
    for (let n = 0; n < 200 && control.listenersOfEvents.size > 0; n++) {
      control.emit({ text: "x".repeat(100_000) });
      await bench.current.ask("/ready");
    }
    expect(control.listenersOfEvents.size).toBe(0);
    reader.response.on("error", () => undefined).resume();
    await closed;
  });

  test("ends when the admin API closes", async () => {
    await bench.current.start();
    const reader = await Reader.open("/api/v1/events");
    await reader.until("retry");
    const closed = reader.closed();
    await bench.current.stop();
    await closed;
  });

  test("answers HEAD without opening", async () => {
    await bench.current.start();
    const answer = await bench.current.ask("/api/v1/events", { method: "HEAD" });
    expect(answer.headers["content-type"]).toBe("text/event-stream");
    expect(bench.current.control.listenersOfEvents.size).toBe(0);
  });
});
