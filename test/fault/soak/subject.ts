// The proxy under soak, in a process of its own so that its memory and sockets are nobody else's: control side, data
// threads, admin API and HUP as `sluice run` has them, and a line to the soak for what no user can do (end a data thread,
// look into all of them).
import { armedTimers } from "./timers.ts";
import { readFileSync } from "node:fs";
import { systemClock } from "../../../host/base/clock.ts";
import { collectGarbage } from "../../../host/base/collect-garbage.ts";
import { startAdmin } from "../../../host/admin/server.ts";
import { handleSignals } from "../../../host/cli/signals.ts";
import { spawnFrom } from "../../../host/control/spawn.ts";
import { startSluice } from "../../../host/control/start.ts";
import type { ThreadHandle } from "../../../host/control/threads.ts";
import { toPrometheus } from "../../../host/observe/prometheus.ts";
import { lookInto } from "./probe.ts";
import type { Asked, Told } from "./words.ts";

const tell = (told: Told): void => void process.send?.(told);
const configPath = process.argv[2] ?? "";
const handles = new Map<number, ThreadHandle>();
const { control, stopped } = await startSluice({
  configText: readFileSync(configPath, "utf8"),
  configPath,
  watch: false,
  optimize: false,
  env: {},
  overrides: {},
  spawn: (init) => {
    const handle = spawnFrom(new URL("./thread.ts", import.meta.url), init);
    handles.set(init.threadId, handle);
    return handle;
  },
});
control.events.subscribe((event) => tell({ event }));
const log = {
  info: () => {},
  error: (fields: object, text: string) => tell({ complaint: `${text} ${JSON.stringify(fields)}` }),
};
const address = { host: "127.0.0.1", port: 0 };
const admin = await startAdmin({ control, address, token: "", log, renderMetrics: toPrometheus, version: "soak" });
const stop = (): void => void control.shutdown("test");
const reload = (): void => void control.reload().catch(() => {});
const signals = handleSignals(process, { drain: stop, force: () => process.exit(1), reload }, systemClock);

process.on("message", (asked: Asked) => {
  if (asked.ask === "terminate") handles.get(asked.threadId)?.terminate();
  else void look();
});

async function look(): Promise<void> {
  const threads = await lookInto(handles.size);
  collectGarbage();
  const heapBytes = process.memoryUsage().heapUsed;
  tell({ threads: [{ resources: process.getActiveResourcesInfo(), timers: armedTimers(), heapBytes }, ...threads] });
}

const [listener] = await control.listeners();
tell({ port: Number(listener?.address.split(":").at(-1)), adminUrl: admin.url });
await stopped;
await admin.close();
signals.close();
process.disconnect?.();
