// nginx as yardstick (proxy_pass with a keep-alive upstream, no access log) and as the upstream behind all proxies.
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROXY_CORE, isInstalled, launch } from "../measure/command.ts";
import { type Subject, freePort, subjectOf, untilServing } from "./subject.ts";

export const hasNginx: boolean = isInstalled("nginx");

/** Paths of PEM files. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** Where Debian keeps them. */
export const MODULES = "/usr/lib/nginx/modules";
const TEMPORARY = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

function config(folder: string, name: string, { server, modules = [] }: Serving): string {
  const load = modules.map((module) => `load_module ${MODULES}/${module};`).join(" ");
  const temporary = TEMPORARY.map((kind) => `${kind}_temp_path ${folder}/${name}-${kind};`).join(" ");
  return `${load} worker_processes 1; daemon off; pid ${folder}/${name}.pid; error_log ${folder}/${name}.log crit;
events { worker_connections 4096; }
http {
  access_log off; server_tokens off; keepalive_requests 100000000; keepalive_timeout 600; ${temporary}
  ${server}
}
`;
}

export interface Serving {
  /** Asked over HTTP/1.1 whether it serves. */
  readonly port: number;
  /** Where the load goes; absent = the same. */
  readonly loadPort?: number;
  readonly server: string;
  readonly tls?: boolean;
  /** Files of dynamic modules to load. */
  readonly modules?: readonly string[];
}

export async function startNginx(folder: string, name: string, of: Serving): Promise<Subject> {
  const file = join(folder, `${name}.conf`);
  writeFileSync(file, config(folder, name, of));
  // `-e`: nginx opens its error log before it reads where the configuration puts it.
  const child = launch(["nginx", "-c", file, "-e", join(folder, `${name}.log`)], { core: PROXY_CORE });
  await untilServing(child, of.port, of.tls);
  return subjectOf(name, of.loadPort ?? of.port, child, of.tls);
}

export const passTo = (upstream: number, idle = 128): { readonly pool: string; readonly pass: string } => ({
  pool: `upstream u { server 127.0.0.1:${upstream}; keepalive ${idle}; keepalive_requests 100000000; keepalive_timeout 600s; }`,
  pass: `location / { proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://u; }`,
});

export function startNginxProxy(folder: string, port: number, upstream: number): Promise<Subject> {
  const { pool, pass } = passTo(upstream);
  return startNginx(folder, "nginx", {
    port,
    server: `${pool} server { listen 127.0.0.1:${port} backlog=4096; ${pass} }`,
  });
}

/** Plain HTTP/2 with prior knowledge has a port of its own there. */
export async function startNginxHttp2(folder: string, upstream: number): Promise<Subject> {
  const [port, loadPort] = [await freePort(), await freePort()];
  const listen = `listen 127.0.0.1:${port}; listen 127.0.0.1:${loadPort} http2 backlog=4096;`;
  // As many as there are streams, or it would open and close connections under load.
  const { pool, pass } = passTo(upstream, 256);
  return startNginx(folder, "nginx-h2c", { port, loadPort, server: `${pool} server { ${listen} ${pass} }` });
}

/** With TLS as sluice speaks it: versions, preferred cipher and full handshakes are the same on both. */
export function startNginxTls(
  folder: string,
  port: number,
  of: { upstream: number; files: TlsFiles; http2?: boolean },
): Promise<Subject> {
  const { pool, pass } = passTo(of.upstream, of.http2 === true ? 256 : 128);
  const tls = `ssl_certificate ${of.files.cert}; ssl_certificate_key ${of.files.key}; ssl_protocols TLSv1.2 TLSv1.3;
    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256; ssl_session_cache off;`;
  const protocol = of.http2 === true ? "ssl http2" : "ssl";
  const server = `${pool} server { listen 127.0.0.1:${port} ${protocol} backlog=4096; ${tls} ${pass} }`;
  return startNginx(folder, of.http2 === true ? "nginx-h2" : "nginx-tls", { port, server, tls: true });
}

/** An upstream with a file of so many bytes for each name, below /plain with its length and below /chunked in chunks. */
export async function startNginxFiles(folder: string, sizes: Readonly<Record<string, number>>): Promise<Subject> {
  const port = await freePort();
  const names = ["", "plain", "chunked"].map((name) => join(folder, "files", name));
  for (const name of names) mkdirSync(name, { recursive: true });
  for (const name of names.slice(1)) {
    for (const [file, bytes] of Object.entries(sizes)) writeFileSync(join(name, file), Buffer.alloc(bytes, "sluice "));
  }
  // Started by root, nginx reads files as another user.
  chmodSync(folder, 0o755);
  // A filter that may change the length sends chunks, whether it finds anything or not.
  const chunked = `location /chunked/ { sub_filter_types *; sub_filter "\\n\\n" ""; }`;
  const server = `server { listen 127.0.0.1:${port} backlog=4096; root ${join(folder, "files")}; default_type text/plain;
    location = / { return 200 "ok"; } ${chunked} }`;
  return startNginx(folder, "files", { port, server });
}

export function startNginxUpstream(folder: string, port: number): Promise<Subject> {
  const answer = `location / { default_type text/plain; return 200 "ok"; }`;
  return startNginx(folder, "upstream", {
    port,
    server: `server { listen 127.0.0.1:${port} backlog=4096; ${answer} }`,
  });
}
