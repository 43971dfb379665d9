// gRPC call-outs (abi.md 5.5, 15.10): statuses, memory, and the end of a call that a cluster without gRPC cannot answer.
import type { Case } from "../case.ts";
import { call, end, hex, NOTHING, on, out, outText, pairs, saved, text, type Arg } from "../script.ts";
import { BAD_ARGUMENT, IMA, NOT_FOUND, OK } from "./status.ts";

const PARSE_FAILURE = 4;
const inRequest = (does: Parameters<typeof on>[1]) => [on("request_headers", does)];
const grpcCall = (upstream: Arg, gives: number, timeoutMs = 1000) =>
  call(
    "proxy_grpc_call",
    [upstream, text("pkg.Service"), text("Method"), ...NOTHING, text("message"), timeoutMs, out()],
    gives,
    gives === OK ? { words: { 0: null }, save: { from: 0, as: 0 } } : { words: { 0: 0 } },
  );
const grpcStream = (upstream: Arg, gives: number) =>
  call(
    "proxy_grpc_stream",
    [upstream, text("pkg.Service"), text("Method"), ...NOTHING, out()],
    gives,
    gives === OK ? { words: { 0: null }, save: { from: 0, as: 0 } } : { words: { 0: 0 } },
  );
/** `GrpcService{envoy_grpc{cluster_name}}`. */
const grpcService = (cluster: string): Arg => {
  const name = Buffer.from(cluster);
  return hex(Buffer.concat([Buffer.from([0x0a, name.length + 2, 0x0a, name.length]), name]).toString("hex"));
};
const UNKNOWN_IDS = [0, 1, 2, 4, 5, 6, 0x7ffffffe, 0xffffffff];

const bad = (id: string, title: string, args: readonly Arg[], name = "proxy_grpc_call"): Case => ({
  id: `grpc-${id}`,
  section: "5.5",
  title,
  script: inRequest([call(name, args, IMA), call("probe_guard", [], 0)]),
  callouts: {},
});

