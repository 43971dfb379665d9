import { EventEmitter } from "node:events";
import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../host/base/clock.ts";
import { problemError } from "../../../host/base/problem.ts";
import { formatEvent } from "../../../host/cli/events.ts";
import { type Key, listenForKeys } from "../../../host/cli/keys.ts";
import type { StartOptions } from "../../../host/cli/parts.ts";
import { runSession, type SessionOptions, type SessionWorld } from "../../../host/cli/session.ts";
import { handleSignals } from "../../../host/cli/signals.ts";
import { FAKE_CONFIG, FakeControl } from "../../support/fake-control.ts";
import { terminal } from "./support.ts";

/** A terminal's input on which a test presses keys. */
class FakeInput extends EventEmitter {
  isTTY = true;
  isRaw = false;
  setRawMode(raw: boolean): this {
    this.isRaw = raw;
    return this;
  }
  resume(): this {
    return this;
  }
  pause(): this {
    return this;
  }
  press(...keys: string[]): void {
    for (const key of keys) this.emit("data", Buffer.from(key));
  }
}

const START: StartOptions = {
  configText: "",
  configPath: "/x/sluice.yaml",
  watch: true,
  optimize: true,
  env: {},
  overrides: {},
};

function scene(more: Partial<SessionOptions> = {}) {
  const control = new FakeControl();
  const signals = new EventEmitter();
  const input = new FakeInput();
  const exits: number[] = [];
  const view = terminal();
  const stopped = Promise.withResolvers<void>();
  const shutdown = control.shutdown;
  control.shutdown = async (reason) => {
    await shutdown(reason);
    stopped.resolve();
  };
  const world: SessionWorld = {
    signals,
    input: input as never,
    exit: (code) => void exits.push(code),
    startSluice: () => Promise.resolve(() => Promise.resolve({ control, stopped: stopped.promise })),
    renderMetrics: () => Promise.resolve(() => ""),
  };
  const options: SessionOptions = {
    start: START,
    terminal: view.terminal,
    isInteractive: true,
    logFormat: "pretty",
    open: false,
    verbose: false,
    ...more,
  };
  return { control, signals, input, exits, world, ...view, run: () => runSession(options, world) };
}

describe("a session", () => {
  test("greets with addresses and filters and ends with the drain", async () => {
    const it = scene({ onReady: () => Promise.resolve([["traffic", "40 requests/s"] as const]) });
    const ended = it.run();
    const text = await it.stdout.until("press h for help");
    expect(text).toMatch(/^\n {2}sluice 0\.1\.0 {3}ready in \d+ ms$/m);
    expect(text).toContain("➜ proxy      http://127.0.0.1:8080/\n");
    expect(text).toMatch(/➜ admin {6}http:\/\/127\.0\.0\.1:\d+\/\n/);
    expect(text).toContain("➜ filters    1 loaded (gray)\n");
    expect(text).toContain("➜ traffic    40 requests/s\n");
    expect(it.input.isRaw).toBe(true);
    it.input.press("q");
    expect(await ended).toBe(0);
    expect(it.control.calls).toEqual([["shutdown", "SIGTERM"]]);
    expect(it.input.isRaw).toBe(false);
    expect([it.signals.eventNames(), it.input.eventNames()]).toEqual([[], []]);
    expect(it.control.listenersOfEvents.size).toBe(0);
  });

  test.each([
    ["SIGTERM", true, 0],
    ["SIGINT", true, 130],
    ["SIGINT", false, 0],
  ])("%s, interactive: %s, drains and ends with %i", async (signal, isInteractive, code) => {
    const it = scene({ isInteractive });
    const ended = it.run();
    await it.stdout.until("filters");
    while (it.signals.listenerCount(signal) === 0) await new Promise((resolve) => setImmediate(resolve));
    it.signals.emit(signal);
    expect(await ended).toBe(code);
  });

  test("HUP reloads; a bad file stops nothing", async () => {
    const it = scene();
    const ended = it.run();
    await it.stdout.until("press h");
    it.control.failure = problemError("config", "unknown_key", "no");
    it.signals.emit("SIGHUP");
    it.input.press("r");
    it.input.press("q");
    expect(await ended).toBe(0);
    expect(it.control.calls.map(([name]) => name)).toEqual(["reload", "reload", "shutdown"]);
    expect(it.stderr.text).toBe("");
  });

  test("answers its keys", async () => {
    const it = scene({ moreStats: () => ["  traffic  none"] });
    const ended = it.run();
    await it.stdout.until("press h");
    it.input.press("h");
    await it.stdout.until("q  quit");
    it.input.press("s");
    expect(await it.stdout.until("traffic  none")).toContain("40 requests, 5 failed, 2 active");
    it.stdout.text = "";
    it.input.press("u");
    await it.stdout.until("http://127.0.0.1:8080/");
    it.input.press("x", "\u0003");
    expect(await ended).toBe(130);
  });

  test("shows events with their problems", async () => {
    const it = scene();
    const ended = it.run();
    await it.stdout.until("press h");
    const problems = [
      { kind: "compile", code: "TS1", message: "no such name", file: "a.ts", line: 2, column: 3 },
    ] as const;
    it.control.emit({ type: "compile-failed", filter: "gray", text: "gray  still serving v3", problems });
    expect(it.stdout.text).toContain(
      "  gray  still serving v3\n          error[compile]: no such name\n            --> a.ts:2:3\n",
    );
    it.input.press("q");
    await ended;
  });

  test("under --json prints one object per line and takes no keys", async () => {
    const view = terminal({ json: true });
    const it = scene({ terminal: view.terminal });
    const ended = it.run();
    await view.stdout.until("listening");
    it.control.emit({ type: "swap", text: "x" });
    expect(it.input.isRaw).toBe(false);
    it.signals.emit("SIGTERM");
    await ended;
    const lines = view.stdout.text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ type: "listening", listeners: [{ address: "127.0.0.1:8080" }] });
    expect(lines[1]).toMatchObject({ type: "swap", id: 1 });
  });

  test("without admin in the config starts none", async () => {
    const it = scene();
    it.control.config = { ...FAKE_CONFIG, admin: null };
    const ended = it.run();
    expect(await it.stdout.until("press h")).not.toContain("admin");
    it.input.press("q");
    await ended;
  });

  test("that cannot open its admin API stops what it has started", async () => {
    const it = scene({ adminHost: "0.0.0.0" });
    await expect(it.run()).rejects.toThrow("needs a token");
    expect(it.control.calls).toEqual([["shutdown", "start failed"]]);
    expect(it.control.listenersOfEvents.size).toBe(0);
  });
});

