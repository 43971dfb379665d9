// The socket planes: cases through a whole sluice with a data thread, over HTTP/1.1 or HTTP/2 on both sides, or TCP. One
// proxy per guest and protocol serves all cases one after another; where a case wants a filter configured in its own way, the
// configuration is loaded into the running proxy, so each such case is a reload too. Reports come back as log events.
import { setTimeout as sleep } from "node:timers/promises";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ProblemError } from "../../../host/testing.ts";
import { startProxy, type TestProxy } from "../../support/sluice.ts";
import type { Case, Fields } from "../case.ts";
import type { Message, Outcome } from "../outcome.ts";
import { parseReport, type ReportedCallback } from "../report.ts";
import { scriptText, type Section } from "../script.ts";
import type { Guest } from "../toolchains/guests.ts";
import { Http1Client, Http1Upstream } from "./http1-peers.ts";
import { Http2Client, Http2Upstream } from "./http2-peers.ts";
import { type CaseClient, type CaseUpstream, NO_PACE, type Pace } from "./peers.ts";
import { configFor, moduleFile, type Places } from "./socket-config.ts";
import { sendTcp, TcpServer } from "./tcp-peers.ts";

/** The longest an answer or a report may take, ms. */
const PATIENCE_MS = 10_000;
/** Twice as long as a data thread keeps log lines back. */
const QUIET_MS = 40;
const NAMES = ["first", "second"] as const;

/** A case that wants nothing. */
const IDLE: Case = { id: "idle", section: "", title: "", script: [] };

interface Line {
  readonly filter: string;
  readonly version: string;
  readonly level: number;
  readonly text: string;
  readonly report: ReportedCallback | null;
}

interface Parts {
  readonly guest: Guest;
  readonly proxy: TestProxy;
  readonly upstream: CaseUpstream;
  readonly tcp: TcpServer;
  readonly client: CaseClient;
  readonly tcpPort: number;
  readonly places: Places;
}

