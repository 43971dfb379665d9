import { expect, test } from "vitest";
import { RESPONSE } from "../../../host/chain/attributes/http.ts";
import type { PropertySource } from "../../../host/chain/attributes/read.ts";

/** response.grpc_status as a filter reads it. */
function grpcStatus(value: string): Uint8Array | null {
  const source = { response: ["grpc-status", value], responseTrailers: null } as unknown as PropertySource;
  return RESPONSE["grpc_status"]!(source, []);
}

test.each(["abc", "", "NaN", "Infinity", "1e999", "-1", "0x1", "99999999999999999999"])(
  "an upstream's grpc-status %j is no status, and no fault of the filter that asks",
  (value) => expect(grpcStatus(value)).toBeNull(),
);

test("a grpc-status is an int of 8 bytes", () => {
  expect(grpcStatus("14")).toEqual(Buffer.from([14, 0, 0, 0, 0, 0, 0, 0]));
});
