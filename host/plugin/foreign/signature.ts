// Envoy's `verify_signature` and `sign` (abi.md 11.1): RSA (PKCS #1 v1.5) and ECDSA keys, DER or PEM. What is wrong with a
// key or a signature is told in the result; only arguments that make no sense are refused.
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { MAX_RSA_BITS, MAX_SIGNED_BYTES } from "../../abi/limits.ts";
import { bytesField, intField, readMessage } from "../../abi/protobuf.ts";
import type { ForeignResult } from "../../vm/ports.ts";
import { answer, badArgument, type ForeignTable } from "./context.ts";

const HASHES = ["sha1", "sha224", "sha256", "sha384", "sha512"];
const VERIFY = {
  hash: [1, "string"],
  der: [2, "bytes"],
  signature: [3, "bytes"],
  text: [4, "bytes"],
  pem: [5, "string"],
} as const;
const SIGN = { hash: [1, "string"], der: [2, "bytes"], text: [3, "bytes"], pem: [4, "string"] } as const;

export const SIGNATURE: ForeignTable = {
  verify_signature: (_context, bytes) => {
    const args = readMessage(bytes, VERIFY);
    if (args === null) return badArgument("expected a VerifySignatureArguments message");
    return withOneKey(
      args,
      () => verified(args.hash, publicKey(args), args.signature, args.text),
      (error) => verifyResult(false, error),
    );
  },
  sign: (_context, bytes) => {
    const args = readMessage(bytes, SIGN);
    if (args === null) return badArgument("expected a SignArguments message");
    return withOneKey(
      args,
      () => signed(args.hash, privateKey(args), args.text),
      (error) => signResult(null, error),
    );
  },
};

interface KeyArguments {
  readonly hash: string;
  readonly text: Buffer;
  readonly der: Buffer;
  readonly pem: string;
}

function withOneKey(args: KeyArguments, run: () => Buffer, failed: (error: string) => Buffer): ForeignResult {
  if (args.der.length > 0 === (args.pem !== "")) return badArgument("expected one key, as DER or as PEM, not both");
  if (args.text.length > MAX_SIGNED_BYTES) return badArgument("a text of {} bytes is over 1 MiB", args.text.length);
  const hash = args.hash.toLowerCase();
  if (!HASHES.includes(hash)) return answer(failed(`${args.hash} is not supported.`));
  try {
    return answer(run());
  } catch (error) {
    return answer(failed(error instanceof Error ? error.message : String(error)));
  }
}

const publicKey = ({ der, pem }: KeyArguments): KeyObject =>
  usable(pem === "" ? createPublicKey({ key: der, format: "der", type: "spki" }) : createPublicKey(pem));

const privateKey = ({ der, pem }: KeyArguments): KeyObject =>
  usable(pem === "" ? createPrivateKey({ key: der, format: "der", type: "pkcs8" }) : createPrivateKey(pem));

function usable(key: KeyObject): KeyObject {
  const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  if (modulusLength > MAX_RSA_BITS) throw new Error(`an RSA key of ${modulusLength} bits is over ${MAX_RSA_BITS}`);
  return key;
}

function verified(hash: string, key: KeyObject, signature: Buffer, text: Buffer): Buffer {
  return verify(hash, text, key, signature)
    ? verifyResult(true, "")
    : verifyResult(false, "the signature does not fit the text and the key");
}

const signed = (hash: string, key: KeyObject, text: Buffer): Buffer => signResult(sign(hash, text, key), "");

const verifyResult = (result: boolean, error: string): Buffer =>
  Buffer.concat([intField(1, result ? 1 : 0), bytesField(2, error)]);

const signResult = (signature: Buffer | null, error: string): Buffer =>
  Buffer.concat([intField(1, signature === null ? 0 : 1), bytesField(2, signature ?? ""), bytesField(3, error)]);
