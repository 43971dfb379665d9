// One rule: which requests, which share of their users, which tag.
import { Bytes, Config, Counter, HttpFilter, Percent } from "@sluice/sdk";
import { KeyKind, KeySource, Match, requestIdOf, Share } from "@sluice/sdk/governance";

const tagged = new Counter("tagged");

/** The counter of one tag. */
export function countOf(tag: string): Counter {
  return tagged.with("tag", tag);
}

/** What is wrong with a tag, or null. It becomes a header value and a label. */
export function tagProblem(tag: string): string | null {
  for (let i = 0; i < tag.length; i++) {
    const unit = tag.charCodeAt(i);
    if (unit <= 32 || unit >= 127) return 'expected visible ASCII without blanks, got "' + tag + '"';
  }
  return null;
}

@config
export class Rule extends Config {
  /** Name of the rule, unique; also its salt unless `salt` is given. Required. */
  name: string = "";
  /** Which requests; absent = all. */
  match: Match = new Match();
  /** Percent of the users (see `key`) among them, four decimals. */
  percent: Percent = Percent.of(100);
  /** What makes a user: `header:NAME`, `cookie:NAME`, `source` (address) or `requestId`; without a value, the request's id. */
  key: string = "requestId";
  /** Rules with the same salt take the same users first; empty = the rule's name. */
  salt: string = "";
  /** The tag. Required. */
  tag: string = "";
  private source: KeySource | null = null;
  private share: Share | null = null;
  private counter: Counter | null = null;

  override check(): string | null {
    if (this.name == "") return "name: must not be empty";
    if (this.tag == "") return "tag: must not be empty";
    const problem = tagProblem(this.tag);
    if (problem !== null) return "tag: " + problem;
    const source = KeySource.parse(this.key);
    if (source === null || source.kind == KeyKind.Global || source.kind == KeyKind.Path) {
      return 'key: expected header:NAME, cookie:NAME, source or requestId, got "' + this.key + '"';
    }
    this.source = source;
    this.share = new Share(this.percent, this.salt == "" ? this.name : this.salt);
    this.counter = countOf(this.tag);
    return null;
  }
  /** Whether the stream's request gets this tag. */
  takes(stream: HttpFilter): bool {
    if (!this.match.test(stream.request)) return false;
    const share = this.share!;
    return share.whole || share.takes(this.user(stream));
  }
  count(): void {
    this.counter!.add();
  }

  private user(stream: HttpFilter): Bytes {
    const key = this.source!.read(stream);
    return key && key.length ? key : requestIdOf(stream);
  }
}
