// `sluice doctor`: whether this machine has what sluice needs, one line each.
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { createServer } from "node:net";
import { resolve } from "node:path";
import type { Command, Context } from "../command.ts";
import { EXIT } from "../exit.ts";

interface Finding {
  readonly check: string;
  /** A warning does not make the machine unfit. */
  readonly state: "ok" | "warning" | "error";
  readonly text: string;
}

const FLOOR = [24, 12] as const;

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const isGood = major > FLOOR[0] || (major === FLOOR[0] && minor >= FLOOR[1]);
  return { check: "node", state: isGood ? "ok" : "error", text: `${process.version}, needed ${FLOOR.join(".")}+` };
}

function checkWasm(): Finding {
  const isThere = "WebAssembly" in globalThis && typeof SharedArrayBuffer === "function";
  const text = isThere ? "WebAssembly and shared memory" : "WebAssembly or shared memory is switched off";
  return { check: "wasm", state: isThere ? "ok" : "error", text };
}

function checkPort(port: number, flag: string): Promise<Finding> {
  return new Promise((done) => {
    const server = createServer();
    const check = `port ${port}`;
    server.once("error", (error: NodeJS.ErrnoException) => {
      done({ check, state: "warning", text: `${error.code}: another program has it; use ${flag}` });
    });
    server.listen(port, "127.0.0.1", () => server.close(() => done({ check, state: "ok", text: "free" })));
  });
}

async function checkFolder(cwd: string): Promise<Finding> {
  try {
    await access(resolve(cwd), constants.W_OK);
    return { check: "folder", state: "ok", text: "this folder can be written (.sluice, build)" };
  } catch {
    return { check: "folder", state: "warning", text: "this folder cannot be written; set stateDir" };
  }
}

async function checkPackage(name: string, purpose: string): Promise<Finding> {
  try {
    import.meta.resolve(name);
    return { check: name, state: "ok", text: purpose };
  } catch {
    return { check: name, state: "warning", text: `not installed; needed for ${purpose}` };
  }
}

async function findAll({ cwd }: Context): Promise<readonly Finding[]> {
  return [
    checkNode(),
    checkWasm(),
    await checkPort(8080, "--port"),
    await checkPort(9901, "--admin-port"),
    await checkFolder(cwd),
    await checkPackage("assemblyscript", "compiling filters"),
    await checkPackage("@bytecodealliance/jco-transpile", "components"),
    await checkPackage("@bytecodealliance/preview2-shim", "run and serve of WASI 0.2 components"),
    await checkPackage("componentize-qjs", "filters in JavaScript"),
  ];
}

const MARK = { ok: "✓", warning: "!", error: "✗" } as const;
const STYLE = { ok: "green", warning: "yellow", error: "red" } as const;

export const doctor: Command = {
  name: "doctor",
  summary: "Check this machine",
  args: {},
  async run(context) {
    const { terminal } = context;
    const checks = await findAll(context);
    const isFit = checks.every((one) => one.state !== "error");
    if (terminal.json) terminal.object({ ok: isFit, checks });
    else {
      const lines = checks.map(
        (one) => `${terminal.paint(STYLE[one.state], MARK[one.state])} ${one.check.padEnd(16)} ${one.text}`,
      );
      terminal.data(lines.join("\n"));
    }
    return isFit ? EXIT.ok : EXIT.failed;
  },
};
