import type { LiveEndpoint } from "./live-endpoint.ts";

/** The instances of one service of one version, and whose turn it is. */
export class InstanceGroup {
  readonly #all: readonly LiveEndpoint[];
  readonly #isStable: boolean;
  #usable: readonly LiveEndpoint[] = [];
  #turn = 0;

  constructor(all: readonly LiveEndpoint[], isStable: boolean) {
    this.#all = all;
    this.#isStable = isStable;
    for (const endpoint of all) {
      endpoint.onChange = () => this.#choose();
      endpoint.isExpendable = () => !isStable || this.#usable.length > 1;
    }
    this.#choose();
  }

  /** Not one of them has been seen ready since the machine or this process began: that is no failure of theirs. */
  get isUnproven(): boolean {
    return this.#all.length > 0 && this.#all.every(({ isUnproven }) => isUnproven);
  }

  /** The instance with the least in flight, in turn among equals; null when none takes requests. */
  pick(except?: ReadonlySet<LiveEndpoint>): LiveEndpoint | null {
    const usable = this.#usable;
    const { length } = usable;
    if (length === 1 && except === undefined) return usable[0] as LiveEndpoint;
    let best: LiveEndpoint | null = null;
    this.#turn = (this.#turn + 1) % Math.max(1, length);
    for (let i = 0; i < length; i += 1) {
      const each = usable[(this.#turn + i) % length] as LiveEndpoint;
      if (except?.has(each) === true) continue;
      if (best === null || each.inFlight < best.inFlight) best = each;
    }
    return best ?? (except === undefined ? null : this.#lastResort(except));
  }

  /** One that was set aside may have come back since; a refusal is certain. */
  #lastResort(except: ReadonlySet<LiveEndpoint>): LiveEndpoint | null {
    return this.#isStable ? (this.#all.find((each) => mayAnswer(each) && !except.has(each)) ?? null) : null;
  }

  #choose(): void {
    const usable = this.#all.filter(({ isUsable }) => isUsable);
    // Nowhere else to go: an instance of stable that looks ill may still answer, a refusal surely does not.
    this.#usable = usable.length === 0 && this.#isStable ? this.#all.filter(mayAnswer) : usable;
  }
}

function mayAnswer({ isDraining, isUnproven }: LiveEndpoint): boolean {
  return !isDraining && !isUnproven;
}
