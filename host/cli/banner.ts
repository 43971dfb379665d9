// The first lines of `demo`, `dev` and `run`, and what the single keys show again.
import type { ControlPlane, ListenerStatus } from "../control/types.ts";
import type { Terminal } from "./terminal.ts";
import { VERSION } from "./version.ts";

export interface BannerFacts {
  readonly control: ControlPlane;
  /** "" = no admin API. */
  readonly adminUrl: string;
  /** Further lines: label and text. */
  readonly more: readonly (readonly [string, string])[];
}

const arrow = (terminal: Terminal, label: string, text: string): string =>
  `  ${terminal.paint("green", "➜")} ${terminal.paint("bold", label.padEnd(10))} ${text}`;

async function filterLine(control: ControlPlane): Promise<string> {
  const filters = await control.filters();
  const loaded = filters.filter((filter) => filter.version !== "");
  const missing = filters.length - loaded.length;
  const names = loaded.map((filter) => filter.name).join(", ");
  return `${loaded.length} loaded${names === "" ? "" : ` (${names})`}${missing === 0 ? "" : `, ${missing} not`}`;
}

/** Addresses and filters. */
export async function urlLines(facts: BannerFacts, terminal: Terminal): Promise<string> {
  const listeners = await facts.control.listeners();
  const urlOf = ({ protocol, address, tls }: ListenerStatus): string =>
    protocol === "tcp" ? `${tls ? "tls" : "tcp"}://${address}` : `${tls ? "https" : "http"}://${address}/`;
  const lines = listeners.map((one) => arrow(terminal, "proxy", terminal.paint("cyan", urlOf(one))));
  if (facts.adminUrl !== "") lines.push(arrow(terminal, "admin", terminal.paint("cyan", `${facts.adminUrl}/`)));
  lines.push(arrow(terminal, "filters", await filterLine(facts.control)));
  return [...lines, ...facts.more.map(([label, text]) => arrow(terminal, label, text))].join("\n");
}

/** The whole banner. `readyMs` counts from the start of the process. */
export async function banner(facts: BannerFacts, terminal: Terminal, readyMs: number): Promise<string> {
  const head = `  ${terminal.paint(["bold", "green"], `sluice ${VERSION}`)}   ready in ${Math.round(readyMs)} ms`;
  return `\n${head}\n${await urlLines(facts, terminal)}`;
}

export const KEY_LINE = "  press h for help, o to open, r to reload, q to quit";

export const KEY_HELP: string = [
  "  h  this help",
  "  o  open the admin page in the browser",
  "  r  read the config again",
  "  s  statistics",
  "  u  addresses again",
  "  q  quit",
].join("\n");
