// `tls:` of listeners and clusters -> their options, with the certificates read from their files and checked against each
// other, so that what a data thread is given is known to be good.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { cipherString, createContext, DEFAULT_CIPHERS } from "../tls/context.ts";
import { namesOf } from "../tls/certificate.ts";
import { codeOf } from "../tls/failure.ts";
import { nodeTls } from "../tls/node-tls.ts";
import type {
  CertificateOptions,
  ClientCertificateOptions,
  ClientTlsOptions,
  ServerTlsOptions,
  TlsParameters,
  TlsVersion,
} from "../tls/options.ts";
import { type Files, PemFiles } from "./pem-files.ts";
import type { Reader } from "./reader.ts";

const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;
/** A host name, or one with `*` in place of its first label. */
const SERVER_NAME = /^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/;

type Parameters = Omit<TlsParameters, "files">;

function readParameters(reader: Reader): Parameters {
  const minVersion = reader.get("minVersion").oneOf(VERSIONS, "TLSv1.2");
  const maxVersion = reader.get("maxVersion").oneOf(VERSIONS, "TLSv1.3");
  const names = reader
    .get("ciphers")
    .items.filter(checkCipher)
    .map((item) => item.text());
  const read = { minVersion, maxVersion, ciphers: cipherString(names) };
  if (minVersion > maxVersion) {
    reader.get("minVersion").problem("bad_versions", `minVersion ${minVersion} is above maxVersion ${maxVersion}`);
  } else if (names.length > 0 && !names.some((name) => (is13(name) ? maxVersion : minVersion) === versionOf(name))) {
    reader.get("ciphers").problem("bad_ciphers", `none of these ciphers is for ${minVersion} to ${maxVersion}`);
  }
  return read;
}

const is13 = (name: string): boolean => name.startsWith("TLS_");
const versionOf = (name: string): TlsVersion => (is13(name) ? "TLSv1.3" : "TLSv1.2");

function checkCipher(item: Reader): boolean {
  if (isKnownCipher(item.text())) return true;
  item.problem("unknown_cipher", `OpenSSL knows no cipher "${item.text()}"`, {
    hint: "OpenSSL's names, such as ECDHE-RSA-AES128-GCM-SHA256 or TLS_AES_128_GCM_SHA256",
  });
  return false;
}

/** One suite, by its name: OpenSSL's groups and operators (`HIGH`, `!aNULL`, `@SECLEVEL`) are none. */
const isKnownCipher = (name: string): boolean => nodeTls().getCiphers().includes(name.toLowerCase());

/** Whether both were read and belong together. */
function checkPair(reader: Reader, certificate: string, privateKey: string): boolean {
  if (certificate === "" || privateKey === "") return false;
  const leaf = new X509Certificate(certificate);
  if (leaf.checkPrivateKey(createPrivateKey(privateKey))) return true;
  const [key, cert] = [reader.get("keyFile").text(), reader.get("certFile").text()];
  reader.get("keyFile").problem("wrong_key", `the key in ${key} does not belong to the certificate in ${cert}`, {
    hint: "the first certificate of certFile must be the one the key was made for",
  });
  return false;
}

/** OpenSSL has rules of its own: keys that are too short, digests that are too weak. */
function checkAccepted(reader: Reader, cert: string, key: string): void {
  const usual = { minVersion: "TLSv1.2", maxVersion: "TLSv1.3", ciphers: DEFAULT_CIPHERS, files: [] } as const;
  try {
    createContext(usual, { cert, key });
  } catch (error) {
    reader.get("certFile").problem("refused_certificate", `OpenSSL does not accept this certificate: ${codeOf(error)}`);
  }
}

function readServerNames(reader: Reader, certificate: string): readonly string[] {
  const given = reader.get("serverNames");
  if (!given.isPresent) {
    if (certificate === "") return [];
    return namesOf(new X509Certificate(certificate), "DNS").map((name) => name.toLowerCase());
  }
  return given.items.map((item) => {
    const name = item.text().toLowerCase();
    if (!SERVER_NAME.test(name)) {
      item.problem("bad_server_name", `"${item.text()}" is not a server name`, {
        hint: "a host name such as a.example.com, or *.example.com",
      });
    }
    return name.replace(/\.$/, "");
  });
}

function readCertificate(reader: Reader, files: PemFiles): CertificateOptions {
  const certificate = files.certificates(reader.get("certFile"));
  const privateKey = files.privateKey(reader);
  if (checkPair(reader, certificate, privateKey)) checkAccepted(reader, certificate, privateKey);
  const own = { certificate, privateKey };
  return { ...own, ...readAlternative(reader, own, files), serverNames: readServerNames(reader, certificate) };
}

type Pair = Pick<CertificateOptions, "certificate" | "privateKey">;

/** The second certificate of a name, which must be of another kind. */
function readAlternative(reader: Reader, first: Pair, files: PemFiles): Pick<CertificateOptions, "alternative"> {
  const at = reader.get("alternative");
  if (!at.isPresent) return {};
  if (reader.path.at(-1) !== 0) {
    at.problem("not_supported", "only the first certificate of a listener may have an alternative", {
      at: "key",
      hint: "move it up: the first is also what is shown to clients that name no server",
    });
  }
  const certificate = files.certificates(at.get("certFile"));
  const privateKey = files.privateKey(at);
  if (!checkPair(at, certificate, privateKey) || first.privateKey === "") return {};
  checkAccepted(at, certificate, privateKey);
  const [kind, other] = [first.privateKey, privateKey].map((one) => createPrivateKey(one).asymmetricKeyType);
  if (kind === other) {
    at.problem("same_kind_of_key", `both keys are of kind ${kind}, and only one certificate of a kind can be shown`, {
      hint: "an RSA certificate beside one with an elliptic curve, or one alone",
    });
  }
  return { alternative: { certificate, privateKey } };
}

