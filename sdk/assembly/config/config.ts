// A configuration is a class with defaults: `@config class TagConfig extends Config { header: string = "x-tag"; }`.
// The build generates `field()` and `names()` (and a JSON Schema) from its fields; `check()` is for rules across fields.
import { JsonReader } from "./json-reader";

/** What a filter's configuration class extends. Unknown keys, wrong types and values out of range are refused with their path; `proxy_on_configure` then answers false. */
export abstract class Config {
  /** Generated: reads the value of the current member; false when there is no such field. */
  field(json: JsonReader): bool {
    return false;
  }
  /** Generated: names of all fields joined by commas, for "did you mean". */
  names(): string {
    return "";
  }
  /** Override: a text refuses the configuration, null accepts it. Called after all fields were read. */
  check(): string | null {
    return null;
  }
  /** Reads one object. Override it for a format of your own. */
  decode(json: JsonReader): void {
    if (!json.beginObject()) return;
    while (json.nextKey()) if (!this.field(json)) json.unknownKey(this.names());
    if (json.failed) return;
    const problem = this.check();
    if (problem !== null) json.fail(problem);
  }
  /** For generated code: reads a nested object. */
  decoded(json: JsonReader): Config {
    this.decode(json);
    return this;
  }
  /** For the dispatcher: the whole configuration text; empty = all defaults. Null when accepted. */
  read(json: JsonReader): string | null {
    if (json.blank) return this.check();
    this.decode(json);
    json.finish();
    return json.error;
  }
}
