// The files that `tls:` names: read while the config is parsed, so that every mistake in them has a place in the config.
// What is in them never appears in a message: a private key could be anywhere.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { codeOf } from "../tls/failure.ts";
import { nodeTls } from "../tls/node-tls.ts";
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

  /**
   * The private key that `owner.keyFile` names, in PEM without its passphrase, or "". What is decrypted stays in memory, as
   * every key does, and is shown nowhere.
   */
  privateKey(owner: Reader): string {
    const reader = owner.get("keyFile");
    const text = this.#read(reader, "PRIVATE KEY", "a private key in PEM");
    const passphrase = this.#passphrase(owner);
    if (text === "" || passphrase === null) return "";
    const isLocked = /ENCRYPTED/.test(text);
    if (!isLocked && passphrase !== undefined) this.#needless(owner);
    try {
      const key = createPrivateKey({ key: text, ...(passphrase === undefined ? {} : { passphrase }) });
      return isLocked ? key.export({ type: "pkcs8", format: "pem" }).toString() : text;
    } catch (error) {
      if (isLocked && passphrase !== undefined) {
        reader.problem("wrong_passphrase", `the passphrase does not open the private key in ${reader.text()}`);
      } else if (isLocked || codeOf(error) === "ERR_MISSING_PASSPHRASE") {
        reader.problem("locked_key", `${reader.text()} needs a passphrase`, {
          hint: "add passphrase: ${NAME} or passphraseFile, or store the key without one",
        });
      } else reader.problem("bad_key", `the private key in ${reader.text()} cannot be read`);
      return "";
    }
  }

  /** Undefined: none is given. Null: it cannot be read, which has been said. */
  #passphrase(owner: Reader): string | undefined | null {
    const [given, file] = [owner.get("passphrase"), owner.get("passphraseFile")];
    if (given.isPresent && file.isPresent) {
      file.problem("pick_one", "passphrase and passphraseFile exclude each other", { at: "key" });
      return null;
    }
    if (given.isPresent) return given.text();
    if (!file.isPresent) return undefined;
    const path = resolve(this.#files.folder, file.text());
    this.paths.push(path);
    if (!this.#files.read) return null;
    const text = readText(file, path);
    return text === null
      ? null
      : Buffer.from(text, "latin1")
          .toString("utf8")
          .replace(/\r?\n$/, "");
  }

  #needless(owner: Reader): void {
    const at = owner.get(owner.get("passphrase").isPresent ? "passphrase" : "passphraseFile");
    at.problem("unused_key", `the key in ${owner.get("keyFile").text()} has no passphrase`, {
      at: "key",
      hint: "remove it",
    });
  }

  /** The revocation lists of a file, one by one. */
  revocationLists(reader: Reader): readonly string[] {
    const text = this.#read(reader, "X509 CRL", "revocation lists in PEM");
    const blocks = text.match(/-----BEGIN X509 CRL-----[^-]*-----END X509 CRL-----/g) ?? [];
    const at = blocks.findIndex((block) => !isRevocationList(block));
    if (at < 0 && (blocks.length > 0 || text === "")) return blocks;
    const which = blocks.length < 2 ? "the revocation list" : `revocation list ${at + 1} of ${blocks.length}`;
    reader.problem("bad_crl", `${which} in ${reader.text()} cannot be read`, { hint: "check that it is whole" });
    return [];
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

function isRevocationList(block: string): boolean {
  try {
    nodeTls().createSecureContext({ crl: block });
    return true;
  } catch {
    return false;
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