/** Two certificates for one name: which would be shown? Names taken from the certificates themselves go to the first. */
function checkNamesOnce(list: Reader): void {
  const seen = new Set<string>();
  for (const item of list.items.flatMap((one) => one.get("serverNames").items)) {
    const name = item.text().toLowerCase();
    if (seen.has(name)) item.problem("duplicate_name", `"${item.text()}" already has a certificate`);
    seen.add(name);
  }
}

/** A name is the first certificate's that says so outright, then the first's that bears it. */
function eachOnce(list: Reader, certificates: readonly CertificateOptions[]): readonly CertificateOptions[] {
  const isGiven = (at: number): boolean => list.items[at]?.get("serverNames").isPresent === true;
  const taken = new Set(certificates.flatMap(({ serverNames }, at) => (isGiven(at) ? serverNames : [])));
  return certificates.map((one, at) => {
    if (isGiven(at)) return one;
    const serverNames = one.serverNames.filter((name) => !taken.has(name));
    for (const name of serverNames) taken.add(name);
    return { ...one, serverNames };
  });
}

function readClientCertificates(reader: Reader, files: PemFiles): ClientCertificateOptions {
  const mode = reader.get("mode").oneOf(["none", "optional", "require"], "none");
  const caFile = reader.get("caFile");
  const ca = files.certificates(caFile);
  if (mode !== "none" && !caFile.isPresent) {
    reader.problem("missing_key", 'missing key "caFile"', { hint: "add caFile: whose certificates are good" });
  }
  if (mode === "none" && caFile.isPresent) {
    caFile.problem("unused_key", '"caFile" means nothing with mode none', { at: "key", hint: "set mode: require" });
  }
  const crlFile = reader.get("crlFile");
  if (mode === "none" && crlFile.isPresent) {
    crlFile.problem("unused_key", '"crlFile" means nothing with mode none', { at: "key", hint: "set mode: require" });
  }
  const crl = files.revocationLists(crlFile);
  return { mode, ca, ...(crl.length === 0 ? {} : { crl }) };
}

/** The `tls` part of a listener; undefined for one without. */
/** @param spoken what the listener speaks, best first, by its names in ALPN; none = any name may be offered */
export function readServerTls(reader: Reader, where: Files, spoken: readonly string[]): ServerTlsOptions | undefined {
  if (!reader.isObject) return undefined;
  const files = new PemFiles(where);
  const parameters = readParameters(reader);
  const list = reader.get("certificates");
  const certificates = list.items.map((item) => readCertificate(item, files));
  const alpn = reader.get("alpn");
  checkNamesOnce(list);
  if (spoken.length > 0) checkHttpAlpn(alpn, spoken);
  return {
    ...parameters,
    certificates: eachOnce(list, certificates),
    clientCertificates: readClientCertificates(reader.get("clientCertificates"), files),
    alpn: alpn.isPresent ? alpn.strings() : spoken,
    handshakeTimeoutMs: reader.get("handshakeTimeout").durationMs(10_000),
    files: files.paths,
  };
}

/** On an HTTP listener a name is a promise to speak that protocol. */
function checkHttpAlpn(alpn: Reader, spoken: readonly string[]): void {
  for (const item of alpn.items) {
    if (item.text() === "" || spoken.includes(item.text())) continue;
    const hint = `use ${spoken.join(" or ")}`;
    item.problem("not_supported", `"${item.text()}" is not spoken by this HTTP listener`, { hint });
  }
}

/** The `tls` part of a cluster; undefined for one without. */
export function readClientTls(reader: Reader, where: Files): ClientTlsOptions | undefined {
  if (!reader.isObject) return undefined;
  const files = new PemFiles(where);
  const parameters = readParameters(reader);
  const [certFile, keyFile] = [reader.get("certFile"), reader.get("keyFile")];
  const [certificate, privateKey] = [files.certificates(certFile), files.privateKey(reader)];
  if (certFile.isPresent !== keyFile.isPresent) {
    const missing = certFile.isPresent ? "keyFile" : "certFile";
    reader.problem("missing_key", `missing key "${missing}"`, { hint: "a client certificate is certFile and keyFile" });
  } else if (checkPair(reader, certificate, privateKey)) checkAccepted(reader, certificate, privateKey);
  const verify = reader.get("verify").flag(true);
  if (!verify) for (const key of ["caFile", "verifyNames"]) refuseUnverified(reader.get(key), key);
  return {
    ...parameters,
    sni: readSni(reader.get("sni")),
    ca: files.certificates(reader.get("caFile")),
    certificate,
    privateKey,
    verify,
    verifyNames: reader.get("verifyNames").strings(),
    files: files.paths,
  };
}

function readSni(reader: Reader): string {
  const sni = reader.text();
  if (sni === "" || (SERVER_NAME.test(sni.toLowerCase()) && !sni.startsWith("*") && !/^[\d.]+$/.test(sni))) return sni;
  reader.problem("bad_server_name", `"${sni}" is not a server name`, { hint: "a host name; addresses are none" });
  return "";
}

function refuseUnverified(reader: Reader, key: string): void {
  if (!reader.isPresent) return;
  reader.problem("unused_key", `"${key}" means nothing with verify: false`, {
    at: "key",
    hint: "remove one of the two",
  });
}
