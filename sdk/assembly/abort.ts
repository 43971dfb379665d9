// What asc calls on a failed assertion or `throw` (`--use abort=~lib/@sluice/sdk/assembly/abort/sluiceAbort`): one line
// through proxy_log, then a trap. asc compiles this file *while* it compiles the global initialisers, so it must not
// reach any global whose initialiser can abort or has an inferred type: only literals and memory.data below.
import { proxy_log } from "./env";

const ROOM: usize = memory.data(512);
const CRITICAL: u32 = 5;
/** Longest part of a message or file name that is shown. What is not ASCII becomes `?`. */
const MOST: i32 = 80;

function put(text: string | null, at: usize): usize {
  if (text === null) return at;
  const size = min(text.length, MOST);
  for (let i = 0; i < size; i++) {
    const unit = load<u16>(changetype<usize>(text) + ((<usize>i) << 1));
    store<u8>(ROOM + at++, unit < 128 ? <u8>unit : 63);
  }
  return at;
}

function putDecimal(value: u32, at: usize): usize {
  let started = false;
  for (let unit: u32 = 1000000; unit; unit /= 10) {
    const digit = (value / unit) % 10;
    if (!digit && !started && unit != 1) continue;
    started = true;
    store<u8>(ROOM + at++, <u8>(48 + digit));
  }
  return at;
}

/** Logs `abort: message at file:line:column` at CRITICAL and traps. Never returns. */
export function sluiceAbort(message: string | null, file: string | null, line: u32, column: u32): void {
  let size = put("abort: ", 0);
  size = put(message, size);
  size = put(" at ", size);
  size = put(file, size);
  store<u8>(ROOM + size++, 58);
  size = putDecimal(line, size);
  store<u8>(ROOM + size++, 58);
  size = putDecimal(column, size);
  proxy_log(CRITICAL, ROOM, size);
  unreachable();
}
