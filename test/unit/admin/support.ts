// A running admin API on a free port in front of a fake control side, and raw requests to it: fetch cannot set Host.
import { request } from "node:http";
import { afterEach, expect } from "vitest";
import { VirtualClock } from "../../../host/base/clock.ts";
import { type RunningAdmin, startAdmin } from "../../../host/admin/server.ts";
import { FakeControl } from "../../support/fake-control.ts";

export interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly text: string;
  // eslint-disable-next-line typescript/no-explicit-any
  readonly json: any;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}

export class Bench {
  readonly control = new FakeControl();
  readonly clock = new VirtualClock();
  readonly logged: [string, Record<string, unknown>, string][] = [];
  #admin: RunningAdmin | null = null;

  async start(token = "", host = "127.0.0.1"): Promise<RunningAdmin> {
    this.#admin = await startAdmin({
      control: this.control,
      address: { host, port: 0 },
      token,
      log: {
        info: (fields, text) => void this.logged.push(["info", { ...fields }, text]),
        error: (fields, text) => void this.logged.push(["error", { ...fields }, text]),
      },
      renderMetrics: (samples) => `# ${samples.length} samples\n`,
      version: "0.1.0",
      clock: this.clock,
    });
    return this.#admin;
  }

  get url(): string {
    return this.#admin!.url;
  }

  ask(path: string, { method = "GET", headers = {}, body }: Ask = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const outgoing = request({ host: "127.0.0.1", port: this.#admin!.port, path, method, headers, agent: false });
      outgoing.on("error", reject);
      outgoing.on("response", (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => (text += part));
        response.on("end", () => {
          const isJson = /json/.test(response.headers["content-type"] ?? "") && text !== "";
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            text,
            json: isJson ? JSON.parse(text) : null,
          });
        });
      });
      outgoing.end(body);
    });
  }

  post(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const raw =
      typeof body === "string" || body instanceof Uint8Array || body === undefined ? body : JSON.stringify(body);
    return this.ask(path, { method: "POST", headers, ...(raw === undefined ? {} : { body: raw }) });
  }

  async stop(): Promise<void> {
    await this.#admin?.close();
    this.#admin = null;
  }
}

/** A bench per test, stopped after it; nothing may stay open. */
export function useBench(): { readonly current: Bench } {
  const holder = { current: new Bench() };
  afterEach(async () => {
    await holder.current.stop();
    expect(holder.current.control.listenersOfEvents.size).toBe(0);
    expect(holder.current.clock.pending).toBe(0);
    holder.current = new Bench();
  });
  return holder;
}
