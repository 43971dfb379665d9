// Envoy's foreign functions and `sluice.explain` (abi.md 11).
import type { Case } from "../case.ts";
import { call, hex, on, outText, ROOT, text, type Arg, type TextValue } from "../script.ts";
import { BAD_ARGUMENT, NOT_FOUND, OK } from "./status.ts";

const inRequest = (does: Parameters<typeof on>[1]) => [on("request_headers", does)];
const foreign = (name: string, args: Arg, gives: number | readonly number[], value: TextValue = "") =>
  call("proxy_call_foreign_function", [text(name), args, ...outText()], gives, { texts: { 0: value } });

/** A protobuf message of strings, bytes (as Buffer) and small numbers, by field. */
function message(fields: Readonly<Record<number, string | Buffer | number>>): Arg {
  const parts = Object.entries(fields).map(([field, value]) => {
    if (typeof value === "number") return Buffer.from([Number(field) << 3, value]);
    const content = Buffer.from(value);
    return Buffer.concat([Buffer.from([(Number(field) << 3) | 2, ...varint(content.length)]), content]);
  });
  return hex(Buffer.concat(parts).toString("hex"));
}

const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]);

const BROKEN = hex("0affffffff0f");

export const FOREIGN_CASES: readonly Case[] = [
  {
    id: "foreign-filter-state",
    section: "11.1",
    title: "set_envoy_filter_state takes known keys",
    script: inRequest([
      foreign("set_envoy_filter_state", message({ 1: "envoy.network.upstream_server_name", 2: "example.test" }), OK),
      foreign("set_envoy_filter_state", message({ 1: "nobody.knows.this", 2: "x" }), NOT_FOUND),
      foreign("set_envoy_filter_state", message({ 1: "envoy.upstream.dynamic_port", 2: "no port" }), BAD_ARGUMENT),
      foreign("set_envoy_filter_state", BROKEN, BAD_ARGUMENT),
    ]),
  },
  {
    id: "foreign-filter-state-without-stream",
    section: "11.1",
    title: "set_envoy_filter_state needs a stream",
    script: inRequest([
      call("proxy_set_effective_context", [ROOT], OK),
      foreign("set_envoy_filter_state", message({ 1: "envoy.network.upstream_server_name", 2: "x" }), NOT_FOUND),
    ]),
  },
  {
    id: "foreign-snapshot-write-closed",
    section: "11.2",
    title: "sluice.snapshot_write has its window in sluice_on_snapshot only",
    script: inRequest([foreign("sluice.snapshot_write", text("state"), BAD_ARGUMENT)]),
  },
  {
    id: "foreign-declare-property",
    section: "11.1",
    title: "declare_property: once per name; a read-only one can be set once",
    script: [
      on("configure", [
        foreign("declare_property", message({ 1: "declared", 3: 1 }), OK),
        foreign("declare_property", message({ 1: "declared", 3: 1 }), BAD_ARGUMENT),
        foreign("declare_property", message({ 1: "fixed", 2: 1 }), OK),
        foreign("declare_property", BROKEN, BAD_ARGUMENT),
      ]),
      on("request_headers", [
        call("proxy_set_property", [text("declared"), text("one")], OK),
        call("proxy_set_property", [text("declared"), text("two")], OK),
        call("proxy_get_property", [text("declared"), ...outText()], OK, { texts: { 0: "two" } }),
        call("proxy_set_property", [text("fixed"), text("one")], OK),
        call("proxy_set_property", [text("fixed"), text("two")], BAD_ARGUMENT),
      ]),
    ],
    delivery: "configuration",
  },
  {
    id: "foreign-verify-signature-arguments",
    section: "11.1",
    title: "verify_signature wants exactly one key",
    script: inRequest([
      foreign("verify_signature", message({ 1: "sha256", 3: "s", 4: "t" }), BAD_ARGUMENT, null),
      foreign("verify_signature", message({ 1: "sha256", 2: "k", 3: "s", 4: "t", 5: "k" }), BAD_ARGUMENT, null),
      foreign("verify_signature", BROKEN, BAD_ARGUMENT, null),
    ]),
  },
  {
    id: "foreign-sign-arguments",
    section: "11.1",
    title: "sign wants exactly one key",
    script: inRequest([
      foreign("sign", message({ 1: "sha256", 3: "t" }), BAD_ARGUMENT, null),
      foreign("sign", message({ 1: "sha256", 2: "k", 3: "t", 4: "k" }), BAD_ARGUMENT, null),
      foreign("sign", BROKEN, BAD_ARGUMENT, null),
    ]),
  },
  {
    id: "foreign-expr",
    section: "11.1",
    title: "the expr functions are not there yet",
    script: inRequest(
      ["expr_create", "expr_evaluate", "expr_delete"].map((name) => foreign(name, text("1"), NOT_FOUND)),
    ),
  },
  {
    id: "foreign-explain",
    section: "11.2",
    title: "sluice.explain says why the last call was refused",
    script: inRequest([
      call("proxy_get_buffer_bytes", [99, 0, 1, ...outText()], BAD_ARGUMENT),
      foreign("sluice.explain", hex(""), OK, null),
    ]),
  },
];
