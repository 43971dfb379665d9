// `sluice doctor`: whether this machine has what sluice needs, one line each, with what to do where it has not.
import { ASC_VERSION } from "../../../sdk/build/index.ts";
import type { Command, Context } from "../command.ts";
import { EXIT } from "../exit.ts";
import * as machine from "../machine.ts";

async function findAll({ cwd }: Context): Promise<readonly machine.Finding[]> {
  return [
    machine.checkNode(),
    machine.checkNpm(),
    machine.checkPlatform(),
    machine.checkWasm(),
    await machine.checkPort(8080, "--port"),
    await machine.checkPort(9901, "--admin-port"),
    await machine.checkFolder(cwd),
    await machine.checkCompileCache(),
    machine.checkSdk(cwd),
    machine.checkPackage("assemblyscript", "compiling filters", ASC_VERSION),
    machine.checkPackage("@bytecodealliance/jco-transpile", "components"),
    machine.checkPackage("@bytecodealliance/preview2-shim", "run and serve of WASI 0.2 components"),
    machine.checkPackage("componentize-qjs", "filters in JavaScript"),
    machine.checkPackage("vitest", "sluice test without a suite", "", cwd),
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
      const lines = checks.flatMap((one) => [
        `${terminal.paint(STYLE[one.state], MARK[one.state])} ${one.check.padEnd(16)} ${one.text}`,
        ...(one.hint === "" ? [] : [`  ${"".padEnd(16)} help: ${one.hint}`]),
      ]);
      terminal.data(lines.join("\n"));
    }
    return isFit ? EXIT.ok : EXIT.failed;
  },
};
