// TLS of a whole sluice with real data threads: certificates that change under load, what filters and the access log learn,
// sessions that go on at any thread.
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { type Issued, newAuthority } from "../support/certificates.ts";
import { guest } from "../support/modules.ts";
import { type ProxySetup, startProxy, type TestProxy } from "../support/sluice.ts";
import { ask, authority, dialTls, tlsUpstream } from "../support/tls.ts";

let proxy: TestProxy | null = null;
afterEach(async () => {
  await proxy?.stop();
  proxy = null;
});

const issue = (name: string): Issued => authority.issue({ name, dns: ["localhost"], ip: ["127.0.0.1"] });
const TLS = { certificates: [{ certFile: "tls.pem", keyFile: "tls.key" }] };

async function start(more: Partial<ProxySetup> = {}): Promise<TestProxy> {
  const { cert, key } = issue("first");
  proxy = await startProxy({
    chain: [],
    config: {},
    ...more,
    files: { "tls.pem": cert, "tls.key": key, "ca.pem": authority.cert, ...more.files },
    listener: { tls: TLS, ...more.listener },
  });
  return proxy;
}

/** As a renewal does: new files, moved over the old ones. */
async function renew(folder: string, { cert, key }: Issued): Promise<void> {
  for (const [name, text] of Object.entries({ "tls.key": key, "tls.pem": cert })) {
    await writeFile(join(folder, `${name}.new`), text);
    await rename(join(folder, `${name}.new`), join(folder, name));
  }
}

async function shown(port: number): Promise<string> {
  const socket = await dialTls(port);
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN);
}

interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
}

function get(port: number, more: object = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    const options = { port, host: "127.0.0.1", servername: "localhost", ca: authority.cert, agent: false, ...more };
    const sent = request(options, (answer) => {
      answer.resume().on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers }));
      answer.on("error", reject);
    });
    sent.on("error", reject).end();
  });
}

/** Requests in closed loops, half of them on new connections, until told to stop. */
function load(port: number, loops: number): { readonly stop: () => Promise<{ count: number; failures: string[] }> } {
  const state = { running: true };
  let count = 0;
  const failures: string[] = [];
  const kept = new Agent({ keepAlive: true, maxSockets: loops });
  const all = Array.from({ length: loops }, async (_, at) => {
    while (state.running) {
      const { status } = await get(port, at % 2 === 0 ? {} : { agent: kept }).catch((error: unknown) => ({
        status: String(error),
      }));
      if (status !== 200) failures.push(String(status));
      count++;
    }
  });
  return {
    async stop() {
      state.running = false;
      await Promise.all(all);
      kept.destroy();
      return { count, failures };
    },
  };
}

