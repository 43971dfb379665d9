// The probe guest's interpreter in AssemblyScript: the same as in guests/probe.wat and guests/c/probe.c. Host calls go
// through `dispatch`, which is written by toolchains/assembly-script.ts from the table of functions, with the raw imports.
import { dispatch } from "./dispatch";
import { proxy_get_header_map_value, proxy_log, proxy_remove_header_map_value } from "./env";

const ARENA: usize = memory.data(256, 16);
const VARIABLES: usize = memory.data(64, 16);
const COUNTS: usize = memory.data(256, 16);
const ANSWERS: usize = memory.data(16, 16);
const SCRIPT: usize = memory.data(16384, 16);
const REPORT: usize = memory.data(12288, 16);
const GUARD: usize = heap.alloc(65536);
const HEADER: usize = memory.data<u8>([120, 45, 115, 99, 114, 105, 112, 116]);
const GUARD_BYTES: usize = 65536;
const FILL: u32 = 0xa5a5a5a5;
const OPERATION_BYTES: usize = 112;
const SECTION_BYTES: usize = 20;

let reported: usize = 0;
let root: u32 = 0;
let stream: u32 = 0;
let context: u32 = 0;
let isGuardFilled: bool = false;
let fromHeader: bool = false;

function put(byte: u32): void {
  if (reported < 12272) store<u8>(REPORT + reported++, <u8>byte);
}

function hex(value: u32, digits: u32): void {
  while (digits--) {
    const nibble = (value >> (digits * 4)) & 15;
    put(nibble < 10 ? 48 + nibble : 87 + nibble);
  }
}

function word(value: u32): void {
  put(32);
  hex(value, 8);
}

/** " t<i>=<bytes>" for what the arena's words 2i and 2i + 1 point to; at most 512 bytes. */
function text(i: u32): void {
  const from = load<u32>(ARENA + 8 * i);
  let size = load<u32>(ARENA + 8 * i, 4);
  if (size == FILL) return;
  if (size > 512) size = 512;
  if (from + size > (<u32>memory.size()) << 16) return;
  put(32);
  put(116);
  hex(i, 1);
  put(61);
  for (let at: u32 = 0; at < size; at++) hex(load<u8>(from + at), 2);
}

function fill(from: usize, size: usize): void {
  for (let at = from; at < from + size; at += 4) store<u32>(at, FILL);
}

function guard(): u32 {
  for (let at = GUARD; at < GUARD + GUARD_BYTES; at += 4) if (load<u32>(at) != FILL) return 1;
  return 0;
}

function digit(char: u32): u32 {
  return char < 58 ? char - 48 : char - 87;
}

/** Hex digits to the script; stops at 16 KiB. */
export function decode(from: usize, given: u32): void {
  const size = min<u32>(given, 32768);
  for (let at: u32 = 0; at + 1 < size; at += 2) {
    store<u8>(SCRIPT + at / 2, <u8>((digit(load<u8>(from + at)) << 4) | digit(load<u8>(from + at, 1))));
  }
}

/** Takes the script of the header `x-script`, and the header away. */
export function loadHeader(): void {
  if (proxy_get_header_map_value(0, HEADER, 8, ANSWERS, ANSWERS + 4) != 0 || !load<u32>(ANSWERS, 4)) return;
  decode(load<u32>(ANSWERS), load<u32>(ANSWERS, 4));
  proxy_remove_header_map_value(0, HEADER, 8);
  fromHeader = true;
  memory.fill(COUNTS, 0, 256);
}

/** Argument `i` of an operation, a kind and a value. */
export function arg(op: usize, i: u32): u32 {
  const kind = load<u32>(op + 8 * i, 16);
  const value = load<u32>(op + 8 * i, 20);
  if (kind == 1) return <u32>SCRIPT + value;
  if (kind == 2) return <u32>ARENA + value;
  if (kind == 3) return load<u32>(VARIABLES + 4 * value);
  if (kind == 4) return context;
  if (kind == 5) return root;
  if (kind == 6) return ((<u32>memory.size()) << 16) + value;
  return kind == 7 ? stream : value;
}

/** What the probe does by itself. */
export function own(op: usize, which: u32): u32 {
  if (which == 1) return guard();
  if (which == 3) unreachable();
  if (which == 4) return memory.grow(arg(op, 0));
  if (which == 5) return load<u32>(VARIABLES + 4 * arg(op, 0));
  if (which == 6) for (let turns = 0; ; turns++) store<u32>(ARENA, turns);
  if (which == 7) store<u32>(arg(op, 0), arg(op, 1));
  return which == 8 ? load<u32>(arg(op, 0)) : 0;
}

function step(op: usize): void {
  fill(ARENA, 256);
  const status = dispatch(op);
  put(124);
  hex(status, 8);
  for (let offset: u32 = 0; offset < 256; offset += 4) {
    const value = load<u32>(ARENA + offset);
    if (value == FILL) continue;
    put(32);
    hex(offset, 2);
    put(61);
    hex(value, 8);
  }
  for (let i: u32 = 0; i < 8; i++) if ((load<u32>(op, 4) >> i) & 1) text(i);
  if (load<u32>(op, 8) != 0xffffffff) {
    store<u32>(VARIABLES + 4 * load<u32>(op, 12), load<u32>(ARENA + load<u32>(op, 8)));
  }
}

/** Every callback: counts, finds its section, runs it, reports. */
export function run(callback: u32, id: u32, a: u32, b: u32, c: u32, d: u32, answer: u32): u32 {
  context = id;
  if (!isGuardFilled) {
    isGuardFilled = true;
    fill(GUARD, GUARD_BYTES);
  }
  const nth = load<u32>(COUNTS + 4 * callback) + 1;
  store<u32>(COUNTS + 4 * callback, nth);
  reported = 0;
  put(80);
  word(callback);
  word(context);
  word(a);
  word(b);
  word(c);
  word(d);
  let result = answer;
  let section = SCRIPT + 4;
  for (let left = load<u32>(SCRIPT); left; left--, section += SECTION_BYTES) {
    const wanted = load<u32>(section, 4);
    if (load<u32>(section) != callback || (wanted && wanted != nth)) continue;
    result = load<u32>(section, 8);
    let op = SCRIPT + load<u32>(section, 12);
    for (let count = load<u32>(section, 16); count; count--, op += OPERATION_BYTES) step(op);
    break;
  }
  proxy_log(2, REPORT, reported);
  return result;
}

export function isRoot(id: u32): void {
  if (!root) root = id;
}
export function isStream(id: u32): void {
  stream = id;
}
/** A script that came with a stream goes when the next one comes: ticks may still want it. */
export function forget(): void {
  if (!fromHeader) return;
  store<u32>(SCRIPT, 0);
  fromHeader = false;
}
