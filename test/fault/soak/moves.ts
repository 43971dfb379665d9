// What happens to the proxy in a soak, one reload or several at a time. A move throws when the proxy does not do what it should.
import { Agent } from "node:http";
import type { SluiceEvent } from "../../../host/control/types.ts";
import { ask } from "./load.ts";
import { DRAIN_MS, THREADS, type Stage } from "./stage.ts";
import type { Reply } from "./subject-process.ts";
import { quiet, trapsAtOnce, trapsAtStart } from "./villains.ts";

/** Answers how many reloads it asked for. */
export type Move = (stage: Stage) => Promise<number>;

const FILTERS = "/api/v1/filters";
const SMALL_FILE = 512;

function expectStatus(reply: Reply, status: number): Reply {
  if (reply.status === status) return reply;
  throw new Error(`expected ${status}, got ${reply.status}: ${JSON.stringify(reply.body)}`);
}

async function upload(stage: Stage, filter: string, wasm: Uint8Array, config = ""): Promise<Reply> {
  const more = config === "" ? "" : `&pluginConfig=${encodeURIComponent(config)}`;
  return stage.subject.post(`${FILTERS}/${filter}/versions?swap=true${more}`, wasm);
}

/** Another version, with a word of its own. Answers its label. */
async function churnOnce(stage: Stage): Promise<string> {
  const word = `w${stage.nonce}`;
  const { body } = await stage.load.becomes(word, async () =>
    expectStatus(await upload(stage, "stamp", stage.stamp(), JSON.stringify({ word })), 201),
  );
  return (body as { version: { version: string } }).version.version;
}

const churn: Move = async (stage) => {
  await churnOnce(stage);
  return 1;
};

const rollback: Move = async (stage) => {
  const before = stage.load.word;
  await churnOnce(stage);
  await stage.load.becomes(before, async () =>
    expectStatus(await stage.subject.post(`${FILTERS}/stamp:rollback`), 200),
  );
  return 2;
};

const swapByName: Move = async (stage) => {
  const version = await churnOnce(stage);
  const { word } = stage.load;
  await churnOnce(stage);
  await stage.load.becomes(word, async () =>
    expectStatus(await stage.subject.post(`${FILTERS}/stamp:swap`, { version }), 200),
  );
  return 3;
};

/** To another configuration and back: once by HUP, once over the admin API. */
const flap: Move = async (stage) => {
  const loaded = stage.subject.event("config loaded", ({ type }) => type === "config" || type === "config-refused");
  const [one, two] = [`flap${stage.nonce}`, `flap${stage.nonce}`];
  stage.configure(one, true);
  await stage.load.becomes(one, async () => {
    stage.subject.hangUp();
    const { type, problems } = await loaded;
    if (type !== "config") throw new Error(`HUP was refused: ${JSON.stringify(problems)}`);
  });
  stage.configure(two, false);
  await stage.load.becomes(two, async () => expectStatus(await stage.subject.post("/api/v1/reload"), 200));
  return 2;
};

/** A reload sees a module of which only a part has been written, and then the whole. */
const halfWritten: Move = async (stage) => {
  const wasm = stage.stamp();
  const word = `half${stage.nonce}`;
  stage.configure(word, false);
  stage.writeSource(wasm.subarray(0, wasm.length / 2));
  expectStatus(await stage.subject.post("/api/v1/reload"), 422);
  stage.writeSource(wasm);
  await stage.load.becomes(word, async () => expectStatus(await stage.subject.post("/api/v1/reload"), 200));
  return 2;
};

const symlink: Move = async (stage) => {
  stage.relink();
  const { body } = expectStatus(await stage.subject.post("/api/v1/reload"), 200);
  if (!(body as { changes: string[] }).changes.includes("filter linked changed: source"))
    throw new Error(`the new target was not seen: ${JSON.stringify(body)}`);
  return 1;
};

const trapAtStart: Move = async (stage) => {
  expectStatus(await upload(stage, "stamp", trapsAtStart(stage.nonce)), 422);
  return 1;
};

