// `match` of a configuration: which requests a filter (or a rule of it) is for. Everything given must hold; nothing given
// holds for all. Compiled once by `check()`; testing makes no garbage, but for query parameters, which are decoded.
import { Bytes } from "../bytes";
import { Config } from "../config/config";
import { RequestHead } from "../headers";
import { lowerCased } from "./names";
import { cookieOf } from "./source";

/** What a value must be: exactly one of the four. */
@config
export class ValueMatch extends Config {
  /** The whole value. */
  exact: string | null = null;
  /** How the value begins. */
  prefix: string | null = null;
  /** The whole value is one of these; compared one by one: hundreds are fine. */
  in: string[] = [];
  /** Any value, but it must be there. */
  present: bool = false;

  override check(): string | null {
    const given = (this.exact !== null ? 1 : 0) + (this.prefix !== null ? 1 : 0) + (this.in.length ? 1 : 0);
    return given + (this.present ? 1 : 0) == 1 ? null : "give exactly one of exact, prefix, in, present: true";
  }
  /** Whether `value` (null: absent) is as wanted. */
  holds(value: Bytes | null): bool {
    if (value === null) return false;
    const exact = this.exact;
    if (exact !== null) return value.eq(exact);
    const prefix = this.prefix;
    if (prefix !== null) return value.startsWith(prefix);
    return this.present || this.listed(value);
  }

  private listed(value: Bytes): bool {
    for (let i = 0; i < this.in.length; i++) if (value.eq(this.in[i])) return true;
    return false;
  }
}

enum Part {
  Header,
  Cookie,
  Query,
}

class Condition {
  constructor(
    private part: Part,
    private name: string,
    private wanted: ValueMatch,
  ) {}

  holds(request: RequestHead): bool {
    if (this.part == Part.Header) return this.wanted.holds(request.headers.bytes(this.name));
    if (this.part == Part.Cookie) return this.wanted.holds(cookieOf(request, this.name));
    const value = request.queryParam(this.name);
    return value !== null && this.wanted.holds(Bytes.from(value));
  }
}

/** Which requests are meant: everything that is given must hold. */
@config
export class Match extends Config {
  /** How the path (query included) begins; empty = any path. */
  prefix: string = "";
  /** Headers by name. */
  headers: Map<string, ValueMatch> = new Map<string, ValueMatch>();
  /** Cookies by name. */
  cookies: Map<string, ValueMatch> = new Map<string, ValueMatch>();
  /** Query parameters by name; the first of a name counts. */
  queryParams: Map<string, ValueMatch> = new Map<string, ValueMatch>();
  private conditions: Condition[] = [];

  override check(): string | null {
    if (this.prefix != "" && !this.prefix.startsWith("/")) return 'prefix: expected a path such as "/orders"';
    this.compile(Part.Header, this.headers);
    this.compile(Part.Cookie, this.cookies);
    this.compile(Part.Query, this.queryParams);
    return null;
  }
  /** Whether the request is meant. */
  test(request: RequestHead): bool {
    if (this.prefix != "") {
      const path = request.headers.bytes(":path");
      if (path === null || !path.startsWith(this.prefix)) return false;
    }
    for (let i = 0; i < this.conditions.length; i++) if (!this.conditions[i].holds(request)) return false;
    return true;
  }

  private compile(part: Part, wanted: Map<string, ValueMatch>): void {
    const names = wanted.keys();
    for (let i = 0; i < names.length; i++) {
      const name = part == Part.Header ? lowerCased(names[i]) : names[i];
      this.conditions.push(new Condition(part, name, wanted.get(names[i])));
    }
  }
}
