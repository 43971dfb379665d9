// Envoy's foreign functions: names, bytes and statuses of abi.md 11.1.
import { generateKeyPairSync, verify } from "node:crypto";
import { deflateSync, inflateSync } from "node:zlib";
import { beforeEach, describe, expect, test } from "vitest";
import { bytesField, intField, readMessage } from "../../../../host/abi/protobuf.ts";
import * as status from "../../../../sdk/assembly/abi/status.ts";
import { Caller, whyNot } from "./support.ts";

let caller: Caller;
beforeEach(() => {
  caller = new Caller();
});

describe("compress and uncompress", () => {
  test("are zlib, one shot", () => {
    const packed = caller.call("compress", "hello hello hello");
    expect(inflateSync(packed.bytes).toString()).toBe("hello hello hello");
    expect(Buffer.from(caller.call("uncompress", Buffer.from(packed.bytes)).bytes).toString()).toBe(
      "hello hello hello",
    );
  });

  test("what is no zlib, or larger than the buffer limit, is a SERIALIZATION_FAILURE", () => {
    expect(caller.call("uncompress", "nonsense").status).toBe(status.SERIALIZATION_FAILURE);
    expect(caller.call("uncompress", deflateSync(Buffer.alloc(1000))).status).toBe(status.OK);
    expect(whyNot(caller.call("uncompress", deflateSync(Buffer.alloc(1001))))).toBe(
      "3 not zlib data (RFC 1950), or data or result are over 1000 bytes",
    );
    expect(caller.call("compress", "x".repeat(1000)).status).toBe(status.OK);
    expect(caller.call("compress", "x".repeat(1001)).status).toBe(status.SERIALIZATION_FAILURE);
  });
});

describe("set_envoy_filter_state", () => {
  const args = (path: string, value: string, span = 0): Buffer =>
    Buffer.concat([bytesField(1, path), bytesField(2, value), intField(3, span)]);

  test.each([
    ["envoy.tcp_proxy.cluster", "blue"],
    ["envoy.upstream.dynamic_host", "example.test"],
    ["envoy.upstream.dynamic_port", "65535"],
    ["envoy.network.upstream_server_name", "a.test"],
    ["envoy.network.application_protocols", "h2,http/1.1"],
    ["envoy.network.upstream_subject_alt_names", "a,b"],
    ["envoy.network.transport_socket.original_dst_address", "10.0.0.1:80"],
    ["envoy.network.transport_socket.original_dst_address", "[::1]:80"],
  ])("keeps %s = %s on the stream", (path, value) => {
    expect(caller.call("set_envoy_filter_state", args(path, value)).status).toBe(status.OK);
    expect(caller.stream.notes.filterState.get(path)?.value.toString()).toBe(value);
  });

  test("a span of the connection outlives the stream", () => {
    caller.call("set_envoy_filter_state", args("envoy.tcp_proxy.cluster", "blue", 2));
    expect(caller.stream.notes.filterState.size).toBe(0);
    expect(caller.stream.connectionState.filterState?.get("envoy.tcp_proxy.cluster")?.value.toString()).toBe("blue");
  });

  test("NOT_FOUND: an unknown key, or no stream", () => {
    expect(whyNot(caller.call("set_envoy_filter_state", args("my.key", "v")))).toBe(
      "1 my.key is no filter state that can be set",
    );
    expect(caller.call("set_envoy_filter_state", args("toString", "v")).status).toBe(status.NOT_FOUND);
    const known = args("envoy.tcp_proxy.cluster", "v");
    expect(whyNot(caller.call("set_envoy_filter_state", known, null))).toContain("1 there is no stream");
  });

  test.each([
    ["envoy.upstream.dynamic_port", "65536"],
    ["envoy.upstream.dynamic_port", "http"],
    ["envoy.network.transport_socket.original_dst_address", "10.0.0.1"],
    ["envoy.network.transport_socket.original_dst_address", "256.0.0.1:80"],
    ["envoy.network.transport_socket.original_dst_address", "::1:80"],
    ["envoy.network.transport_socket.original_dst_address", "[zz]:80"],
  ])("BAD_ARGUMENT: %s does not take %s", (path, value) => {
    expect(whyNot(caller.call("set_envoy_filter_state", args(path, value)))).toBe(`2 ${path} does not take this value`);
  });

  test("BAD_ARGUMENT: no such message", () => {
    expect(caller.call("set_envoy_filter_state", Buffer.from([0x0a, 9])).status).toBe(status.BAD_ARGUMENT);
  });
});

describe("declare_property", () => {
  test("declares a name once", () => {
    const args = Buffer.concat([bytesField(1, "seen"), intField(2, 1), intField(3, 1), intField(5, 2)]);
    expect(caller.call("declare_property", args).status).toBe(status.OK);
    expect(caller.plugin.declared).toEqual(new Map([["seen", { readonly: true, span: 2 }]]));
    expect(whyNot(caller.call("declare_property", args))).toBe("2 seen is declared already");
    expect(caller.call("declare_property", Buffer.from([0x0a, 9])).status).toBe(status.BAD_ARGUMENT);
  });

  test("is bounded", () => {
    for (let at = 0; at < 256; at++) caller.call("declare_property", bytesField(1, `p${at}`));
    expect(whyNot(caller.call("declare_property", bytesField(1, "more")))).toContain("2 more would be the 257th");
  });
});

