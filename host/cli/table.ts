// The command table: help, completion and dispatch are all made from it. Commands are loaded when they are needed, so
// that `sluice --version` does not pay for `sluice dev`.
import type { Command } from "./command.ts";

export interface TableEntry {
  readonly name: string;
  readonly group: "run" | "author" | "control" | "read" | "tool";
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

export const TABLE: readonly TableEntry[] = [
  {
    name: "demo",
    group: "run",
    summary: "Proxy, three toy upstreams, traffic and four filters; no file needed",
    load: async () => (await import("./commands/demo.ts")).demo,
  },
  {
    name: "dev",
    group: "run",
    summary: "Run a config, watch its filters, swap on save",
    load: async () => (await import("./commands/dev.ts")).dev,
  },
  {
    name: "run",
    group: "run",
    summary: "Run a config, or one .wasm, without watching",
    load: async () => (await import("./commands/run.ts")).run,
  },
  {
    name: "serve",
    group: "run",
    summary: "Serve one .wasm: a server component or a filter",
    load: async () => (await import("./commands/serve.ts")).serve,
  },
  {
    name: "init",
    group: "author",
    summary: "Start a project with one filter",
    load: async () => (await import("./commands/init.ts")).init,
  },
  {
    name: "new",
    group: "author",
    summary: "Add a filter from a template",
    load: async () => (await import("./commands/new.ts")).newFilter,
  },
  {
    name: "build",
    group: "author",
    summary: "Compile filters to build/",
    load: async () => (await import("./commands/build.ts")).build,
  },
  {
    name: "call",
    group: "author",
    summary: "Send one simulated request through a .wasm",
    load: async () => (await import("./commands/call.ts")).call,
  },
  {
    name: "test",
    group: "author",
    summary: "Run test suites against a .wasm; without one, vitest",
    load: async () => (await import("./commands/test.ts")).test,
  },
  {
    name: "componentize",
    group: "author",
    summary: "Make a component of a script or a module",
    load: async () => (await import("./commands/componentize.ts")).componentize,
  },
  {
    name: "wit",
    group: "author",
    summary: "The world of a component",
    load: async () => (await import("./commands/wit.ts")).wit,
  },
  {
    name: "bench",
    group: "author",
    summary: "What a filter costs, against another version of it",
    load: async () => (await import("./commands/bench.ts")).bench,
  },
  {
    name: "inspect",
    group: "author",
    summary: "What a .wasm is, wants and offers",
    load: async () => (await import("./commands/inspect.ts")).inspect,
  },
  {
    name: "validate",
    group: "author",
    summary: "Check a config and its filters, start nothing",
    load: async () => (await import("./commands/validate.ts")).validate,
  },
  {
    name: "schema",
    group: "author",
    summary: "Print the JSON Schema of the config, or of a filter's",
    load: async () => (await import("./commands/schema.ts")).schema,
  },
  {
    name: "swap",
    group: "control",
    summary: "Make a version live, or rebuild: sluice swap gray@v3",
    load: async () => (await import("./commands/swap.ts")).swap,
  },
  {
    name: "rollback",
    group: "control",
    summary: "Back to the version that was live before",
    load: async () => (await import("./commands/rollback.ts")).rollback,
  },
  {
    name: "reload",
    group: "control",
    summary: "Read the config again",
    load: async () => (await import("./commands/reload.ts")).reload,
  },
  {
    name: "ab",
    group: "control",
    summary: "Start, show, shift or end an experiment on a filter",
    load: async () => (await import("./commands/ab.ts")).ab,
  },
  {
    name: "rollout",
    group: "control",
    summary: "Watch and steer a stepped rollout: get -w, promote, pause, resume, abort",
    load: async () => (await import("./commands/rollout.ts")).rollout,
  },
  {
    name: "shadow",
    group: "control",
    summary: "Run a version beside the serving one on live traffic, and compare",
    load: async () => (await import("./commands/shadow.ts")).shadow,
  },
  {
    name: "record",
    group: "control",
    summary: "Record what a filter of a running proxy does, event by event",
    load: async () => (await import("./commands/record.ts")).record,
  },
  {
    name: "filters",
    group: "read",
    summary: "Filters and their versions",
    load: async () => (await import("./commands/filters.ts")).filters,
  },
  {
    name: "routes",
    group: "read",
    summary: "Routes in matching order",
    load: async () => (await import("./commands/routes.ts")).routes,
  },
  {
    name: "clusters",
    group: "read",
    summary: "Endpoints and what they do",
    load: async () => (await import("./commands/clusters.ts")).clusters,
  },
  {
    name: "stats",
    group: "read",
    summary: "Metrics",
    load: async () => (await import("./commands/stats.ts")).stats,
  },
  {
    name: "logs",
    group: "read",
    summary: "Follow what happens",
    load: async () => (await import("./commands/logs.ts")).logs,
  },
  {
    name: "tap",
    group: "read",
    summary: "Follow sampled requests and what filters did to them",
    load: async () => (await import("./commands/tap.ts")).tap,
  },
  {
    name: "replay",
    group: "author",
    summary: "Run a recording against one or two versions of a filter",
    load: async () => (await import("./commands/replay.ts")).replay,
  },
  {
    name: "doctor",
    group: "tool",
    summary: "Check this machine",
    load: async () => (await import("./commands/doctor.ts")).doctor,
  },
  {
    name: "completion",
    group: "tool",
    summary: "Shell completion for bash, zsh or fish",
    load: async () => (await import("./commands/completion.ts")).completion,
  },
];

/** Commands of the contract that this version does not have. */
export const NOT_YET: readonly string[] = [
  "transpile",
  "export",
  "import",
  "push",
  "pull",
  "diff",
  "contract",
  "drill",
];
