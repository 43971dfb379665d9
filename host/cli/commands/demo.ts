// `sluice demo`: proxy, three toy upstreams, traffic and four filters, without a file.
import { type Demo, startDemo } from "../../demo/start.ts";
import { demoConfig } from "../../demo/config.ts";
import type { TrafficReport } from "../../demo/generator.ts";
import type { Command, Context } from "../command.ts";
import type { RunningSluice } from "../parts.ts";
import { runSession } from "../session.ts";
import { PACKAGE_ROOT } from "../version.ts";

const DEFAULT_RATE = 40;
const USERS = 50;

/** `1240 sent, 1201 × 200, 39 × 429`. */
export function reportText(report: TrafficReport | null): string {
  if (report === null) return "no traffic";
  const statuses = Object.entries(report.statuses).sort(([a], [b]) => a.localeCompare(b));
  return [`${report.sent} sent`, ...statuses.map(([status, count]) => `${count} × ${status}`)].join(", ");
}

function rateOf({ args }: Context): number {
  if (!args.flag("traffic")) return 0;
  return args.integer("rate", 0, 100_000) ?? DEFAULT_RATE;
}

/** The first listener's address: port 0 is known only now. */
async function drive(demo: Demo, rate: number, { control }: RunningSluice): Promise<readonly [string, string][]> {
  const [listener] = await control.listeners();
  const port = Number(listener?.address.split(":").at(-1));
  if (rate === 0 || !Number.isInteger(port)) return [["traffic", "off"]];
  demo.drive({ host: "127.0.0.1", port, rate, users: USERS });
  return [["traffic", `${rate} requests/s by ${USERS} users (--rate N, --no-traffic)`]];
}

async function run(context: Context): Promise<number> {
  const { args, terminal, env } = context;
  const rate = rateOf(context);
  const port = args.integer("port", 0, 65_535) ?? 8080;
  const adminPort = args.integer("admin-port", 0, 65_535) ?? 9901;
  const demo = await startDemo();
  try {
    const { text, path } = demoConfig({ ports: demo.ports, port, adminPort, root: PACKAGE_ROOT });
    return await runSession({
      start: { configText: text, configPath: path, watch: true, optimize: true, env, overrides: { port, adminPort } },
      terminal,
      isInteractive: true,
      logFormat: args.text("log-format") === "json" ? "json" : "pretty",
      open: args.flag("open"),
      verbose: args.flag("verbose"),
      onReady: (running) => drive(demo, rate, running),
      moreStats: () => [`  ${"traffic".padEnd(20)}${reportText(demo.report())}`],
    });
  } finally {
    await demo.close();
  }
}

export const demo: Command = {
  name: "demo",
  summary: "Proxy, three toy upstreams, traffic and four filters; no file needed",
  args: {
    port: { type: "string", description: "Port of the proxy (8080); 0 = any", valueHint: "n" },
    "admin-port": { type: "string", description: "Port of the admin API (9901); 0 = any", valueHint: "n" },
    rate: { type: "string", description: `Requests per second (${DEFAULT_RATE})`, valueHint: "n" },
    traffic: { type: "boolean", default: true, description: "Send requests", negativeDescription: "Send no requests" },
    open: { type: "boolean", description: "Open the admin page" },
  },
  run,
};
