// One mutation: an action on one header. Words and meaning of Envoy's header_mutation filter and HeaderValueOption.
import { Config, HeaderView } from "@sluice/sdk";
import { headerNameProblem, lowerCased } from "@sluice/sdk/governance";
import { Format } from "./format";
import { KeptHeaders } from "./kept-headers";

@config
export class Mutation extends Config {
  /** `append` adds a value, `overwrite` replaces all, `addIfAbsent` keeps what is there, `remove` deletes all. */
  @values("append", "overwrite", "addIfAbsent", "remove")
  action: string = "overwrite";
  /** Header name, in any case. */
  header: string = "";
  /** Text with operators such as %REQ(name)%; a value that comes out empty is not set. Not for `remove`. */
  value: string = "";
  private format: Format = new Format();

  override check(): string | null {
    const problem = headerNameProblem(this.header);
    if (problem !== null) return "header: " + problem;
    this.header = lowerCased(this.header);
    if (this.action == "remove") return this.value == "" ? null : "value: remove takes no value";
    if (this.value == "") return "value: must not be empty; to delete the header use action remove";
    const wrong = this.format.parse(this.value);
    return wrong === null ? null : "value: " + wrong;
  }
  /** The first operator that only responses have, or "". */
  get needsResponse(): string {
    return this.format.needsResponse;
  }
  /** Request headers that the value is made of. */
  get requestHeaders(): string[] {
    return this.format.requestHeaders;
  }
  apply(headers: HeaderView, kept: KeptHeaders | null): void {
    if (this.action == "remove") {
      headers.remove(this.header);
      return;
    }
    if (this.action == "addIfAbsent" && headers.has(this.header)) return;
    const value = this.format.render(kept);
    // As Envoy without keep_empty_value: an operator without a value must not leave an empty header behind.
    if (value.length == 0) return;
    if (this.action == "append") headers.add(this.header, value.toString());
    else headers.setBytes(this.header, value);
  }
}
