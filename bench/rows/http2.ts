// P12: CPU per request over HTTP/2 (prior knowledge, and TLS with ALPN) to an upstream that speaks HTTP/1.1, as nginx does it.
import { type Bench, wants } from "../bench.ts";
import { alternate, microsOf } from "../measure/alternate.ts";
import { hasH2load } from "../measure/load.ts";
import { ratio } from "../measure/statistics.ts";
import { type Row, rowOf, single } from "../row.ts";
import { hasNginx, startNginxHttp2, startNginxTls } from "../subjects/nginx.ts";
import { startSluice } from "../subjects/sluice.ts";
import { freePort, type Subject } from "../subjects/subject.ts";
import { writeTlsFiles } from "../subjects/tls-files.ts";

const CONNECTIONS = 16;
const STREAMS = 10;

export async function http2Rows(bench: Bench): Promise<readonly Row[]> {
  if (!wants(bench, "P12") || !hasH2load || !hasNginx) return [];
  return [...(await compare(bench, "h2c", startPlain)), ...(await compare(bench, "h2", startSecured))];
}

type Start = (bench: Bench) => Promise<readonly [nginx: Subject, own: Subject]>;

async function startPlain({ folder, upstream: { port: upstream } }: Bench): Promise<readonly [Subject, Subject]> {
  const nginx = await startNginxHttp2(folder, upstream);
  return [nginx, await startSluice(folder, { name: "sluice-h2c", upstream, workers: 1, filters: {} })];
}

async function startSecured({ folder, upstream: { port: upstream } }: Bench): Promise<readonly [Subject, Subject]> {
  const files = writeTlsFiles(folder);
  const nginx = await startNginxTls(folder, await freePort(), { upstream, files, http2: true });
  return [nginx, await startSluice(folder, { name: "sluice-h2", upstream, workers: 1, filters: {}, tls: files })];
}

async function compare(bench: Bench, protocol: string, start: Start): Promise<readonly Row[]> {
  const subjects = await start(bench);
  try {
    const runs = await alternate(subjects, { ...bench.plan, connections: CONNECTIONS, streams: STREAMS });
    const [nginx, own] = subjects.map(({ name }) => microsOf(runs.get(name) ?? []));
    if (nginx === undefined || own === undefined) return [];
    const secured = protocol === "h2" ? "h2 over TLS" : protocol;
    const what = `CPU/req over ${secured}, ${CONNECTIONS} connections x ${STREAMS} streams`;
    const failed = [...runs.values()].flat().reduce((sum, run) => sum + run.failed, 0);
    return [
      rowOf({ id: "P12", what, peer: "nginx", unit: "x", figure: ratio(own, nginx), gate: 2.2, stretch: 1.3 }),
      rowOf({ id: "-", what: `CPU/req of nginx-${protocol}`, unit: "us", figure: nginx }),
      rowOf({ id: "-", what: `CPU/req of sluice-${protocol}`, unit: "us", figure: own }),
      rowOf({ id: "-", what: `failed requests over ${secured}`, unit: "", figure: single(failed), gate: 0 }),
    ];
  } finally {
    for (const subject of subjects) await subject.stop();
  }
}
