// The slot of a filter under experiment: who takes part, which arm a unit has, and what is noted of it (experiments.md 3).
// Everything but the unit and the book is fixed when the snapshot is built.
import type { HeaderList } from "../abi/headers.ts";
import type { Random } from "../base/random.ts";
import { fnv1a32 } from "../base/hash.ts";
import type { StreamFacts } from "../chain/ports.ts";
import type { Arm, ChainSlot } from "../chain/slot.ts";
import { Assignment } from "../experiment/assignment.ts";
import { ClientRanges } from "../experiment/client-ranges.ts";
import { Exposure, type UnitPlace } from "../experiment/exposure.ts";
import { inNamespace, type Namespace } from "../experiment/growthbook.ts";
import { METRIC_BUCKETS } from "../experiment/tally.ts";
import { readUnit, type UnitPeer } from "../experiment/unit.ts";
import type { UnitBook } from "../experiment/unit-book.ts";
import { firstHeader } from "../abi/headers.ts";
import type { SlotMessage, TrialMessage } from "../link/messages.ts";
import { matchHeaders, matchPath } from "../route/match.ts";
import type { ArmLedger } from "./arm-ledger.ts";

export interface ExperimentParts {
  readonly message: SlotMessage;
  readonly trial: TrialMessage;
  readonly arms: readonly [Arm, ...Arm[]];
  readonly book: UnitBook;
  readonly ledger: ArmLedger;
  /** For units that are given out. */
  readonly random: Random;
}

/** What the unit of the request is to the experiment: its place in the sums, or nothing that counts. */
type Place = UnitPlace | null;

export class ExperimentSlot implements ChainSlot {
  readonly filter: string;
  readonly #parts: ExperimentParts;
  readonly #assignment: Assignment;
  readonly #layer: Namespace | null;
  readonly #trusted: ClientRanges;
  readonly #forced: ReadonlyMap<string, Arm>;
  /** A cookie that is set for whoever has no unit, or "". */
  readonly #cookie: string;
  /** Of the request that was chosen for last: callbacks of one thread never interleave between choose and expose. */
  #place: Place = null;

  constructor(parts: ExperimentParts) {
    const { message, trial, arms } = parts;
    this.filter = message.filter;
    this.#parts = parts;
    this.#assignment = new Assignment(
      message.salt,
      message.arms.map((arm) => arm.ranges),
    );
    const { layer, overrides } = trial;
    this.#layer = layer === null ? null : { id: layer.name, range: [layer.from, layer.to] };
    this.#trusted = new ClientRanges(overrides?.trustedClients ?? []);
    const named = new Map(arms.map((arm) => [arm.name, arm]));
    this.#forced = new Map(
      Object.entries(overrides?.units ?? {}).flatMap(([unit, name]) => {
        const arm = named.get(name);
        return arm === undefined ? [] : [[unit, arm]];
      }),
    );
    this.#cookie =
      message.unit.flatMap((one) => (one.kind === "cookie" && one.set === true ? [one.name] : []))[0] ?? "";
  }

  choose(headers: HeaderList, requestId: string, peer: UnitPeer): Arm {
    this.#place = null;
    const { message, trial, arms, ledger, book } = this.#parts;
    const [control] = arms;
    // Taken out of service: nobody meets the candidate, and nobody is counted under a plan that is no longer kept.
    if (book.closed) return control;
    if (trial.overrides !== null && trial.overrides.header !== "") {
      const wanted = this.#wanted(trial.overrides.header, headers, peer);
      if (wanted !== undefined) return wanted;
    }
    if (trial.targeting !== null && !this.#isTargeted(headers)) return control;
    const unit = readUnit(message.unit, headers, requestId, peer) ?? this.#giveUnit(peer);
    if (unit === null) {
      ledger.unitMissing.set(message.experiment, (ledger.unitMissing.get(message.experiment) ?? 0) + 1);
      return control;
    }
    const forced = this.#forced.size === 0 ? undefined : this.#forced.get(unit);
    if (forced !== undefined) return forced;
    if (this.#layer !== null && !inNamespace(unit, this.#layer)) return control;
    return this.#assign(unit, unit === requestId);
  }

  #assign(unit: string, perRequest: boolean): Arm {
    const { arms, message } = this.#parts;
    const [control] = arms;
    const hash = fnv1a32(`${message.experiment}\0${unit}`) | 0;
    this.#place = { hash, bucket: (hash >>> 0) % METRIC_BUCKETS, perRequest };
    return arms[this.#assignment.assign(unit)] ?? control;
  }

  expose({ tally }: Arm, facts: StreamFacts): void {
    if (this.#place === null || tally === null) return;
    facts.exposure = new Exposure(tally, this.#place, facts.exposure ?? null);
  }

  /** The arm that a trusted client names. */
  #wanted(header: string, headers: HeaderList, { sourceAddress }: UnitPeer): Arm | undefined {
    const name = firstHeader(headers, header);
    if (name === undefined || !this.#trusted.covers(sourceAddress)) return undefined;
    return this.#parts.arms.find((arm) => arm.name === name);
  }

  #isTargeted(headers: HeaderList): boolean {
    const { targeting } = this.#parts.trial;
    if (targeting === null) return true;
    return matchPath(targeting, firstHeader(headers, ":path") ?? "") && matchHeaders(targeting.headers, headers);
  }

  /** A new unit for a client without one, kept in a cookie. Null where the experiment sets none, or no answer can. */
  #giveUnit(peer: UnitPeer): string | null {
    if (this.#cookie === "" || !("newCookies" in peer)) return null;
    const bytes = Buffer.alloc(16);
    this.#parts.random.fill(bytes);
    const unit = bytes.toString("hex");
    const facts = peer as StreamFacts;
    (facts.newCookies ??= []).push(this.#cookie, unit);
    return unit;
  }
}
