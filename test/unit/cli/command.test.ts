import { describe, expect, test } from "vitest";
import { type Command, flagsOf, readArgs } from "../../../host/cli/command.ts";
import { UsageError } from "../../../host/cli/exit.ts";
import { TABLE } from "../../../host/cli/table.ts";
import { run } from "./support.ts";

const command: Command = {
  name: "try",
  summary: "Try",
  args: {
    file: { type: "positional", description: "File" },
    second: { type: "positional", required: false, description: "Second" },
    header: { type: "string", alias: "H", description: "Header" },
    level: { type: "enum", options: ["low", "high"], description: "Level" },
    count: { type: "string", description: "Count" },
    loud: { type: "boolean", description: "Loud" },
    sound: { type: "boolean", default: true, description: "Sound" },
  },
  run: () => Promise.resolve(0),
};

describe("arguments", () => {
  test("are read by name, alias and position", () => {
    const args = readArgs(command, ["a.wasm", "-H", "x: 1", "--level=high", "--loud", "-c", "my.yaml"]);
    expect(args.text("file")).toBe("a.wasm");
    expect(args.text("second")).toBeUndefined();
    expect(args.text("header")).toBe("x: 1");
    expect(args.text("level")).toBe("high");
    expect(args.text("config")).toBe("my.yaml");
    expect(args.flag("loud")).toBe(true);
    expect(args.flag("sound")).toBe(true);
    expect(args.flag("json")).toBe(false);
  });

  test("keep every value of a repeated flag", () => {
    const args = readArgs(command, ["a", "-H", "x: 1", "--header", "y: 2", "--header=z: 3"]);
    expect(args.list("header")).toEqual(["x: 1", "y: 2", "z: 3"]);
    expect(args.list("count")).toEqual([]);
  });

  test("may begin with a dash when they are values or follow --", () => {
    expect(readArgs(command, ["a", "-H", "-x"]).text("header")).toBe("-x");
    expect(readArgs(command, ["--", "-a"]).text("file")).toBe("-a");
  });

  test("can be switched off", () => {
    expect(readArgs(command, ["a", "--no-sound"]).flag("sound")).toBe(false);
    expect(readArgs(command, ["a", "--no-color"]).flag("color")).toBe(false);
  });

  test.each([
    [["a", "--lowd"], "unknown flag --lowd", 'did you mean "--loud"?'],
    [["a", "--zzzzzzz=1"], "unknown flag --zzzzzzz", ""],
    [["a", "b", "c"], 'unexpected argument "c"', ""],
    [["a", "--header"], "--header needs a value", ""],
    [["a", "--level", "mid"], "Invalid value for argument: --level (mid)", ""],
    [[], "Missing required positional argument: FILE", ""],
  ])("%j are refused", (argv, message, hint) => {
    const act = (): unknown => readArgs(command, argv);
    expect(act).toThrow(UsageError);
    expect(act).toThrow(message);
    try {
      act();
    } catch (error) {
      expect((error as UsageError).hint).toBe(hint);
    }
  });

  test.each(["-1", "1.5", "11", "x", ""])("%j is no whole number from 0 to 10", (text) => {
    expect(() => readArgs(command, ["a", `--count=${text}`]).integer("count", 0, 10)).toThrow("from 0 to 10");
  });

  test("that are numbers come as numbers", () => {
    expect(readArgs(command, ["a", "--count", "10"]).integer("count", 0, 10)).toBe(10);
    expect(readArgs(command, ["a"]).integer("count", 0, 10)).toBeUndefined();
  });
});

describe("the table", () => {
  test("names each command as the command names itself, with the same summary", async () => {
    for (const entry of TABLE) {
      const loaded = await entry.load();
      expect([loaded.name, loaded.summary]).toEqual([entry.name, entry.summary]);
    }
  });

  test("gives every flag a description", async () => {
    for (const entry of TABLE) {
      const silent = flagsOf(await entry.load()).filter((flag) => flag.description === "");
      expect([entry.name, silent]).toEqual([entry.name, []]);
    }
  });

  test.each(TABLE.map((entry) => entry.name))("has help for %s", async (name) => {
    const { code, out, err } = await run([name, "--help"]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain(`sluice ${name}`);
    expect(out).toContain("--json");
    expect(out).not.toContain("\u001b");
  });
});