/** Runs cases one at a time. Close it. */
export class SocketPlane {
  readonly #parts: Parts;
  readonly #written = new Set([moduleFile({})]);
  /** The end of a stream as this guest tells it: the SDK keeps on_delete to itself. */
  readonly #last: ReportedCallback["callback"];
  #config: string;
  /** Of each filter, the version that runs. */
  #versions = new Map<string, string>();
  #lines: Line[] = [];
  #faults: string[] = [];
  readonly #waiting = new Set<() => void>();

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.#last = parts.guest.name === "as" ? "done" : "delete";
    this.#config = JSON.stringify(configFor(IDLE, parts.places));
    parts.proxy.control.events.subscribe((event) => {
      if (event.type === "fault") this.#faults.push(String(event.data?.["reason"]));
      if (event.type === "log" && event.data !== undefined) this.#logged(event.filter ?? "", event.data);
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
    });
  }

  static async start(guest: Guest, protocol: "http1" | "http2"): Promise<SocketPlane> {
    const isHttp2 = protocol === "http2";
    const upstream = isHttp2 ? new Http2Upstream() : new Http1Upstream();
    const tcp = new TcpServer();
    await Promise.all([upstream.listen(), tcp.listen()]);
    const places = { web: upstream.port, tcp: tcp.port, isHttp2 };
    const files = { [moduleFile({})]: guest.module() };
    const proxy = await patiently(() => startProxy({ chain: [], files, config: configFor(IDLE, places) }));
    const listeners = await proxy.control.listeners();
    const portOf = (name: string): number =>
      Number(
        listeners
          .find((one) => one.name === name)
          ?.address.split(":")
          .at(-1),
      );
    const client = isHttp2 ? new Http2Client(portOf("public")) : new Http1Client(portOf("public"));
    const plane = new SocketPlane({ guest, proxy, upstream, tcp, client, tcpPort: portOf("tcp"), places });
    await plane.#readVersions();
    return plane;
  }

  #logged(filter: string, data: Readonly<Record<string, unknown>>): void {
    const text = String(data["message"] ?? "");
    this.#lines.push({
      filter,
      version: String(data["version"]),
      level: Number(data["level"]),
      text,
      report: parseReport(text),
    });
  }

  /** Cases of one configuration after another, so that few reloads are needed. */
  inOrder(cases: readonly Case[]): readonly Case[] {
    const keyed = cases.map((one) => ({ one, key: JSON.stringify(configFor(one, this.#parts.places)) }));
    return keyed.sort((a, b) => Number(a.key !== this.#config) - Number(b.key !== this.#config)).map(({ one }) => one);
  }

  async run(one: Case): Promise<Outcome> {
    this.#lines = [];
    this.#faults = [];
    const { upstream, tcp } = this.#parts;
    upstream.take(one, this.#pace(one, "response_body"));
    tcp.take(one);
    try {
      await this.#configure(one);
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      return this.#outcome(one, null, error.message);
    }
    const answer = await this.#drive(one);
    await this.#until(() => this.#isOver(one));
    const versions = this.#versions;
    if (endsInView(one)) {
      await this.#configure(IDLE);
      await this.#until(() => this.#faults.length > 0 || this.#has(NAMES[0], "root_done", versions));
    }
    if (isQuiet(one)) await this.#untilQuiet(one);
    return this.#outcome(one, answer, null, versions);
  }

  async #configure(one: Case): Promise<void> {
    const { proxy, guest, places } = this.#parts;
    const text = JSON.stringify(configFor(one, places));
    if (text === this.#config) return;
    const file = moduleFile(one);
    if (!this.#written.has(file)) await writeFile(join(proxy.folder, file), guest.module(one.variant));
    this.#written.add(file);
    await patiently(() => proxy.control.load(text));
    this.#config = text;
    await this.#readVersions();
  }

  async #readVersions(): Promise<void> {
    const filters = await this.#parts.proxy.control.filters();
    this.#versions = new Map(filters.map(({ name, version }) => [name, version]));
  }

  async #drive(one: Case): Promise<Message | null> {
    if (one.connection !== undefined) return sendTcp(this.#parts.tcpPort, one.connection);
    if (one.request === null) return null;
    const script: Fields = (one.delivery ?? "header") === "header" ? [["x-script", scriptText(one.script)]] : [];
    const exchange = this.#parts.client.send(one, script, this.#pace(one, "request_body"));
    if (one.clientLeaves === true) {
      await this.#until(() => one.script.every(({ at }) => this.#has(NAMES[0], at)));
      exchange.leave();
    }
    const patience = new AbortController();
    void sleep(PATIENCE_MS, null, { ref: false, signal: patience.signal }).then(exchange.leave, () => {});
    const answer = await exchange.answer;
    patience.abort();
    return answer;
  }

  #pace({ paced }: Case, callback: string): Pace {
    if (paced !== true) return NO_PACE;
    return (pieces) => this.#until(() => this.#count(callback) >= pieces);
  }

  #count(callback: string): number {
    return this.#lines.filter(({ report }) => report?.callback === callback).length;
  }

  #has(filter: string, callback: string, versions = this.#versions): boolean {
    const version = versions.get(filter);
    return this.#lines.some(
      (line) => line.filter === filter && line.version === version && line.report?.callback === callback,
    );
  }

  /** Every section that reports has done so, but for those of the plugin's end. */
  #allRan({ script }: Case): boolean {
    const counts = (section: Section): boolean => section.does.length > 0 && !AT_END.has(section.at);
    return script.filter(counts).every(({ at }) => at === "allocate" || this.#has(NAMES[0], at));
  }

  #isOver(one: Case): boolean {
    const { until, request, connection, expect = {} } = one;
    if (expect.fault !== undefined && !endsInView(one)) return this.#faults.length > 0;
    const filters = one.second === undefined ? NAMES.slice(0, 1) : NAMES;
    const passed = request !== null || connection !== undefined;
    // A guest that is not asked at the end cannot tell of it.
    if (passed && endsUnseen(one)) return true;
    const ended = passed ? filters.every((filter) => this.#has(filter, this.#last)) : this.#allRan(one);
    return ended && (until === undefined || this.#has(NAMES[0], until));
  }

  async #until(done: () => boolean): Promise<void> {
    const late = sleep(PATIENCE_MS, "late", { ref: false });
    while (!done()) {
      const next = new Promise<string>((resolve) => {
        this.#waiting.add(() => resolve("arrived"));
      });
      if ((await Promise.race([next, late])) === "late") return;
    }
  }

  /** What a guest said before it died is on its way still. */
  async #untilQuiet({ variant }: Case): Promise<void> {
    if (variant?.without === undefined) await this.#until(() => this.#lines.length > 0);
    for (let before = -1; before !== this.#lines.length;) {
      before = this.#lines.length;
      await sleep(QUIET_MS);
    }
  }

  #outcome(one: Case, response: Message | null, refused: string | null, versions = this.#versions): Outcome {
    const { upstream, tcp } = this.#parts;
    const names = one.second === undefined ? NAMES.slice(0, 1) : NAMES;
    const own = (name: string): Line[] =>
      this.#lines.filter(({ filter, version }) => filter === name && version === versions.get(name));
    return {
      reports: names.map((name) => own(name).flatMap(({ report }) => report ?? [])),
      upstream: one.connection === undefined ? upstream.seen : tcp.seen,
      response,
      details: null,
      faults: this.#faults,
      refused,
      logs: this.#lines.filter(({ report }) => report === null).map(({ level, text }) => [level, text] as const),
    };
  }

  async close(): Promise<void> {
    const { client, proxy, upstream, tcp } = this.#parts;
    client.close();
    await proxy.stop();
    await Promise.all([upstream.close(), tcp.close()]);
  }
}

/** On a machine under load a data thread may miss the deadline of a commit, which says nothing about a case. */
async function patiently<T>(run: () => Promise<T>): Promise<T> {
  for (let left = 3; ; left--) {
    try {
      return await run();
    } catch (error) {
      const late = error instanceof ProblemError && error.problems.some(({ code }) => code === "prepare_timeout");
      if (!late || left === 0) throw error;
    }
  }
}

const AT_END: ReadonlySet<string> = new Set(["root_done", "root_delete"]);

const endsUnseen = ({ variant, setup }: Case): boolean =>
  variant?.without?.some((name) => LAST.has(name)) === true || setup?.allowedCapabilities !== undefined;
const LAST: ReadonlySet<string> = new Set(["proxy_on_delete", "proxy_on_context_create"]);

/** Nothing it says is known to be its last word. */
const isQuiet = (one: Case): boolean => one.expect?.fault !== undefined || one.request === null || endsUnseen(one);

/** The case looks at the end of the plugin context, which comes with the next configuration. */
function endsInView({ script }: Case): boolean {
  return script.some(({ at }) => AT_END.has(at));
}
