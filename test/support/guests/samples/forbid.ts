// How the samples about tokens refuse: a line in the log, the same sentence for the client.
import { Flow, HttpFilter, log } from "@sluice/sdk";

export function refuse(filter: HttpFilter, status: u32, sentence: string, detail: string = ""): Flow {
  log.info("refused: " + sentence + (detail == "" ? "." : detail));
  return filter.reply(status, sentence + ".\n");
}

/** The path without the query parameter `name`. */
export function without(path: string, name: string): string {
  const mark = path.indexOf("?");
  if (mark < 0) return path;
  const kept: string[] = [];
  const parts = path.substring(mark + 1).split("&");
  for (let i = 0; i < parts.length; i++) if (!parts[i].startsWith(name + "=")) kept.push(parts[i]);
  return path.substring(0, mark) + (kept.length == 0 ? "" : "?" + kept.join("&"));
}
