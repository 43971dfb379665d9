import { describe, expect, test } from "vitest";
import { ContextTable } from "../../../host/vm/context-table.ts";
import type { Hostcalls } from "../../../host/vm/ports.ts";

const open = (table: ContextTable): Hostcalls => {
  const context = { id: table.nextId() } as Hostcalls;
  table.add(context);
  return context;
};

describe("context table", () => {
  test("ids count upwards from 1", () => {
    const table = new ContextTable();
    expect([open(table), open(table), open(table)].map(({ id }) => id)).toEqual([1, 2, 3]);
  });

  test("finds every living context among many, and none that is gone", () => {
    const table = new ContextTable();
    const all = Array.from({ length: 1000 }, () => open(table));
    for (const { id } of all.filter((_, at) => at % 3 === 0)) expect(table.delete(id)).toBe(true);
    for (const [at, context] of all.entries()) expect(table.get(context.id)).toBe(at % 3 === 0 ? undefined : context);
    expect(table.size).toBe(all.length - Math.ceil(all.length / 3));
    expect(table.values()).toHaveLength(table.size);
  });

  test("a long-living context keeps its id to itself while thousands come and go", () => {
    const table = new ContextTable();
    const root = open(table);
    for (let turn = 0; turn < 10_000; turn++) {
      const stream = open(table);
      expect(stream.id).not.toBe(root.id);
      table.delete(stream.id);
    }
    expect(table.values()).toEqual([root]);
  });

  test("an id that shares a slot with a living one is not mistaken for it", () => {
    const table = new ContextTable();
    const root = open(table);
    expect(table.get(root.id + 64)).toBeUndefined();
    expect(table.delete(root.id + 64)).toBe(false);
    expect(table.get(-1)).toBeUndefined();
  });

  test("clearing forgets the contexts and never gives an id twice", () => {
    const table = new ContextTable();
    open(table);
    table.clear();
    expect(table.size).toBe(0);
    expect(open(table).id).toBe(2);
  });
});
