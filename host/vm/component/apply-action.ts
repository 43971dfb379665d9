// What a component decided, done to the stream: under the same rules as a core module's host calls (abi.md 5.3, 5.4). A
// header it may not write is left out and said in the log, as a host call is refused; an answer that cannot be sent ends the
// instance, so that nothing passes by a filter that wanted to refuse it.
import * as action from "../../../sdk/assembly/abi/action.ts";
import * as level from "../../../sdk/assembly/abi/log-level.ts";
import * as status from "../../../sdk/assembly/abi/status.ts";
import { checkHeaderWrite, hasRoomFor, mayRemove, whyRefused } from "../../abi/header-rules.ts";
import { addHeader, removeHeader, replaceHeader, type HeaderList } from "../../abi/headers.ts";
import { MAX_REPLY_BYTES } from "../../abi/limits.ts";
import type { Guest } from "../guest.ts";

type Pairs = readonly (readonly [string, string])[];

/** As jco lifts it: the shapes were checked when the component was loaded (module/component/world.ts). */
type Action =
  | { readonly tag: "continue" }
  | { readonly tag: "mutate"; readonly val: { readonly set: Pairs; readonly remove: readonly string[] } }
  | { readonly tag: "respond"; readonly val: Response };

interface Response {
  readonly status: number;
  readonly headers: Pairs;
  readonly body: Uint8Array;
}

/** @param map the headers it was about. Answers what a callback would. */
export function applyAction(vm: Guest, map: number, given: unknown): number {
  const decided = given as Action;
  if (decided.tag === "mutate") mutate(vm, map, decided.val);
  if (decided.tag !== "respond") return action.CONTINUE;
  respond(vm, decided.val);
  return action.PAUSE;
}

function mutate(vm: Guest, map: number, { set, remove }: { readonly set: Pairs; readonly remove: readonly string[] }) {
  const list = vm.context.writableHeaders(map);
  if (list === null) return;
  for (const given of remove) {
    const name = given.toLowerCase();
    if (mayRemove(map, name)) removeHeader(list, name);
    else leftOut(vm, "{} is mandatory and cannot be removed", name);
  }
  const seen = new Set<string>();
  for (const [given, value] of set) {
    const name = given.toLowerCase();
    const isFirst = !seen.has(name);
    if (write(vm, { map, list, name, value, isFirst })) seen.add(name);
  }
}

interface Write {
  readonly map: number;
  readonly list: HeaderList;
  readonly name: string;
  readonly value: string;
  /** Of its name in this mutation: it replaces what was there. */
  readonly isFirst: boolean;
}

function write(vm: Guest, { map, list, name, value, isFirst }: Write): boolean {
  const wide = isWide(name) || isWide(value);
  const verdict = wide ? "refused" : checkHeaderWrite(map, name, value);
  if (verdict === "ignored") return false;
  if (verdict === "refused") return leftOut(vm, wide ? WIDE : whyRefused(map, name, value), name);
  if (!hasRoomFor(list, name, value, vm.options.limits.headers)) {
    vm.options.limits.overLimit("headers");
    return leftOut(vm, FULL, name);
  }
  // A pseudo header exists once.
  if (isFirst || name.charCodeAt(0) === 58) replaceHeader(list, name, value);
  else addHeader(list, name, value);
  return true;
}

const FULL = "with {} the map would be over the filter's limits of headers";
const WIDE = "{} holds a character above U+00FF; header values are bytes, so write UTF-8 as the bytes it is made of";

function isWide(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 255) return true;
  return false;
}

function leftOut(vm: Guest, reason: string, name: string): false {
  vm.refuse(status.BAD_ARGUMENT, reason, name);
  vm.options.services.log(level.WARN, vm.contextId, `left out: ${reason.replace("{}", JSON.stringify(name))}`);
  return false;
}

function respond(vm: Guest, { status: code, headers, body }: Response): void {
  if (code < 200 || code > 599) vm.abort("trap", `respond: the status ${code} is not in 200..599`);
  if (body.length > MAX_REPLY_BYTES)
    vm.abort("trap", `respond: a body of ${body.length} bytes is over the 1 MiB of a local reply`);
  const list: HeaderList = [];
  for (const [name, value] of headers) {
    if (isWide(name) || isWide(value)) leftOut(vm, WIDE, name);
    else list.push(name.toLowerCase(), value);
  }
  vm.context.sendLocalReply({ status: code, details: "", body: Buffer.from(body), headers: list, grpcStatus: -1 });
}
