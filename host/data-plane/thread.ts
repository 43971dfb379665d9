// Entry of a data thread: wires the rooms and waits for the first snapshot.
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../base/clock.ts";
import { systemRandom } from "../base/random.ts";
import { threadLink, type ThreadInit } from "../link/link.ts";
import { startDataPlane } from "./start.ts";

if (parentPort === null) throw new Error("a data thread needs a parent");
const port = parentPort;
const EXIT_GRACE_MS = 500;
startDataPlane({
  init: workerData as ThreadInit,
  link: threadLink(port),
  clock: systemClock,
  random: systemRandom,
  reusePort: process.platform === "linux",
  stop() {
    port.close();
    // The thread ends by itself when nothing is open any more; what is left open by a mistake must not hold up the exit.
    systemClock.after(EXIT_GRACE_MS, () => process.exit(0));
  },
});
