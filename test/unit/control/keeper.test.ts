import { beforeEach, describe, expect, test } from "vitest";
import { VirtualClock } from "../../../host/base/clock.ts";
import { Keeper } from "../../../host/control/keeper.ts";
import { Serial } from "../../../host/control/serial.ts";

let clock: VirtualClock;
let serial: Serial;
let saves: number[];
let refused: string[];
let broken: boolean;
let keeper: Keeper;

beforeEach(() => {
  clock = new VirtualClock(0);
  serial = new Serial();
  saves = [];
  refused = [];
  broken = false;
  const save = async (): Promise<void> => {
    if (broken) throw new Error("no space left");
    saves.push(clock.monotonicMs());
  };
  keeper = new Keeper({
    clock,
    serial,
    save,
    refused: (reason) => refused.push(reason),
    saved: () => refused.push(""),
  });
});

describe("keeping the state", () => {
  test("a change after a quiet second is written at once", async () => {
    keeper.soon();
    await serial.idle();
    expect(saves).toEqual([0]);
    clock.advance(1500);
    keeper.soon();
    await serial.idle();
    expect(saves).toEqual([0, 1500]);
  });

  test("ten changes a second are written once a second, the last one too", async () => {
    for (let change = 0; change < 21; change++) {
      keeper.soon();
      await serial.idle();
      clock.advance(100);
      await serial.idle();
    }
    clock.advance(1000);
    await serial.idle();
    expect(saves.length).toBe(4);
  });

  test("what waits is written before the end, and nothing when nothing waits", async () => {
    keeper.soon();
    await serial.idle();
    keeper.soon();
    await keeper.close();
    await keeper.close();
    expect(saves).toEqual([0, 0]);
    clock.advance(5000);
    await serial.idle();
    expect(saves).toEqual([0, 0]);
  });

  test("a disk that refuses is reported, and the next change tries again", async () => {
    broken = true;
    await keeper.now();
    expect(refused).toEqual(["no space left"]);
    broken = false;
    clock.advance(1000);
    keeper.soon();
    await serial.idle();
    expect(saves).toEqual([1000]);
  });

  test("a disk that refuses is asked again until it takes it; both are said once", async () => {
    broken = true;
    await keeper.now();
    for (let time = 0; time < 5; time++) {
      clock.advance(2000);
      await serial.idle();
    }
    expect(refused).toEqual(["no space left"]);
    broken = false;
    clock.advance(2000);
    await serial.idle();
    expect([saves, refused]).toEqual([[12_000], ["no space left", ""]]);
    clock.advance(60_000);
    await serial.idle();
    expect(saves).toEqual([12_000]);
    expect(clock.pending).toBe(0);
  });

  test("at the end a refused state is tried once more, and no timer stays", async () => {
    broken = true;
    await keeper.now();
    await keeper.close();
    expect(clock.pending).toBe(0);
  });
});
