// The pure parts of the SDK as plain exports, called through @assemblyscript/loader with real and with random texts.
export * from "@sluice/sdk/proxy";
import { enter, leave } from "@sluice/sdk/assembly/scratch";
import { Bytes, Config, definePlugin, Duration, globMatch, HttpFilter, JsonReader, Rate, Size } from "@sluice/sdk";

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

class None extends Config {}
class Idle extends HttpFilter {
  constructor(config: None) {
    super();
  }
}
definePlugin<None, Idle>("white-box");
