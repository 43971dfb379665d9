// Options of the gray filter.
import { Config, Counter, formatInt } from "@sluice/sdk";
import { headerNameProblem, lowerCased } from "@sluice/sdk/governance";
import { countOf, Rule, tagProblem } from "./rule";

@config
export class GrayConfig extends Config {
  /** In order: the first rule that takes a request gives its tag. */
  rules: Rule[] = [];
  /** Request header that carries the tag; what clients sent under this name is removed. */
  header: string = "x-gray-tag";
  /** Tag of requests that no rule takes; empty = none. */
  defaultTag: string = "";
  private untaken: Counter | null = null;

  override check(): string | null {
    const wrongName = headerNameProblem(this.header);
    if (wrongName !== null) return "at /header: " + wrongName;
    this.header = lowerCased(this.header);
    const wrongTag = tagProblem(this.defaultTag);
    if (wrongTag !== null) return "at /defaultTag: " + wrongTag;
    if (this.defaultTag != "") this.untaken = countOf(this.defaultTag);
    return this.repeatedName();
  }
  /** Counts one request with the default tag. */
  countDefault(): void {
    this.untaken!.add();
  }

  private repeatedName(): string | null {
    for (let i = 1; i < this.rules.length; i++) {
      for (let j = 0; j < i; j++) {
        if (this.rules[i].name != this.rules[j].name) continue;
        const place = "at /rules/" + formatInt(i).toString() + "/name: ";
        return place + '"' + this.rules[i].name + '" is already the name of rule ' + formatInt(j).toString();
      }
    }
    return null;
  }
}