export const GRPC_CASES: readonly Case[] = [
  {
    id: "grpc-unknown-upstream",
    section: "15.10",
    title: "an unknown upstream is PARSE_FAILURE, for calls and for streams",
    script: inRequest([
      grpcCall(text("nobody"), PARSE_FAILURE),
      grpcStream(text("nobody"), PARSE_FAILURE),
      grpcCall(grpcService("nobody"), PARSE_FAILURE),
      grpcCall(text(""), PARSE_FAILURE),
    ]),
  },
  {
    id: "grpc-forbidden-upstream",
    section: "5.5",
    title: "an upstream that allowedUpstreams does not list is refused",
    script: inRequest([grpcCall(text("web"), PARSE_FAILURE), grpcStream(text("web"), PARSE_FAILURE)]),
    setup: { allowedUpstreams: ["other"] },
  },
  {
    id: "grpc-unknown-ids",
    section: "5.5",
    title: "send, cancel and close of ids nobody gave out",
    script: inRequest(
      UNKNOWN_IDS.flatMap((id) => [
        call("proxy_grpc_send", [id, text("m"), 0], [BAD_ARGUMENT, NOT_FOUND]),
        call("proxy_grpc_cancel", [id], [BAD_ARGUMENT, NOT_FOUND]),
        call("proxy_grpc_close", [id], [BAD_ARGUMENT, NOT_FOUND]),
      ]),
    ),
  },
  {
    id: "grpc-kinds-of-ids",
    section: "5.5",
    title: "an id of a call is no stream, an id of an HTTP call-out is neither",
    script: inRequest([
      call("proxy_grpc_send", [1 + 4 * 1000, text("m"), 0], BAD_ARGUMENT),
      call("proxy_grpc_send", [4 * 1000, text("m"), 0], BAD_ARGUMENT),
      call("proxy_grpc_cancel", [4 * 1000], BAD_ARGUMENT),
      call("proxy_grpc_close", [4 * 1000], BAD_ARGUMENT),
      call("proxy_grpc_send", [2 + 4 * 1000, text("m"), 0], NOT_FOUND),
      call("proxy_grpc_cancel", [1 + 4 * 1000], NOT_FOUND),
      call("proxy_grpc_cancel", [2 + 4 * 1000], NOT_FOUND),
      call("proxy_grpc_close", [1 + 4 * 1000], NOT_FOUND),
      call("proxy_grpc_close", [2 + 4 * 1000], NOT_FOUND),
    ]),
  },
  {
    id: "grpc-stream-life",
    section: "5.5",
    title: "a stream takes messages until it is closed or cancelled",
    script: inRequest([
      grpcStream(text("web"), OK),
      call("proxy_grpc_send", [saved(0), text("one"), 0], OK),
      call("proxy_grpc_send", [saved(0), text(""), 0], OK),
      call("proxy_grpc_close", [saved(0)], OK),
      call("proxy_grpc_cancel", [saved(0)], [OK, NOT_FOUND]),
      call("proxy_grpc_send", [saved(0), text("late"), 0], NOT_FOUND),
    ]),
  },
  {
    id: "grpc-close-tells",
    section: "5.1",
    title: "the end of a call comes with its status, readable as get_status, never inside the call",
    script: [
      on("request_headers", [grpcCall(text("web"), OK)]),
      on("grpc_close", [
        call("proxy_get_status", [out(16), ...outText()], OK, { words: { 16: null }, texts: { 0: null } }),
        call("proxy_get_buffer_bytes", [5, 0, 10, ...outText()], NOT_FOUND),
      ]),
    ],
    until: "grpc_close",
    guests: ["wat", "c"],
  },
  {
    id: "grpc-maps-outside",
    section: "5.3",
    title: "metadata is only there in its callbacks",
    script: inRequest([
      call("proxy_get_header_map_value", [4, text("x"), ...outText()], BAD_ARGUMENT),
      call("proxy_get_header_map_value", [5, text("x"), ...outText()], BAD_ARGUMENT),
      call("proxy_add_header_map_value", [4, text("x"), text("1")], BAD_ARGUMENT),
      call("proxy_get_buffer_bytes", [5, 0, 10, ...outText()], NOT_FOUND),
    ]),
  },
  bad("memory-upstream", "the upstream's name outside memory", [
    end(),
    4,
    text("s"),
    text("m"),
    ...NOTHING,
    ...NOTHING,
    0,
    out(),
  ]),
  bad("memory-service", "the service outside memory", [
    text("web"),
    end(-1),
    4,
    text("m"),
    ...NOTHING,
    ...NOTHING,
    0,
    out(),
  ]),
  bad("memory-method", "the method outside memory", [
    text("web"),
    text("s"),
    0,
    0x80000000,
    ...NOTHING,
    ...NOTHING,
    0,
    out(),
  ]),
  bad("memory-metadata", "the metadata outside memory", [
    text("web"),
    text("s"),
    text("m"),
    end(),
    1,
    ...NOTHING,
    0,
    out(),
  ]),
  bad("memory-message", "the message outside memory", [
    text("web"),
    text("s"),
    text("m"),
    ...NOTHING,
    end(),
    1,
    0,
    out(),
  ]),
  bad("memory-id", "the id's address outside memory", [
    text("web"),
    text("s"),
    text("m"),
    ...NOTHING,
    ...NOTHING,
    0,
    end(-3),
  ]),
  bad(
    "memory-stream-id",
    "a stream's id address outside memory",
    [text("web"), text("s"), text("m"), ...NOTHING, end(-3)],
    "proxy_grpc_stream",
  ),
  {
    id: "grpc-bad-metadata",
    section: "5.5",
    title: "metadata that are no pairs",
    script: inRequest([
      call("proxy_grpc_call", [text("web"), text("s"), text("m"), pairs(), ...NOTHING, 0, out()], OK, {
        words: { 0: null },
      }),
      call("proxy_grpc_call", [text("web"), text("s"), text("m"), hex("010000"), ...NOTHING, 0, out()], PARSE_FAILURE, {
        words: { 0: 0 },
      }),
    ]),
  },
];
