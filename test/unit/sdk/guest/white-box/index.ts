// The pure parts of the SDK as plain exports, called through @assemblyscript/loader with real and with random texts.
export * from "@sluice/sdk/proxy";
import { enter, leave, scratch } from "@sluice/sdk/assembly/scratch";
import { fnv1a, fnv1aDecimal, fnv1aText } from "@sluice/sdk/assembly/text/hash";
import { percentDecode } from "@sluice/sdk/assembly/text/percent";
import { encode, encodedSize } from "@sluice/sdk/assembly/text/utf8";
import {
  Bytes,
  Config,
  definePlugin,
  Duration,
  formatInt,
  globMatch,
  HttpFilter,
  JsonReader,
  PairsBuilder,
  PairsView,
  Rate,
  Size,
} from "@sluice/sdk";

function reader(text: string): JsonReader {
  const bytes = Bytes.from(text);
  return JsonReader.over(bytes.ptr, bytes.length);
}
/** "" when the text is JSON, else the reason. */
export function syntax(text: string): string {
  enter();
  const json = reader(text);
  json.skip();
  json.finish();
  const error = json.error;
  leave();
  return error === null ? "" : error;
}
export function jsonString(text: string): string {
  enter();
  const value = reader(text).string();
  leave();
  return value;
}
export function jsonFloat(text: string): f64 {
  enter();
  const value = reader(text).float(-f64.MAX_VALUE, f64.MAX_VALUE, "a number");
  leave();
  return value;
}
export function durationNanos(text: string): f64 {
  const value = Duration.parse(text);
  return value ? <f64>value.nanos : -1;
}
export function sizeBytes(text: string): f64 {
  const value = Size.parse(text);
  return value ? <f64>value.bytes : -1;
}
export function rate(text: string): string {
  const value = Rate.parse(text);
  return value ? value.events.toString() + "/" + value.periodNanos.toString() : "";
}
export function glob(pattern: string, text: string): bool {
  return globMatch(pattern, text);
}

function toHex(bytes: Bytes): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += (<u32>bytes[i]).toString(16).padStart(2, "0");
  return text;
}
function fromHex(text: string): Bytes {
  const bytes = Bytes.at(scratch(text.length / 2), text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = <u8>parseInt(text.substr(i * 2, 2), 16);
  return bytes;
}
/** Names and values by turns, one a line -> the packed map in hexadecimal digits. */
export function pack(lines: string): string {
  enter();
  const parts = lines.split("\n");
  const pairs = new PairsBuilder();
  for (let i = 0; i + 1 < parts.length; i += 2) pairs.add(parts[i], parts[i + 1]);
  const hex = toHex(pairs.pack());
  leave();
  return hex;
}
/** The way back; what is no map gives fewer pairs, never a trap. */
export function unpack(hex: string): string {
  enter();
  const bytes = fromHex(hex);
  const pairs = new PairsView(bytes.ptr, bytes.length);
  let lines = "";
  while (pairs.next()) lines += toHex(pairs.key) + "=" + toHex(pairs.value) + "\n";
  leave();
  return lines;
}
export function percent(text: string): string {
  enter();
  const decoded = percentDecode(Bytes.from(text));
  leave();
  return decoded;
}
export function utf8(text: string): string {
  enter();
  const at = encode(text);
  const hex = toHex(Bytes.at(at, encodedSize));
  leave();
  return hex;
}
export function utf8Back(hex: string): string {
  enter();
  const text = fromHex(hex).toString();
  leave();
  return text;
}
export function hashText(text: string): u32 {
  return fnv1aText(text);
}
export function hashBytes(text: string): u32 {
  enter();
  const bytes = Bytes.from(text);
  const hash = fnv1a(bytes.ptr, bytes.length);
  leave();
  return hash;
}
export function hashDecimal(text: string): u32 {
  return fnv1aDecimal(<u32>parseFloat(text));
}
export function decimal(text: string): string {
  enter();
  const value = formatInt(I64.parseInt(text)).toString();
  leave();
  return value;
}

class None extends Config {}
class Idle extends HttpFilter {
  constructor(config: None) {
    super();
  }
}
definePlugin<None, Idle>("white-box");
