// The asker guest (test/support/guests/asker) in a harness: makes host calls by name and gives each status and result.
import { Harness, type FilterUnderTest, type HarnessOptions, type RequestInput } from "../../host/testing.ts";
import { guest } from "./modules.ts";

export interface Answer {
  readonly verb: string;
  readonly status: number;
  readonly bytes: Buffer;
}

export class Asker {
  readonly harness: Harness;

  constructor(harness: Harness) {
    this.harness = harness;
  }

  static async start(
    options: HarnessOptions & { readonly filter?: Partial<FilterUnderTest>; readonly filters?: number } = {},
  ): Promise<Asker> {
    const { filter, filters = 1, ...rest } = options;
    const wasm = await guest("asker");
    const all = Array.from({ length: filters }, (_, at) => ({ name: `asker${at || ""}`, wasm, ...filter }));
    return new Asker(new Harness(all, rest));
  }

  /** What has been answered since the last time. */
  answers(): Answer[] {
    return this.harness.logs.splice(0).flatMap(({ message }) => {
      const [, verb, status, hex] = /^([a-z]+) (\d+) ([0-9a-f]*)$/.exec(message) ?? [];
      return verb === undefined ? [] : [{ verb, status: Number(status), bytes: Buffer.from(hex ?? "", "hex") }];
    });
  }

  /** One exchange; commands by time: `x-do`, `x-do-body`, `x-do-response`, `x-do-log`. */
  ask(headers: Readonly<Record<string, string>>, input: RequestInput = {}): Answer[] {
    this.harness
      .request({ ...input, headers: { ...input.headers, ...headers } })
      .respond()
      .end();
    return this.answers();
  }

  close(): void {
    this.harness.close();
  }
}
