// Does a request interest a tap? Asked when it begins (what is known then) and when it has ended (its status).
import { firstHeader, joinedHeader, type HeaderList } from "../../abi/headers.ts";
import type { TapMatch, TapMessage, TapSelection } from "../../link/tap.ts";

/** What is known when a request has been routed. */
export interface Beginning {
  readonly listener: string;
  /** "" when none matched. */
  readonly route: string;
  readonly headers: HeaderList;
  /** Names of the chain's filters. */
  readonly filters: readonly string[];
}

export function begins(selection: TapSelection, request: Beginning): boolean {
  const { filter, route, match } = selection;
  if (route !== "" && route !== request.route) return false;
  if (filter !== "" && !request.filters.includes(filter)) return false;
  return match.every((one) => fits(one, request));
}

function fits({ key, value, isPrefix }: TapMatch, { listener, headers }: Beginning): boolean {
  const given = key === "listener" ? listener : joinedHeader(headers, PSEUDO[key] ?? key);
  if (given === undefined) return false;
  return isPrefix ? given.startsWith(value) : given === value;
}

const PSEUDO: Readonly<Record<string, string>> = { method: ":method", path: ":path", host: ":authority" };

/** `5xx` is a class, `404` one status. */
export function hasStatus({ status }: TapSelection, code: number): boolean {
  const text = String(code);
  return status.length === 0 || status.some((one) => one === text || one === `${text[0]}xx`);
}

export const methodOf = (headers: HeaderList): string => firstHeader(headers, ":method") ?? "";
export const pathOf = (headers: HeaderList): string => firstHeader(headers, ":path") ?? "";

/** One tap on this thread, with its rate. */
export class OpenTap {
  readonly id: number;
  readonly selection: TapSelection;
  #secondMs = -Infinity;
  #taken = 0;

  constructor({ id, selection }: TapMessage) {
    this.id = id;
    this.selection = selection;
  }

  /** Takes one of this second's places, if there is one. */
  take(nowMs: number): boolean {
    if (nowMs - this.#secondMs >= 1000) {
      this.#secondMs = nowMs;
      this.#taken = 0;
    }
    if (this.#taken >= this.selection.rate) return false;
    this.#taken++;
    return true;
  }
}