describe("certificates that change", () => {
  test("are read again by a reload, under load and without a failed request, by all threads at once", async () => {
    const p = await start();
    const held = await dialTls(p.port);
    const running = load(p.port, 6);
    for (let round = 1; round <= 8; round++) {
      await renew(p.folder, issue(`round ${round}`));
      await p.control.reload();
      // Committed: whichever thread is asked.
      const seen = await Promise.all(Array.from({ length: 8 }, () => shown(p.port)));
      expect(new Set(seen)).toEqual(new Set([`round ${round}`]));
    }
    const { count, failures } = await running.stop();
    expect(failures).toEqual([]);
    expect(count).toBeGreaterThan(20);
    // A connection keeps the certificate it was made with.
    held.write("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
    const [text] = (await once(held, "data")) as [Buffer];
    expect(text.toString()).toContain("200 OK");
    expect(String(held.getPeerCertificate().subject.CN)).toBe("first");
    held.destroy();
  });

  test("are picked up by themselves, without --watch; the rest of the file is not", async () => {
    const p = await start();
    await writeFile(join(p.folder, "sluice.yaml"), "half an edit");
    await renew(p.folder, issue("second"));
    const { text } = await p.event(({ type, text }) => type === "config" && text.includes("certificates"));
    expect(text).toBe("config  certificates read again: listener public changed: tls");
    expect(await shown(p.port)).toBe("second");
  });

  test("that are broken leave the old ones serving, say why, and hide the key", async () => {
    const p = await start();
    const { key } = issue("other");
    await writeFile(join(p.folder, "tls.key"), key);
    const refused = await p.event(({ type }) => type === "config-refused");
    expect(refused.text).toContain("the old ones keep serving");
    expect(refused.problems).toMatchObject([{ code: "wrong_key", pointer: "/listeners/0/tls/certificates/0/keyFile" }]);
    expect(refused.problems?.[0]?.line).toBeGreaterThan(1);
    expect(await shown(p.port)).toBe("first");
    await expect(p.control.reload()).rejects.toThrow("does not belong to the certificate");
    await renew(p.folder, issue("whole"));
    await p.event(({ type, text }) => type === "config" && text.includes("certificates"));
    expect(await shown(p.port)).toBe("whole");
    const said = JSON.stringify([await p.control.configDump(), p.events]);
    const secret = (await readFile(join(p.folder, "tls.key"), "utf8")).split("\n")[1]!;
    expect(said).not.toContain(secret);
    expect(said).not.toContain(key.split("\n")[1]!);
    expect(said).toContain("[redacted]");
  });

  test("of upstreams' authorities too", async () => {
    const strange = newAuthority("Strangers");
    await using upstream = await tlsUpstream(strange.issue({ name: "x", ip: ["127.0.0.1"] }));
    const clusters = [
      { name: "web", endpoints: [{ address: `127.0.0.1:${upstream.port}` }], tls: { caFile: "ca.pem" } },
    ];
    const p = await start({ config: { clusters } });
    expect((await get(p.port)).status).toBe(503);
    await writeFile(join(p.folder, "ca.pem"), strange.cert);
    await p.event(({ type, text }) => type === "config" && text.includes("certificates"));
    expect((await get(p.port)).status).toBe(200);
  });

  test("TLS can be switched on and off by a reload, on the same port", async () => {
    const p = await start({ listener: { tls: undefined } });
    expect((await p.get()).status).toBe(200);
    const path = join(p.folder, "sluice.yaml");
    const plain = await readFile(path, "utf8");
    const config = JSON.parse(plain) as { listeners: Record<string, unknown>[] };
    config.listeners[0]!["tls"] = TLS;
    await p.control.load(JSON.stringify(config));
    expect((await get(p.port)).status).toBe(200);
    expect(await p.control.listeners()).toMatchObject([{ protocol: "http", tls: true }]);
    await p.control.load(plain);
    expect((await p.get()).status).toBe(200);
  });
});

describe("what is known of a TLS connection", () => {
  test("filters read it from properties, the access log tells it", async () => {
    await using upstream = await tlsUpstream(issue("upstream"));
    const client = authority.issue({
      name: "alice",
      organisation: "Tests",
      uri: ["spiffe://example/alice"],
      dns: ["alice.example"],
    });
    const names = [
      "connection.tls_version",
      "connection.requested_server_name",
      "connection.subject_local_certificate",
      "connection.subject_peer_certificate",
      "connection.uri_san_peer_certificate",
      "connection.dns_san_peer_certificate",
      "upstream.tls_version",
      "upstream.subject_peer_certificate",
      "upstream.uri_san_peer_certificate",
      "request.scheme",
    ];
    const folder = await mkdtemp(join(tmpdir(), "sluice-tls-log-"));
    const log = join(folder, "access.log");
    const p = await start({
      chain: ["identity"],
      workers: 1,
      files: { "identity.wasm": await guest("identity") },
      listener: {
        tls: { ...TLS, clientCertificates: { mode: "optional", caFile: "ca.pem" } },
        accessLog: { format: "json", path: log },
      },
      config: {
        filters: [{ name: "identity", source: "./identity.wasm", pluginConfig: { attributes: names } }],
        clusters: [{ name: "web", endpoints: [{ address: `127.0.0.1:${upstream.port}` }], tls: { caFile: "ca.pem" } }],
      },
    });
    const { headers } = await get(p.port, client);
    expect(headers).toMatchObject({
      "x-mtls": "true",
      "x-connection-tls-version": "TLSv1.3",
      "x-connection-requested-server-name": "localhost",
      "x-connection-subject-local-certificate": "CN=first",
      "x-connection-subject-peer-certificate": "CN=alice,O=Tests",
      "x-connection-uri-san-peer-certificate": "spiffe://example/alice",
      "x-connection-dns-san-peer-certificate": "alice.example",
      "x-upstream-tls-version": "TLSv1.3",
      "x-upstream-subject-peer-certificate": "CN=upstream",
      "x-upstream-uri-san-peer-certificate": "absent",
      "x-request-scheme": "https",
    });
    const bare = await get(p.port);
    expect(bare.headers).toMatchObject({ "x-mtls": "false", "x-connection-subject-peer-certificate": "absent" });
    await p.stop();
    proxy = null;
    const lines = (await readFile(log, "utf8")).trim().split("\n");
    await rm(folder, { recursive: true });
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      {
        status: 200,
        tlsVersion: "TLSv1.3",
        tlsCipher: "TLS_AES_128_GCM_SHA256",
        serverName: "localhost",
        clientCertificate: "CN=alice,O=Tests",
        upstreamTlsVersion: "TLSv1.3",
      },
      { status: 200, tlsVersion: "TLSv1.3" },
    ]);
  });

  test("a session begun on one data thread goes on at the others", async () => {
    const p = await start({ workers: 2 });
    const first = await dialTls(p.port);
    const session = await new Promise<Buffer>((resolve) => first.once("session", resolve));
    first.destroy();
    // Which thread answers is the kernel's choice: of many connections, not all go to the first.
    for (let turn = 0; turn < 24; turn++) {
      const socket = connect({ port: p.port, host: "127.0.0.1", servername: "localhost", ca: authority.cert, session });
      await once(socket, "secureConnect");
      expect(socket.isSessionReused()).toBe(true);
      expect(await ask(socket)).toContain("200 OK");
    }
    const samples = (await p.control.metrics()).filter(({ name }) => name === "sluice_tls_session_reused_total");
    expect(samples.reduce((sum, { value }) => sum + Number(value), 0)).toBe(24);
  });
});
