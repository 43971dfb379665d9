// The third door of the SDK: digests, codes and encodings, in the module itself and so the same in every host. What only
// hosts can do (RSA, ECDSA, EdDSA) is behind `verifyJws` of the first door. Results are windows that last until the callback
// returns; texts are kept.
export { fromBase64, fromBase64Url, toBase64, toBase64Url } from "./assembly/crypto/base64";
export { fromHex, toHex } from "./assembly/crypto/hex";
export { HmacSha256, hmacSha256, sameBytes } from "./assembly/crypto/hmac";
export { Sha256, sha256, SHA256_BYTES } from "./assembly/crypto/sha256";
