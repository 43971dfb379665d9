// Host profiles: what a guest meets on Envoy and on the least of hosts, where sluice offers more (abi.md 5, 15).
import { afterEach, describe, expect, test } from "vitest";
import { describeProfiles } from "../../../sdk/testing/index.ts";
import { defaultProfile } from "../../../sdk/testing/profiles.ts";
import type { HarnessOptions } from "../../../host/testing.ts";
import * as status from "../../../sdk/assembly/abi/status.ts";
import { Asker } from "../../support/asker.ts";

let asker: Asker | null = null;
afterEach(() => {
  asker?.close();
  asker = null;
});
/** Statuses of the commands, or `status text` where there is a result. */
async function ask(
  profile: HarnessOptions["profile"],
  headers: Record<string, string>,
  input: Parameters<Asker["ask"]>[1] = {},
): Promise<(string | number)[]> {
  asker = await Asker.start({ profile: profile ?? "sluice" });
  return asker
    .ask(headers, input)
    .map((one) => (one.bytes.length === 0 ? one.status : `${one.status} ${one.bytes.toString()}`));
}

describe("envoy", () => {
  test("knows Envoy's functions and none of sluice's", async () => {
    const commands = "call sluice.features; call sluice.kv_keys; call clear_route_cache; call expr_create";
    expect(await ask("envoy", { "x-do": commands })).toEqual([1, 1, 0, 1]);
    asker?.close();
    expect((await ask("sluice", { "x-do": "call sluice.kv_keys; call clear_route_cache" })).slice(0, 2)).toEqual([
      0, 0,
    ]);
  });

  test("has Envoy's properties and none of sluice's", async () => {
    const commands =
      "get sluice|worker; get sluice|plugin_version; get request|method; get plugin_name; set a b; get a";
    expect(await ask("envoy", { "x-do": commands })).toEqual([1, 1, "0 GET", "0 asker", 0, "0 b"]);
  });

  test("gives the first of repeated headers", async () => {
    const input = { headers: { "x-a": ["1", "2"] } };
    expect(await ask("envoy", { "x-do": "header x-a; header x-none" }, input)).toEqual(["0 1", 1]);
    asker?.close();
    expect(await ask("sluice", { "x-do": "header x-a" }, input)).toEqual(["0 1, 2"]);
  });

  test("takes the request's headers away with the filter's Continue, until proxy_on_log", async () => {
    const when = {
      "x-do-response": "header :path; get request|path; get request|protocol",
      "x-do-log": "header :path; get request|path",
    };
    expect(await ask("envoy", when)).toEqual([2, 1, "0 HTTP/1.1", "0 /", "0 /"]);
    asker?.close();
    expect(await ask("sluice", when)).toEqual(["0 /", "0 /", "0 HTTP/1.1", "0 /", "0 /"]);
  });

  test("refuses a replace in the middle of a body, and has empty bodies where there are none", async () => {
    const input = { method: "POST", body: "abc" };
    expect(await ask("envoy", { "x-do": "body", "x-do-body": "body; cut; body" }, input)).toEqual([
      0,
      "0 abc",
      2,
      "0 abc",
    ]);
    asker?.close();
    expect(await ask("sluice", { "x-do": "body", "x-do-body": "body; cut; body" }, input)).toEqual([
      1,
      "0 abc",
      0,
      "0 ac",
    ]);
  });

  test("cannot resume the upstream direction", async () => {
    expect(await ask("envoy", { "x-do": "up" })).toEqual([status.UNIMPLEMENTED]);
    asker?.close();
    expect(await ask("sluice", { "x-do": "up" })).toEqual([0]);
  });

  test("shared data and metrics are there", async () => {
    expect((await ask("envoy", { "x-do": "data k; metric m" })).slice(0, 1)).toEqual([0]);
  });
});

describe("minimal", () => {
  test("has headers and bodies, and nothing beside", async () => {
    const commands =
      "header x-a; get plugin_name; get request|method; set a b; call clear_route_cache; call sluice.features; data k; metric m";
    expect(await ask("minimal", { "x-do": commands }, { headers: { "x-a": "1" } })).toEqual([
      "0 1",
      "0 asker",
      status.NOT_FOUND,
      status.UNIMPLEMENTED,
      status.NOT_FOUND,
      status.NOT_FOUND,
      status.UNIMPLEMENTED,
      status.UNIMPLEMENTED,
    ]);
  });
});

describe("the profile of a test that names none", () => {
  test("is SLUICE_PROFILE, or sluice", () => {
    expect(defaultProfile("envoy")).toBe("envoy");
    expect(defaultProfile()).toBe(process.env["SLUICE_PROFILE"] ?? "sluice");
    expect(() => defaultProfile("nginx")).toThrow('SLUICE_PROFILE is "nginx"; expected sluice, envoy, minimal');
  });
});

describeProfiles(describe, (profile) => {
  test("a filter passes requests on, and leaves nothing behind", async () => {
    asker = await Asker.start({ profile });
    asker.harness.request({ method: "POST", body: "abc" }).respond({ body: "x" }).end();
    expect(asker.harness.leaks()).toEqual({ streams: 0, contexts: 0 });
    expect(asker.harness.faults).toEqual([]);
  });
});
