// What the control side knows of one filter: its options, its versions, which one is live and which was before.
import { problemError, type Problem } from "../base/problem.ts";
import type { FilterOptions } from "../plugin/options.ts";
import type { Version } from "./version.ts";

/** Versions kept per filter, the live one and the one before it always among them. */
const KEPT = 20;
const MIN_PREFIX = 8;

export class FilterRecord {
  options: FilterOptions;
  problems: readonly Problem[] = [];
  /** Files whose change means a rebuild. */
  watched: readonly string[] = [];
  /** Label of the version the source last gave; uploads and swaps do not change it. */
  fromSource = "";
  #versions: Version[] = [];
  #live: Version | null = null;
  /** Labels that were live before, newest last: what rollback goes back to. */
  #history: string[] = [];
  /** Digests of quarantined versions (module and configuration); only an explicit swap brings them back. */
  readonly #blocked = new Set<string>();
  /** Where the live version keeps shared data, when an experiment has promoted it; null = under its vmId. */
  space: string | null = null;
  /** Labels that a running experiment needs: kept as long. */
  pinned: ReadonlySet<string> = new Set();
  #count = 0;

  constructor(options: FilterOptions) {
    this.options = options;
  }

  get live(): Version | null {
    return this.#live;
  }

  get versions(): readonly Version[] {
    return this.#versions;
  }

  get count(): number {
    return this.#count;
  }

  get blocked(): readonly string[] {
    return [...this.#blocked];
  }

  block(digests: string): void {
    this.#blocked.add(digests);
  }

  unblock(version: Version): void {
    this.#blocked.delete(digestsOf(version));
  }

  isBlocked(version: Version): boolean {
    return this.#blocked.has(digestsOf(version));
  }

  nextLabel(): string {
    return `v${this.#count + 1}`;
  }

  add(version: Version): void {
    this.#count = Math.max(this.#count, numberOf(version));
    const others = this.#versions.filter((other) => other.label !== version.label);
    this.#versions = [...others, version].sort((a, b) => numberOf(a) - numberOf(b));
    this.#trim();
  }

  #trim(): void {
    const kept = new Set([this.#live?.label, this.#history.at(-1), ...this.pinned]);
    while (this.#versions.length > KEPT) {
      const oldest = this.#versions.findIndex((version) => !kept.has(version.label));
      if (oldest < 0) return;
      this.#versions.splice(oldest, 1);
    }
    const known = new Set(this.#versions.map(({ label }) => label));
    this.#history = this.#history.filter((label) => known.has(label));
  }

  setLive(version: Version): void {
    if (this.#live !== null && this.#live.label !== version.label)
      this.#history = [...this.#history.filter((label) => label !== version.label), this.#live.label];
    this.#live = version;
  }

  /** The version that was live before, unless it is blocked or forgotten. */
  get previous(): Version | null {
    for (const label of this.#history.toReversed()) {
      const version = this.#versions.find((other) => other.label === label);
      if (version !== undefined && version.label !== this.#live?.label && !this.isBlocked(version)) return version;
    }
    return null;
  }

  /** After a rollback the version left is no longer something to roll back to. */
  rolledBack(to: Version): void {
    this.#history = this.#history.slice(0, this.#history.lastIndexOf(to.label));
    this.#live = to;
  }

  /** `current`, `v3`, a sha256 prefix of at least 8 digits, or a semver. @throws ProblemError */
  find(reference: string): Version {
    const found =
      reference === "current" ? this.#live : this.#versions.findLast((version) => matches(version, reference));
    if (found !== undefined && found !== null) return found;
    const known = this.#versions.map((version) => version.label).join(", ") || "none";
    const message = `filter ${this.options.name} has no version "${reference}"`;
    throw problemError("state", "version_not_found", message, {
      hint: `versions: ${known}; a sha256 prefix of ${MIN_PREFIX} digits works too`,
    });
  }

  /** An equal version: same module and same configuration. */
  same(sha256: string, configSha256: string): Version | undefined {
    return this.#versions.findLast(
      (version) =>
        (version.sha256 === sha256 || version.debugSha256 === sha256) && version.configSha256 === configSha256,
    );
  }
}

/** The namespace of what is live. One that belonged to another vmId went with it. */
export const liveSpace = ({ space, options: { vmId } }: FilterRecord): string =>
  space?.startsWith(`${vmId}#`) === true ? space : vmId;

/** What a quarantine blocks: the same module may be well with another configuration. */
export const digestsOf = ({ sha256, configSha256 }: Version): string => `${sha256}:${configSha256}`;

const numberOf = ({ label }: Version): number => Number(label.slice(1));

function matches(version: Version, reference: string): boolean {
  if (version.label === reference || (version.semver !== "" && version.semver === reference)) return true;
  return reference.length >= MIN_PREFIX && version.sha256.startsWith(reference);
}