test("clear_route_cache asks the stream, and is OK without one", () => {
  expect(caller.call("clear_route_cache").status).toBe(status.OK);
  expect(caller.stream.cleared).toBe(1);
  expect(caller.call("clear_route_cache", "", null).status).toBe(status.OK);
});

describe("verify_signature and sign", () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const text = Buffer.from("the text");
  const der = (key: typeof rsa.publicKey): Buffer => key.export({ format: "der", type: "spki" });
  const privateDer = (key: typeof rsa.privateKey): Buffer => key.export({ format: "der", type: "pkcs8" });
  const sign = (...fields: Buffer[]) => {
    const result = caller.call("sign", Buffer.concat(fields));
    const shape = { ok: [1, "bool"], signature: [2, "bytes"], error: [3, "string"] } as const;
    return { status: result.status, ...readMessage(Buffer.from(result.bytes), shape)! };
  };
  const check = (...fields: Buffer[]) => {
    const result = caller.call("verify_signature", Buffer.concat(fields));
    return {
      status: result.status,
      ...readMessage(Buffer.from(result.bytes), { ok: [1, "bool"], error: [2, "string"] } as const)!,
    };
  };

  test.each(["sha1", "sha224", "sha256", "sha384", "sha512", "SHA256"])(
    "%s signs and verifies, RSA and ECDSA",
    (hash) => {
      for (const pair of [rsa, ec]) {
        const made = sign(bytesField(1, hash), bytesField(2, privateDer(pair.privateKey)), bytesField(3, text));
        expect(made).toMatchObject({ status: status.OK, ok: true, error: "" });
        expect(verify(hash.toLowerCase(), text, pair.publicKey, made.signature)).toBe(true);
        const fields = [bytesField(1, hash), bytesField(3, made.signature), bytesField(4, text)];
        expect(check(...fields, bytesField(2, der(pair.publicKey)))).toMatchObject({ ok: true, error: "" });
        const pem = pair.publicKey.export({ format: "pem", type: "spki" }) as string;
        expect(check(...fields, bytesField(5, pem))).toMatchObject({ ok: true });
        expect(check(...fields, bytesField(5, pem), bytesField(4, "another"))).toMatchObject({ ok: false });
      }
    },
  );

  test("a PEM key signs too", () => {
    const pem = ec.privateKey.export({ format: "pem", type: "pkcs8" }) as string;
    expect(sign(bytesField(1, "sha256"), bytesField(3, text), bytesField(4, pem))).toMatchObject({ ok: true });
  });

  test("both keys or none are refused", () => {
    const hash = bytesField(1, "sha256");
    for (const keys of [[], [bytesField(2, "x"), bytesField(5, "y")]])
      expect(whyNot(caller.call("verify_signature", Buffer.concat([hash, ...keys])))).toBe(
        "2 expected one key, as DER or as PEM, not both",
      );
    for (const keys of [[], [bytesField(2, "x"), bytesField(4, "y")]])
      expect(caller.call("sign", Buffer.concat([hash, ...keys])).status).toBe(status.BAD_ARGUMENT);
    for (const name of ["sign", "verify_signature"])
      expect(caller.call(name, Buffer.from([0x0a, 9])).status).toBe(status.BAD_ARGUMENT);
  });

  test("texts over 1 MiB are refused: hashing is not covered by fuel", () => {
    const args = [
      bytesField(1, "sha256"),
      bytesField(2, privateDer(ec.privateKey)),
      bytesField(3, "x".repeat(1024 * 1024 + 1)),
    ];
    expect(whyNot(caller.call("sign", Buffer.concat(args)))).toBe("2 a text of 1048577 bytes is over 1 MiB");
  });

  test("a bad key, hash or signature is told in the result", () => {
    const fields = [bytesField(3, "x"), bytesField(4, text)];
    const key = bytesField(2, der(rsa.publicKey));
    expect(check(...fields, key, bytesField(1, "md5"))).toEqual({
      status: 0,
      ok: false,
      error: "md5 is not supported.",
    });
    expect(check(...fields, key, bytesField(1, "sha256"))).toMatchObject({ status: 0, ok: false });
    expect(check(...fields, bytesField(2, "nonsense"), bytesField(1, "sha256")).error).not.toBe("");
    expect(sign(bytesField(2, "nonsense"), bytesField(1, "sha256"))).toMatchObject({ status: 0, ok: false });
  });
});

test.each(["expr_create", "expr_evaluate", "expr_delete", "no_such", "toString"])("%s is NOT_FOUND", (name) => {
  expect(whyNot(caller.call(name, "1"))).toBe("1 this host has no function ");
});
