// P12: CPU per request over HTTP/2 with prior knowledge, to an upstream that speaks HTTP/1.1, as nginx does it.
import { type Bench, wants } from "../bench.ts";
import { alternate, microsOf } from "../measure/alternate.ts";
import { hasH2load } from "../measure/load.ts";
import { ratio } from "../measure/statistics.ts";
import { type Row, rowOf, single } from "../row.ts";
import { hasNginx, startNginxHttp2 } from "../subjects/nginx.ts";
import { startSluice } from "../subjects/sluice.ts";
import type { Subject } from "../subjects/subject.ts";

const CONNECTIONS = 16;
const STREAMS = 10;

export async function http2Rows(bench: Bench): Promise<readonly Row[]> {
  if (!wants(bench, "P12") || !hasH2load || !hasNginx) return [];
  const { folder, upstream } = bench;
  const subjects: Subject[] = [];
  try {
    subjects.push(await startNginxHttp2(folder, upstream.port));
    subjects.push(await startSluice(folder, { name: "sluice-h2c", upstream: upstream.port, workers: 1, filters: {} }));
    const runs = await alternate(subjects, { ...bench.plan, connections: CONNECTIONS, streams: STREAMS });
    const [nginx, own] = [microsOf(runs.get("nginx-h2c") ?? []), microsOf(runs.get("sluice-h2c") ?? [])];
    const what = `CPU/req over h2c, ${CONNECTIONS} connections x ${STREAMS} streams`;
    const failed = [...runs.values()].flat().reduce((sum, run) => sum + run.failed, 0);
    return [
      rowOf({ id: "P12", what, peer: "nginx", unit: "x", figure: ratio(own, nginx), gate: 2.2, stretch: 1.3 }),
      rowOf({ id: "-", what: "CPU/req of nginx-h2c", unit: "us", figure: nginx }),
      rowOf({ id: "-", what: "CPU/req of sluice-h2c", unit: "us", figure: own }),
      rowOf({ id: "-", what: "failed requests over h2c", unit: "", figure: single(failed), gate: 0 }),
    ];
  } finally {
    for (const subject of subjects) await subject.stop();
  }
}
