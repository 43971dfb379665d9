// The demo's worker: toy upstreams and traffic generator in a thread of their own, so that they take no time from the
// control side or from the data threads they load. Started by start.ts only.
import { parentPort } from "node:worker_threads";
import { systemClock } from "../base/clock.ts";
import { systemRandom } from "../base/random.ts";
import { TrafficGenerator } from "./generator.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { startUpstream, TOY_UPSTREAMS } from "./upstreams.ts";

const REPORT_MS = 500;
const nature = { clock: systemClock, random: systemRandom };
const port = parentPort;
if (port === null) throw new Error("traffic.ts runs as a worker; start the demo with `sluice demo`");
const send = (message: FromWorker): void => port.postMessage(message);

const upstreams = await Promise.all(TOY_UPSTREAMS.map((options) => startUpstream(options, nature)));
let generator: TrafficGenerator | null = null;

function report(): void {
  if (generator !== null) send({ type: "report", report: generator.report() });
  systemClock.after(REPORT_MS, report);
}

async function close(): Promise<void> {
  generator?.close();
  await Promise.all(upstreams.map((upstream) => upstream.close()));
  port?.close();
}

port.on("message", (message: ToWorker) => {
  if (message.type === "close") void close();
  else if (message.type === "rate" && generator !== null) generator.rate = message.rate;
  else if (message.type === "drive" && generator === null) {
    generator = new TrafficGenerator(message.options, nature);
    generator.start();
  }
});
send({ type: "upstreams", ports: Object.fromEntries(upstreams.map((one) => [one.name, one.port])) });
report();
