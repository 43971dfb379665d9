import { expect, test } from "vitest";
import { ClientRanges, parseRange } from "../../../host/experiment/client-ranges.ts";

test("ranges cover the addresses in them, in either family", () => {
  const ranges = new ClientRanges(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::1", "0.0.0.0/0 "]);
  for (const inside of ["10.255.0.1", "192.0.2.7", "::ffff:10.1.2.3", "2001:db8:ffff::1", "::1", "0:0:0:0:0:0:0:1"])
    expect(ranges.covers(inside), inside).toBe(true);
  for (const outside of ["11.0.0.1", "192.0.2.8", "2001:db9::1", "::2", "", "nonsense", "10.0.0.256"])
    expect(ranges.covers(outside), outside).toBe(false);
  expect(new ClientRanges(["0.0.0.0/0"]).covers("203.0.113.9")).toBe(true);
  expect(new ClientRanges(["0.0.0.0/0"]).covers("::1")).toBe(false);
});

test.each(["10.0.0.0/33", "::/129", "10.0.0/8", "1::2::3", "10.0.0.0/8/8", "10.0.0.0/", "10.0.0.0/x", "12345::"])(
  "%s is no range",
  (text) => expect(parseRange(text)).toBeNull(),
);
