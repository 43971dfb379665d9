import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { Harness, type FilterUnderTest } from "../../../host/testing.ts";
import { gateModule } from "../../support/probe.ts";

let wasm: Uint8Array;
let open: Harness[] = [];
beforeAll(async () => {
  wasm = await gateModule();
});
afterEach(() => {
  const harnesses = open;
  open = [];
  for (const harness of harnesses) {
    expect(harness.leaks()).toEqual({ streams: 0, contexts: 0 });
    harness.close();
    expect(harness.clock.pending).toBe(0);
  }
});

/** `a:lines` = filter a in mode lines. */
function chain(filters: readonly string[], options: FilterUnderTest["options"] = {}): Harness {
  const harness = new Harness(
    filters.map((filter) => {
      const [name = "", mode = "pass"] = filter.split(":");
      return { name, wasm, config: { name, mode }, options };
    }),
  );
  open.push(harness);
  return harness;
}
const said = (h: Harness): string[] => h.logs.map(({ message }) => message);

describe("order", () => {
  test("downstream data passes the filters first to last, upstream data last to first", () => {
    const h = chain(["a:lines", "b:lines"]);
    const c = h.connect().fromClient("x\n");
    expect(c.toUpstream.text).toBe("<b:<a:x>>\n");
    c.end();
    const up = chain(["a:upper", "b:pass"]);
    const d = up.connect().fromUpstream("hello");
    expect(d.toClient.text).toBe("HELLO");
    d.end();
  });

  test("a connection ends with close callbacks, then done, log, delete", () => {
    const h = chain(["a", "b"]);
    const c = h.connect({ sourceAddress: "10.0.0.7", sourcePort: 99 }).fromClient("12345", true);
    c.closeUpstream().closeClient().end();
    expect(said(h)).toEqual([
      "a new 10.0.0.7:99",
      "b new 10.0.0.7:99",
      "b upstream closed by 2",
      "a upstream closed by 2",
      "a client closed by 2",
      "b client closed by 2",
      "a done",
      "a log 5",
      "b done",
      "b log 5",
    ]);
    expect(h.metric("gate_connections")).toBe(2);
  });

  test("a chain without filters passes everything through", () => {
    const h = chain([]);
    const c = h.connect().fromClient("a").fromUpstream("b", true).fromClient("", true);
    expect([c.toUpstream.text, c.toUpstream.ended, c.toClient.text, c.toClient.ended]).toEqual(["a", true, "b", true]);
    c.end();
  });
});

describe("pauses", () => {
  test("a new connection is held, with the data that came, until the filter resumes it", () => {
    const h = chain(["a", "b:pause", "c"]);
    const c = h.connect().fromClient("early").fromClient("", true);
    expect(c.state).toBe("paused");
    expect(said(h)).toEqual(["a new 127.0.0.1:40000", "b new 127.0.0.1:40000"]);
    h.clock.advance(20);
    expect(c.state).toBe("open");
    expect(c.toUpstream.text).toBe("early");
    expect(c.toUpstream.ended).toBe(true);
    c.end();
  });

  test("a paused data callback is given all that came so far, and its edit goes on", () => {
    const h = chain(["a:lines"]);
    const c = h.connect().fromClient("on").fromClient("e ");
    expect(c.toUpstream.text).toBe("");
    c.fromClient("two\n").fromClient("three", true);
    expect(c.toUpstream.text).toBe("<a:one two>\n<a:three>\n");
    expect(c.toUpstream.ended).toBe(true);
    c.end();
  });

  test("upstream data is held and resumed by itself", () => {
    const h = chain(["a:wait-up"]);
    const c = h.connect().fromUpstream("one ").fromClient("other way");
    expect(c.toClient.text).toBe("");
    expect(c.toUpstream.text).toBe("other way");
    c.fromUpstream("two", true);
    expect(c.toClient.text).toBe("one two");
    c.end();
  });

  test("a delay resumes the direction that asked for it", () => {
    const h = chain(["a:delay-up", "b:command"]);
    const c = h.connect().fromClient("delay").fromUpstream("late");
    h.clock.advance(49);
    expect([c.toUpstream.text, c.toClient.text]).toEqual(["", ""]);
    h.clock.advance(1);
    expect([c.toUpstream.text, c.toClient.text]).toEqual(["delay", "late"]);
    c.end();
  });

  test("a connection that nobody resumes is broken off after the pause timeout", () => {
    const h = chain(["a:stall"], { pauseTimeoutMs: 1000 });
    const c = h.connect();
    h.clock.advance(999);
    expect(c.state).toBe("paused");
    h.clock.advance(1);
    expect(c.resetDetails).toBe("wasm_pause_timeout");
    c.end();
  });

  test("data held back beyond the buffer limit breaks the connection off", () => {
    const h = chain(["a:lines"], { bufferLimitBytes: 10 });
    const c = h.connect().fromClient("0123456789");
    expect(c.state).toBe("open");
    c.fromClient("0");
    expect(c.resetDetails).toBe("wasm_buffer_limit");
    c.end();
  });

  test("data behind a held new connection stops the reading at the buffer limit", () => {
    const h = chain(["a:pause"], { bufferLimitBytes: 10 });
    const c = h.connect().fromClient("0123456789");
    expect(c.held.downstream).toBe(true);
    h.clock.advance(20);
    expect(c.held.downstream).toBe(false);
    expect(c.toUpstream.text).toBe("0123456789");
    c.end();
  });
});

