// The certificate that both sides of a TLS comparison serve with.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { newAuthority } from "../../test/support/certificates.ts";
import type { TlsFiles } from "./nginx.ts";

export function writeTlsFiles(folder: string): TlsFiles {
  const { cert, key } = newAuthority().issue({ name: "bench", dns: ["localhost"], ip: ["127.0.0.1"] });
  const files = { cert: join(folder, "tls.pem"), key: join(folder, "tls.key") };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key);
  return files;
}
