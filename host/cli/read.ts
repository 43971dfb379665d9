// What reading commands share: -o json|yaml|wide, -w, and asking again until interrupted.
import { setTimeout as wait } from "node:timers/promises";
import type { ArgsDef } from "citty";
import { AdminClient } from "./admin-client.ts";
import type { Context } from "./command.ts";
import { EXIT } from "./exit.ts";

export const READ_ARGS = {
  output: { type: "enum", alias: "o", options: ["json", "yaml", "wide"], description: "Form of the data" },
  watch: { type: "boolean", alias: "w", description: "Show again every second until interrupted" },
} as const satisfies ArgsDef;

const AGAIN_MS = 1000;

export interface View<T> {
  /** Asks for what is shown; the object is what --json prints. */
  load(client: AdminClient): Promise<T>;
  /** Draws it for people. */
  draw(data: T, context: Context, isWide: boolean): void;
}

async function show<T>(view: View<T>, client: AdminClient, context: Context): Promise<void> {
  const data = await view.load(client);
  const form = context.terminal.json ? "json" : context.args.text("output");
  if (context.args.flag("watch") && form !== "json") context.terminal.clear();
  if (form === "json") context.terminal.object(data);
  else if (form === "yaml") context.terminal.data((await import("yaml")).stringify(data));
  else view.draw(data, context, form === "wide");
}

/** Shows a view once, or with -w until SIGINT. */
export async function runView<T>(view: View<T>, context: Context): Promise<number> {
  const client = await AdminClient.for(context);
  await show(view, client, context);
  if (!context.args.flag("watch")) return EXIT.ok;
  const interrupted = new AbortController();
  const onInt = (): void => interrupted.abort();
  process.once("SIGINT", onInt);
  while (await wait(AGAIN_MS, true, { signal: interrupted.signal }).catch(() => false)) {
    await show(view, client, context);
  }
  process.off("SIGINT", onInt);
  return EXIT.interrupted;
}
