// Certificates that are not valid now: legal, and nothing that a peer who checks will accept. Warned of, since a clock may be
// wrong and a renewal on its way.
import { resolve } from "node:path";
import { readFileSync } from "node:fs";
import type { X509Certificate } from "node:crypto";
import { certificateBlocks, parseCertificate } from "./pem-files.ts";
import type { Reader } from "./reader.ts";

function leafIn(path: string): X509Certificate | null {
  try {
    const [leaf] = certificateBlocks(readFileSync(path, "latin1"));
    return leaf === undefined ? null : parseCertificate(leaf);
  } catch {
    // Said by whoever read it for what is in it.
    return null;
  }
}

function warnOfDates(certFile: Reader, folder: string, nowMs: number): void {
  const leaf = certFile.text() === "" ? null : leafIn(resolve(folder, certFile.text()));
  if (leaf === null) return;
  const day = (date: Date): string => date.toISOString().slice(0, 10);
  if (leaf.validToDate.getTime() < nowMs) {
    certFile.problem("expired_certificate", `the certificate expired on ${day(leaf.validToDate)}`, {
      hint: "renew it",
    });
  } else if (leaf.validFromDate.getTime() > nowMs) {
    certFile.problem("future_certificate", `the certificate is valid only from ${day(leaf.validFromDate)}`);
  }
}

/** All certificates we show, of listeners and clusters. */
export function warnOfCertificates(root: Reader, folder: string, nowMs: number): void {
  const shown = [
    ...root.get("listeners").items.flatMap((listener) => listener.get("tls").get("certificates").items),
    ...root.get("clusters").items.map((cluster) => cluster.get("tls")),
  ];
  for (const one of shown) {
    warnOfDates(one.get("certFile"), folder, nowMs);
    warnOfDates(one.get("alternative").get("certFile"), folder, nowMs);
  }
}
