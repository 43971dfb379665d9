import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../host/base/random.ts";
import { createUnitBook, HARM_LIMIT, UnitBook } from "../../../host/experiment/unit-book.ts";

const random = seededRandom(2);
const hash = (): number => (random.fraction() * 4_294_967_296) | 0;

describe("the book of a step", () => {
  test("counts a unit once, over all threads that share it", () => {
    const handle = createUnitBook(1);
    const [one, other] = [new UnitBook(handle), new UnitBook(handle)];
    expect(one.see(77, 1)).toBe("new");
    expect([one.see(77, 1), other.see(77, 1)]).toEqual(["known", "known"]);
    expect([one.armOf(77), one.armOf(78)]).toEqual([1, -1]);
  });

  test("a unit that is seen in two arms belongs to none from then on", () => {
    const book = new UnitBook(createUnitBook(1));
    expect(book.see(-5, 0)).toBe("new");
    expect([book.see(-5, 1), book.see(-5, 0), book.see(-5, 1)]).toEqual(["several", "several", "several"]);
    expect([book.mixed, book.armOf(-5)]).toEqual([1, -1]);
  });

  test("20 000 units are told apart but for a handful, and when it is full nobody is counted twice", () => {
    const book = new UnitBook(createUnitBook(1));
    const units = Array.from({ length: 20_000 }, hash);
    const fresh = units.filter((unit) => book.see(unit, unit & 1) === "new").length;
    expect(fresh).toBeGreaterThan(19_980);
    expect(units.filter((unit) => book.see(unit, unit & 1) === "new").length).toBe(0);
    const flood = Array.from({ length: 400_000 }, hash);
    const counted = flood.filter((unit) => book.see(unit, 0) === "new").length;
    expect(counted).toBeLessThan(250_000);
    expect(flood.filter((unit) => book.see(unit, 0) === "new").length).toBe(0);
  });

  test("which units find no room says nothing about their arm", () => {
    const book = new UnitBook(createUnitBook(1));
    const counts = [0, 0];
    for (let at = 0; at < 300_000; at++) {
      const arm = random.fraction() < 0.1 ? 1 : 0;
      if (book.see(hash(), arm) === "new") counts[arm]!++;
    }
    const share = counts[1]! / (counts[0]! + counts[1]!);
    expect(Math.abs(share - 0.1)).toBeLessThan(4 * Math.sqrt(0.09 / 250_000));
  });

  test("a unit fails once a minute, of each kind", () => {
    const book = new UnitBook(createUnitBook(2));
    expect([book.failsAnew(0, 9, 100), book.failsAnew(0, 9, 100), book.failsAnew(1, 9, 100)]).toEqual([
      true,
      false,
      true,
    ]);
    expect([book.failsAnew(0, 9, 101), book.failsAnew(0, 9, 101)]).toEqual([true, false]);
    // A clock that was set back opens another minute, not an endless one.
    expect([book.failsAnew(0, 9, 40), book.failsAnew(0, 9, 40)]).toEqual([true, false]);
  });

  test("the third request that is harmed closes it for every thread, unless a minute has passed", () => {
    const handle = createUnitBook(1);
    const [one, other] = [new UnitBook(handle), new UnitBook(handle)];
    expect([one.harm(), other.harm(), one.closed]).toEqual([1, 2, false]);
    one.forgive();
    expect([other.harm(), one.harm(), other.closed]).toEqual([1, 2, false]);
    expect([one.harm(), other.closed, HARM_LIMIT]).toEqual([3, true, 3]);
  });
});
