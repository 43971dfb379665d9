// Runs a command line in this process with captured streams.
import { runCli } from "../../../host/cli/main.ts";
import { Terminal, type TerminalOptions } from "../../../host/cli/terminal.ts";

export class Capture {
  text = "";
  readonly isTTY: boolean;
  #waiting: (() => void)[] = [];

  constructor(isTTY = false) {
    this.isTTY = isTTY;
  }

  write(text: string): boolean {
    this.text += text;
    for (const wake of this.#waiting.splice(0)) wake();
    return true;
  }

  async until(part: string): Promise<string> {
    while (!this.text.includes(part)) await new Promise<void>((wake) => this.#waiting.push(wake));
    return this.text;
  }
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function run(
  argv: readonly string[],
  more: { env?: NodeJS.ProcessEnv; cwd?: string; isTTY?: boolean } = {},
): Promise<Ran> {
  const stdout = new Capture(more.isTTY);
  const stderr = new Capture(more.isTTY);
  const code = await runCli(argv, { stdout, stderr, env: more.env ?? {}, cwd: more.cwd ?? "/nowhere" });
  return { code, out: stdout.text, err: stderr.text };
}

export function terminal(more: Partial<TerminalOptions> = {}): {
  terminal: Terminal;
  stdout: Capture;
  stderr: Capture;
} {
  const stdout = new Capture();
  const stderr = new Capture();
  return {
    stdout,
    stderr,
    terminal: new Terminal({ stdout, stderr, env: {}, json: false, quiet: false, color: false, ...more }),
  };
}
