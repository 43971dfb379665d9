// Name look-ups of filters against a name server of the test's own.
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDns } from "../../../host/net/dns.ts";
import type { DnsAddress } from "../../../host/plugin/dns-queries.ts";

let server: Socket;
let asked: string[] = [];
let address = "";

/** `orders.test` has an A record (TTL 300) and an AAAA record (TTL 60); nothing else has any (RFC 1035 4.1). */
function answer(query: Buffer): Buffer {
  let end = 12;
  while (query[end] !== 0) end += (query[end] ?? 0) + 1;
  const question = query.subarray(12, end + 5);
  const name = question
    .subarray(0, -5)
    .toString("latin1")
    .replace(/[^a-z-]/g, ".")
    .slice(1);
  const type = question.readUInt16BE(question.length - 4);
  asked.push(`${name} ${type}`);
  const data = type === 1 ? Buffer.from([10, 1, 2, 3]) : Buffer.from("20010db8000000000000000000000007", "hex");
  const known = name === "orders.test" && (type === 1 || type === 28);
  const head = Buffer.from(query.subarray(0, 12));
  head.writeUInt16BE(known ? 0x8180 : 0x8183, 2);
  head.writeUInt16BE(known ? 1 : 0, 6);
  head.writeUInt16BE(0, 8);
  head.writeUInt16BE(0, 10);
  const record = Buffer.alloc(12);
  record.writeUInt16BE(0xc00c, 0);
  record.writeUInt16BE(type, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(type === 1 ? 300 : 60, 6);
  record.writeUInt16BE(data.length, 10);
  return Buffer.concat(known ? [head, question, record, data] : [head, question]);
}

beforeAll(async () => {
  server = createSocket("udp4");
  server.on("message", (query, from) => server.send(answer(query), from.port, from.address));
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  address = `127.0.0.1:${server.address().port}`;
});
afterAll(() => void server.close());

const resolve = (name: string): Promise<readonly DnsAddress[]> =>
  new Promise((done) => createDns({ servers: [address] }).resolve(name, done));

describe("name look-ups", () => {
  test("addresses of both families come with their time to live", async () => {
    expect(await resolve("orders.test")).toEqual([
      { address: "10.1.2.3", ttl: 300 },
      { address: "2001:db8::7", ttl: 60 },
    ]);
    expect([...asked].sort()).toEqual(["orders.test 1", "orders.test 28"]);
  });

  test("a name that nobody knows has no addresses", async () => {
    expect(await resolve("nothing.invalid")).toEqual([]);
  });

  test("names without a dot and addresses are the system's own business", async () => {
    asked = [];
    expect((await resolve("localhost")).map((found) => found.address)).toContain("127.0.0.1");
    expect(await resolve("127.0.0.9")).toEqual([{ address: "127.0.0.9", ttl: 0 }]);
    expect(asked.filter((question) => question.startsWith("localhost"))).toEqual([]);
  });
});