describe("closing", () => {
  test("what the closing callback lets pass goes on, what comes later does not", () => {
    const h = chain(["a:command"]);
    const c = h.connect().fromClient("quit");
    expect([c.toUpstream.text, c.closeDetails]).toEqual(["quit", "wasm_downstream_close"]);
    c.fromClient("more").fromUpstream("back");
    expect([c.toUpstream.text, c.toClient.text]).toEqual(["quit", ""]);
    c.end();
    expect(said(h).slice(1)).toEqual(["a client closed by 1", "a upstream closed by 1", "a done", "a log 8"]);
  });

  test("closing the upstream says so", () => {
    const c = chain(["a:command"]).connect().fromClient("close-up");
    expect(c.closeDetails).toBe("wasm_upstream_close");
    c.end();
  });

  test("a connection refused on arrival is answered, reaches no later filter and dials nothing", () => {
    const h = chain(["a:refuse", "b"]);
    const c = h.connect();
    expect([c.toClient.text, c.closeDetails, c.connected]).toEqual(["go away\n", "wasm_downstream_close", false]);
    c.end();
    expect(h.counts.map(({ requests }) => requests)).toEqual([1, 0]);
  });

  test("a filter answers the client itself, and is refused while the client does not read", () => {
    const h = chain(["a:echo"], { bufferLimitBytes: 100 });
    const c = h.connect().fromClient("ping");
    expect([c.toClient.text, c.toUpstream.text]).toEqual(["ping", ""]);
    c.pendingDownstream = 98;
    c.fromClient("ping");
    expect(c.toClient.text).toBe("ping");
    c.end();
  });
});

describe("faults", () => {
  test("FAIL_CLOSED: the connection is broken off, the next one meets a new instance", () => {
    const h = chain(["a:command"]);
    const c = h.connect().fromClient("trap");
    expect([c.resetDetails, c.toUpstream.text]).toEqual(["wasm_fail_stream", ""]);
    c.end();
    const d = h.connect().fromClient("fine");
    expect(d.toUpstream.text).toBe("fine");
    expect(h.faults).toHaveLength(1);
    d.end();
  });

  test("FAIL_CLOSED: other connections of the dead instance are broken off too", async () => {
    const h = chain(["a:command"]);
    const other = h.connect();
    const c = h.connect().fromClient("trap");
    await Promise.resolve();
    expect(other.resetDetails).toBe("wasm_fail_stream");
    c.end();
    other.end();
  });

  test("FAIL_OPEN: the filter is skipped, what it held goes on", async () => {
    const h = chain(["a:command"], { failurePolicy: "FAIL_OPEN" });
    const waiting = h.connect().fromClient("hold");
    const c = h.connect().fromClient("trap").fromClient("!");
    expect([c.toUpstream.text, c.state]).toEqual(["trap!", "open"]);
    await Promise.resolve();
    expect(waiting.toUpstream.text).toBe("hold");
    waiting.fromClient("trap");
    expect(waiting.toUpstream.text).toBe("holdtrap");
    c.end();
    waiting.end();
    expect(said(h).filter((line) => line.includes("done"))).toEqual([]);
  });

  test("FAIL_OPEN: a trap on upstream data passes the chunk on", () => {
    const c = chain(["a:trap-up"], { failurePolicy: "FAIL_OPEN" }).connect().fromUpstream("kept");
    expect(c.toClient.text).toBe("kept");
    c.end();
  });
});

describe("versions", () => {
  test("a connection keeps its version past the drain deadline, and the version goes with it", () => {
    const h = chain(["a:lines"]);
    const [generation] = h.generations;
    const c = h.connect().fromClient("half");
    let retired = false;
    generation!.drain(1000, () => (retired = true));
    h.clock.advance(5000);
    expect([retired, generation!.state]).toEqual([false, "draining"]);
    c.fromClient(" line\n");
    expect(c.toUpstream.text).toBe("<a:half line>\n");
    c.end();
    generation!.unhold();
    expect(retired).toBe(true);
    generation!.hold();
  });
});