/** FAIL_OPEN lets requests pass, and the version goes into quarantine. */
const trapAtOnce: Move = async (stage) => {
  const isOf = (type: string) => (event: SluiceEvent) => event.type === type && event.filter === "risky";
  expectStatus(await upload(stage, "risky", quiet(stage.nonce)), 201);
  const quarantined = stage.subject.event("quarantine", isOf("quarantine"));
  const back = stage.subject.event(
    "back to the last good version",
    (event) => isOf("swap")(event) && event.text.includes("quarantine"),
  );
  expectStatus(await upload(stage, "risky", trapsAtOnce(stage.nonce)), 201);
  await Promise.all([quarantined, back]);
  return 3;
};

/** A request that does not end holds its version, until the deadline. */
const neverDrains: Move = async (stage) => {
  const version = await churnOnce(stage);
  const agent = new Agent();
  const slow = ask(stage.subject.port, "/hold", agent).catch((error: unknown) => String(error));
  while (stage.held === 0) await new Promise((soon) => setTimeout(soon, 1));
  const retired = stage.subject.event(
    `${version} retired`,
    ({ type, text }) => type === "retired" && text.startsWith(`stamp@${version} `),
  );
  const startedMs = performance.now();
  await churnOnce(stage);
  await retired;
  if (performance.now() - startedMs < DRAIN_MS / 2) throw new Error("a version was freed while a request ran on it");
  stage.release();
  const end = await slow;
  agent.destroy();
  // Its filter refuses what it cannot serve, and a version that is gone serves nothing (abi.md 9.8).
  if (typeof end === "string" || end.status !== 503)
    throw new Error(`a request that outlived its version: ${JSON.stringify(end)}`);
  return 2;
};

/** Uploads go on while a data thread is gone; those that it ends are tried again. */
const threadRestart: Move = (stage) =>
  stage.load.losing(async () => {
    const threadId = 1 + (stage.nonce % THREADS);
    const ended = stage.subject.event("thread ended", ({ type }) => type === "thread");
    stage.subject.terminateThread(threadId);
    let reloads = 0;
    const word = `restart${stage.nonce}`;
    const once = async (): Promise<boolean> => {
      reloads++;
      const { status } = await upload(stage, "stamp", stage.stamp(), JSON.stringify({ word }));
      return status === 201;
    };
    await stage.load.becomes(word, async () => {
      while (!(await once())) if (reloads > 20) throw new Error("no upload is accepted after a thread has ended");
    });
    await ended;
    await untilThreads(stage);
    return reloads;
  });

async function untilThreads(stage: Stage): Promise<void> {
  const isBack = async (): Promise<boolean> => {
    const listeners = /^sluice_data_threads(?:\{\})? (\d+)$/m.exec(await stage.subject.get("/metrics"))?.[1];
    return Number(listeners) === THREADS;
  };
  while (!(await isBack())) await new Promise((soon) => setTimeout(soon, 20));
}

/** Nothing can be written, and traffic and swaps go on; what was not kept is kept when the disk has room again. */
const diskFull: Move = async (stage) => {
  const refused = stage.subject.event("state not saved", ({ text }) => text.includes("not saved"));
  stage.subject.limitFiles(SMALL_FILE);
  await churnOnce(stage);
  const version = await churnOnce(stage);
  await refused;
  stage.subject.limitFiles(null);
  const saved = stage.subject.event("state saved again", ({ text }) => text.includes("saved again"));
  await saved;
  const kept = stage.state.filters["stamp"]?.live;
  if (kept !== version) throw new Error(`${version} is live, ${kept} was kept`);
  return 2;
};

/** In the order of a round; churn fills the gaps. */
export const MOVES: Readonly<Record<string, Move>> = {
  "version churn": churn,
  rollback,
  "swap by name": swapByName,
  "configuration flaps": flap,
  "source half written": halfWritten,
  "symlink swapped": symlink,
  "traps at start": trapAtStart,
  "traps in its first request": trapAtOnce,
  "never drains": neverDrains,
  "a data thread restarts": threadRestart,
  "disk full": diskFull,
};