describe("signals", () => {
  const record = () => {
    const source = new EventEmitter();
    const clock = new VirtualClock();
    const done: string[] = [];
    const actions = {
      drain: (signal: string) => void done.push(`drain ${signal}`),
      force: (signal: string) => void done.push(`force ${signal}`),
      reload: () => void done.push("reload"),
    };
    return { source, clock, done, handle: handleSignals(source, actions, clock) };
  };

  test("a second one ends at once", () => {
    const it = record();
    it.source.emit("SIGTERM");
    it.clock.advance(250);
    it.source.emit("SIGINT");
    expect(it.done).toEqual(["drain SIGTERM", "force SIGINT"]);
  });

  test("a copy that a shell above forwarded is not a second one", () => {
    const it = record();
    it.source.emit("SIGINT");
    it.clock.advance(20);
    it.source.emit("SIGINT");
    expect(it.done).toEqual(["drain SIGINT"]);
  });

  test("HUP reloads as often as it comes", () => {
    const it = record();
    it.source.emit("SIGHUP");
    it.source.emit("SIGHUP");
    expect(it.done).toEqual(["reload", "reload"]);
  });

  test("are let go on close", () => {
    const it = record();
    it.handle.close();
    expect(it.source.eventNames()).toEqual([]);
  });
});

describe("keys", () => {
  test("are read only where somebody sits", () => {
    const input = new FakeInput();
    input.isTTY = false;
    listenForKeys(input as never, () => expect.unreachable()).close();
    expect(input.eventNames()).toEqual([]);
  });

  test("count in either case, others do not", () => {
    const input = new FakeInput();
    const pressed: Key[] = [];
    const keys = listenForKeys(input as never, (key) => void pressed.push(key));
    input.press("H", "x", "\u0003", "\u001b[A", "s");
    keys.close();
    expect(pressed).toEqual(["h", "interrupt", "s"]);
  });
});

describe("an event line", () => {
  test("names its filter once and survives a type it does not know", () => {
    const view = terminal();
    const event = { id: 1, time: "2030-01-01T12:01:07.000Z", type: "new-kind" as never, filter: "gray", text: "done" };
    expect(formatEvent(event, view.terminal)).toMatch(/^\d\d:\d\d:07 {2}gray {2}done$/);
    expect(formatEvent({ ...event, text: "gray  done" }, view.terminal)).toMatch(/07 {2}gray {2}done$/);
  });
});
