// P12: HTTP/1.1 over TLS, and what a full handshake costs, against nginx with the same certificate and cipher.
import { type Bench, wants } from "../bench.ts";
import { alternate, microsOf } from "../measure/alternate.ts";
import { handshakeMicros, hasOpenssl } from "../measure/handshakes.ts";
import { usesWrk } from "../measure/load.ts";
import { figureOf, ratio } from "../measure/statistics.ts";
import { type Row, rowOf } from "../row.ts";
import { hasNginx, startNginxTls } from "../subjects/nginx.ts";
import { startSluice } from "../subjects/sluice.ts";
import { freePort, type Subject } from "../subjects/subject.ts";
import { writeTlsFiles } from "../subjects/tls-files.ts";

/** Nothing without nginx and wrk: there would be nothing to compare with, and no load. */
export async function tlsRows(bench: Bench): Promise<readonly Row[]> {
  if (!wants(bench, "P12") || !hasNginx || !usesWrk) return [];
  const { folder, plan } = bench;
  const upstream = bench.upstream.port;
  const tls = writeTlsFiles(folder);
  const subjects: Subject[] = [];
  try {
    subjects.push(await startSluice(folder, { name: "sluice-tls", upstream, workers: 1, filters: {}, tls }));
    subjects.push(await startNginxTls(folder, await freePort(), { upstream, files: tls }));
    const runs = await alternate(subjects, plan);
    const [own, other] = ["sluice-tls", "nginx-tls"].map((name) => microsOf(runs.get(name) ?? []));
    if (own === undefined || other === undefined) return [];
    const rows = [
      rowOf({
        id: "P12",
        what: "CPU/req over TLS",
        peer: "nginx",
        unit: "x",
        figure: ratio(own, other),
        gate: 1.7,
        stretch: 1.4,
      }),
      rowOf({ id: "-", what: "CPU/req of sluice-tls", unit: "us", figure: own }),
      rowOf({ id: "-", what: "CPU/req of nginx-tls", unit: "us", figure: other }),
    ];
    return hasOpenssl ? [...rows, ...(await handshakeRows(subjects, plan.rounds))] : rows;
  } finally {
    for (const subject of subjects) await subject.stop();
  }
}

async function handshakeRows(subjects: readonly Subject[], rounds: number): Promise<readonly Row[]> {
  const micros = subjects.map((): number[] => []);
  // The first round warms.
  for (let round = 0; round <= rounds; round++) {
    for (const [at, subject] of subjects.entries()) {
      const found = await handshakeMicros(subject, 2);
      if (round > 0) micros[at]?.push(found);
    }
  }
  const [own, other] = micros.map((samples) => figureOf(samples));
  if (own === undefined || other === undefined) return [];
  return [
    rowOf({
      id: "P12",
      what: "CPU/full handshake",
      peer: "nginx",
      unit: "x",
      figure: ratio(own, other),
      gate: 1.8,
      stretch: 1.5,
    }),
    rowOf({ id: "-", what: "CPU/handshake of sluice-tls", unit: "us", figure: own }),
    rowOf({ id: "-", what: "CPU/handshake of nginx-tls", unit: "us", figure: other }),
  ];
}
