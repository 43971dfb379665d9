// The files that `tls:` names: read while the config is parsed, so that every mistake in them has a place in the config.
// What is in them never appears in a message: a private key could be anywhere.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { codeOf } from "../tls/failure.ts";
import type { Reader } from "./reader.ts";

/** How files are found. */
export interface Files {
  /** Relative paths begin here. */
  readonly folder: string;
  /** False: nothing is read and every file counts as empty, for callers that want another part of the config. */
  readonly read: boolean;
}

/** Reads the files of one `tls:` and remembers which. */
export class PemFiles {
  readonly paths: string[] = [];
  readonly #files: Files;

  constructor(files: Files) {
    this.#files = files;
  }

  /** PEM of one or more certificates, "" when the key is absent or there was something to report. */
  certificates(reader: Reader): string {
    const text = this.#read(reader, "CERTIFICATE", "certificates in PEM");
    const blocks = certificateBlocks(text);
    const at = blocks.findIndex((block) => parseCertificate(block) === null);
    if (at < 0 && (blocks.length > 0 || text === "")) return text;
    const which = blocks.length < 2 ? "the certificate" : `certificate ${at + 1} of ${blocks.length}`;
    reader.problem("bad_certificate", `${which} in ${reader.text()} cannot be read`, {
      hint: "check that it is whole",
    });
    return "";
  }

  /** PEM of a private key without passphrase, or "". */
  privateKey(reader: Reader): string {
    const text = this.#read(reader, "PRIVATE KEY", "a private key in PEM");
    if (text === "") return "";
    try {
      createPrivateKey(text);
      return text;
    } catch (error) {
      const locked = codeOf(error) === "ERR_MISSING_PASSPHRASE" || /ENCRYPTED/.test(text);
      if (locked)
        reader.problem("locked_key", `${reader.text()} needs a passphrase`, { hint: "store the key without one" });
      else reader.problem("bad_key", `the private key in ${reader.text()} cannot be read`);
      return "";
    }
  }

  #read(reader: Reader, label: string, expected: string): string {
    const name = reader.text();
    if (name === "") return "";
    const path = resolve(this.#files.folder, name);
    this.paths.push(path);
    if (!this.#files.read) return "";
    const text = readText(reader, path);
    if (text === null || text.includes(`${label}-----`)) return text ?? "";
    const other = label === "CERTIFICATE" && text.includes("PRIVATE KEY-----");
    const got = other ? "a private key" : text.includes("CERTIFICATE-----") ? "a certificate" : "something else";
    const converted = "DER is converted by: openssl x509 -inform der (openssl pkey for keys)";
    const hint = got === "something else" ? { hint: converted } : {};
    reader.problem("not_pem", `expected ${expected} in ${name}, got ${got}`, hint);
    return "";
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "this user may not read it",
  EISDIR: "it is a folder",
};

function readText(reader: Reader, path: string): string | null {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    const code = codeOf(error);
    reader.problem("unreadable_file", `cannot read ${path}: ${REASONS[code] ?? code}`);
    return null;
  }
}

/** The certificates of a PEM text, one by one. */
export const certificateBlocks = (text: string): readonly string[] =>
  text.match(/-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]*-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g) ?? [];

export function parseCertificate(block: string): X509Certificate | null {
  try {
    return new X509Certificate(block);
  } catch {
    return null;
  }
}
