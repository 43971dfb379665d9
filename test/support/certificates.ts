// Certificates for tests and benches, made here: a DER writer as small as X.509 allows and node:crypto's signatures. No tool
// is needed and nothing is stored, so nothing expires.
import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from "node:crypto";

export interface Issued {
  /** PEM. */
  readonly cert: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

export interface Wanted {
  /** Subject: CN. */
  readonly name: string;
  /** Subject: O. */
  readonly organisation?: string;
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
  readonly uri?: readonly string[];
  /** Days from now; both may be negative. Default -1 and 30. */
  readonly fromDays?: number;
  readonly toDays?: number;
  readonly algorithm?: "ec" | "rsa";
}

export interface Authority extends Issued {
  issue(wanted: Wanted): Issued;
}

const DAY_MS = 86_400_000;

const tlv = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const { length } = body;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...head]), body]);
};
const sequence = (...parts: readonly Buffer[]): Buffer => tlv(0x30, ...parts);
const explicit = (number: number, ...parts: readonly Buffer[]): Buffer => tlv(0xa0 + number, ...parts);
const octets = (bytes: Buffer): Buffer => tlv(0x04, bytes);
const utf8 = (text: string): Buffer => tlv(0x0c, Buffer.from(text));
const integer = (bytes: Buffer): Buffer => tlv(0x02, bytes);
const YES = tlv(0x01, Buffer.from([0xff]));

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 127];
    for (let left = part >> 7; left > 0; left >>= 7) groups.unshift((left & 127) | 128);
    bytes.push(...groups);
  }
  return tlv(0x06, Buffer.from(bytes));
}

const nameOf = ({ name, organisation }: Wanted): Buffer => {
  const part = (id: string, value: string): Buffer => tlv(0x31, sequence(oid(id), utf8(value)));
  return sequence(...(organisation === undefined ? [] : [part("2.5.4.10", organisation)]), part("2.5.4.3", name));
};

const time = (ms: number): Buffer =>
  tlv(0x18, Buffer.from(`${new Date(ms).toISOString().replaceAll(/[-:T]/g, "").slice(0, 14)}Z`));

const extension = (id: string, critical: boolean, value: Buffer): Buffer =>
  sequence(oid(id), ...(critical ? [YES] : []), octets(value));

const address = (text: string): Buffer =>
  text.includes(":") ? Buffer.from([...Array(15).fill(0), 1]) : Buffer.from(text.split(".").map(Number));

function alternativeNames({ dns = [], ip = [], uri = [] }: Wanted): Buffer[] {
  const names = [
    ...dns.map((name) => tlv(0x82, Buffer.from(name))),
    ...uri.map((name) => tlv(0x86, Buffer.from(name))),
    ...ip.map((name) => tlv(0x87, address(name))),
  ];
  return names.length === 0 ? [] : [extension("2.5.29.17", false, sequence(...names))];
}

const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der.toString("base64").replaceAll(/.{64}/g, "$&\n").trimEnd()}\n-----END CERTIFICATE-----\n`;

interface Signer {
  readonly subject: Buffer;
  readonly key: KeyObject;
}

/** @param signer null: signed by its own key */
function certify(wanted: Wanted, signer: Signer | null, isAuthority: boolean): Issued & { readonly signer: Signer } {
  const { publicKey, privateKey } =
    wanted.algorithm === "rsa"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ec", { namedCurve: "P-256" });
  const subject = nameOf(wanted);
  const by = signer ?? { subject, key: privateKey };
  const isRsa = by.key.asymmetricKeyType === "rsa";
  const method = isRsa ? sequence(oid("1.2.840.113549.1.1.11"), tlv(0x05)) : sequence(oid("1.2.840.10045.4.3.2"));
  const spki = publicKey.export({ type: "spki", format: "der" });
  const keyId = (key: Buffer): Buffer => createHash("sha1").update(key).digest();
  const now = Date.now();
  const from = now + (wanted.fromDays ?? -1) * DAY_MS;
  const to = now + (wanted.toDays ?? 30) * DAY_MS;
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    method,
    by.subject,
    sequence(time(from), time(to)),
    subject,
    spki,
    explicit(
      3,
      sequence(
        extension("2.5.29.19", true, sequence(...(isAuthority ? [YES] : []))),
        extension("2.5.29.14", false, octets(keyId(spki))),
        ...alternativeNames(wanted),
      ),
    ),
  );
  const signature = tlv(0x03, Buffer.from([0]), sign("sha256", body, by.key));
  return {
    cert: pem(sequence(body, method, signature)),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    signer: { subject, key: privateKey },
  };
}

export function newAuthority(name = "Test Authority"): Authority {
  const own = certify({ name }, null, true);
  return {
    cert: own.cert,
    key: own.key,
    issue: (wanted) => {
      const { cert, key } = certify(wanted, own.signer, false);
      return { cert, key };
    },
  };
}

export function selfSigned(wanted: Wanted): Issued {
  const { cert, key } = certify(wanted, null, false);
  return { cert, key };
}

/** A revocation list of `by` over `revoked`, in PEM. @param days from now until the next one is due; may be negative */
export function revocationList(by: Issued, revoked: readonly Issued[], days = 30): string {
  const key = createPrivateKey(by.key);
  const method = sequence(oid("1.2.840.10045.4.3.2"));
  const now = Date.now();
  const serial = ({ cert }: Issued): Buffer => {
    const hex = new X509Certificate(cert).serialNumber;
    return integer(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex"));
  };
  const entries = revoked.map((one) => sequence(serial(one), time(now - DAY_MS)));
  const name = new X509Certificate(by.cert).subject.replace(/^CN=/, "");
  const body = sequence(
    integer(Buffer.from([1])),
    method,
    nameOf({ name }),
    time(now + Math.min(days - 1, -1) * DAY_MS),
    time(now + days * DAY_MS),
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
  );
  const der = sequence(body, method, tlv(0x03, Buffer.from([0]), sign("sha256", body, key)));
  return `-----BEGIN X509 CRL-----\n${der.toString("base64").replaceAll(/.{64}/g, "$&\n").trimEnd()}\n-----END X509 CRL-----\n`;
}
