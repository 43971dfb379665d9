// nginx as yardstick (proxy_pass with a keep-alive upstream, no access log) and as the upstream behind all proxies.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROXY_CORE, isInstalled, launch } from "../measure/command.ts";
import { type Subject, freePort, subjectOf, untilServing } from "./subject.ts";

export const hasNginx: boolean = isInstalled("nginx");

/** Paths of PEM files. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

const TEMPORARY = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

function config(folder: string, name: string, server: string): string {
  const temporary = TEMPORARY.map((kind) => `${kind}_temp_path ${folder}/${name}-${kind};`).join(" ");
  return `worker_processes 1; daemon off; pid ${folder}/${name}.pid; error_log ${folder}/${name}.log crit;
events { worker_connections 4096; }
http {
  access_log off; server_tokens off; keepalive_requests 100000000; keepalive_timeout 600; ${temporary}
  ${server}
}
`;
}

interface Serving {
  /** Asked over HTTP/1.1 whether it serves. */
  readonly port: number;
  /** Where the load goes; absent = the same. */
  readonly loadPort?: number;
  readonly server: string;
  readonly tls?: boolean;
}

async function start(folder: string, name: string, of: Serving): Promise<Subject> {
  const file = join(folder, `${name}.conf`);
  writeFileSync(file, config(folder, name, of.server));
  // `-e`: nginx opens its error log before it reads where the configuration puts it.
  const child = launch(["nginx", "-c", file, "-e", join(folder, `${name}.log`)], { core: PROXY_CORE });
  await untilServing(child, of.port, of.tls);
  return subjectOf(name, of.loadPort ?? of.port, child, of.tls);
}

const passTo = (upstream: number, idle = 128): { readonly pool: string; readonly pass: string } => ({
  pool: `upstream u { server 127.0.0.1:${upstream}; keepalive ${idle}; keepalive_requests 100000000; keepalive_timeout 600s; }`,
  pass: `location / { proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://u; }`,
});

export function startNginxProxy(folder: string, port: number, upstream: number): Promise<Subject> {
  const { pool, pass } = passTo(upstream);
  return start(folder, "nginx", { port, server: `${pool} server { listen 127.0.0.1:${port} backlog=4096; ${pass} }` });
}

/** Plain HTTP/2 with prior knowledge has a port of its own there. */
export async function startNginxHttp2(folder: string, upstream: number): Promise<Subject> {
  const [port, loadPort] = [await freePort(), await freePort()];
  const listen = `listen 127.0.0.1:${port}; listen 127.0.0.1:${loadPort} http2 backlog=4096;`;
  // As many as there are streams, or it would open and close connections under load.
  const { pool, pass } = passTo(upstream, 256);
  return start(folder, "nginx-h2c", { port, loadPort, server: `${pool} server { ${listen} ${pass} }` });
}

/** With TLS as sluice speaks it: versions, preferred cipher and full handshakes are the same on both. */
export function startNginxTls(
  folder: string,
  port: number,
  of: { upstream: number; files: TlsFiles },
): Promise<Subject> {
  const { pool, pass } = passTo(of.upstream);
  const tls = `ssl_certificate ${of.files.cert}; ssl_certificate_key ${of.files.key}; ssl_protocols TLSv1.2 TLSv1.3;
    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256; ssl_session_cache off;`;
  const server = `${pool} server { listen 127.0.0.1:${port} ssl backlog=4096; ${tls} ${pass} }`;
  return start(folder, "nginx-tls", { port, server, tls: true });
}

export function startNginxUpstream(folder: string, port: number): Promise<Subject> {
  const answer = `location / { default_type text/plain; return 200 "ok"; }`;
  return start(folder, "upstream", { port, server: `server { listen 127.0.0.1:${port} backlog=4096; ${answer} }` });
}
