import type { Assignment } from "./assign.ts";
import type { LiveEndpoint } from "./live-endpoint.ts";
import type { RoutedVersion } from "./routing.ts";

/** Finds a request its instance, and another one while that did not accept it. What it has, counts as in flight there. */
export class Placement {
  /** The version that serves it. */
  version: RoutedVersion;
  endpoint: LiveEndpoint | null = null;

  readonly #service: string;
  readonly #onFailure: (version: RoutedVersion) => void;
  #fallback: RoutedVersion | null;
  #tried: Set<LiveEndpoint> | undefined;
  #isWaiting = false;

  /** `onFailure`: a version could not take what was meant for it, and the request goes on elsewhere. */
  constructor({ service, version, fallback }: Assignment, onFailure: (version: RoutedVersion) => void) {
    this.version = version;
    this.#service = service;
    this.#fallback = fallback;
    this.#onFailure = onFailure;
  }

  /** An instance of the assigned version, else of the one that may stand in for it; null: there is none. */
  claim(): LiveEndpoint | null {
    const endpoint = this.#pick();
    if (endpoint === null) return null;
    this.endpoint = endpoint;
    endpoint.inFlight += 1;
    this.version.tally.begin();
    return endpoint;
  }

  /** The version has been started with the machine, and is not ready yet. */
  get isUnproven(): boolean {
    return this.version.groups.get(this.#service)?.isUnproven === true;
  }

  /** The instance did not accept the connection, so nothing was sent: any request may go to another one. */
  claimAnother(): LiveEndpoint | null {
    const { endpoint, version } = this;
    if (endpoint === null) return null;
    endpoint.noteConnectError();
    this.#tried ??= new Set();
    this.#tried.add(endpoint);
    this.release();
    const other = this.claim();
    if (other !== null && this.version === version && version.countsPassedOn) this.#onFailure(version);
    return other;
  }

  /** Counts it as in flight for its version while it has no instance. */
  wait(): void {
    this.#isWaiting = true;
    this.version.tally.begin();
  }

  /** After a wait: those that did not accept it before may do so now. */
  claimAnew(): LiveEndpoint | null {
    this.#tried = undefined;
    this.release();
    return this.claim();
  }

  release(): void {
    if (this.#isWaiting) this.version.tally.end();
    this.#isWaiting = false;
    if (this.endpoint === null) return;
    this.version.tally.end();
    this.endpoint.release();
    this.endpoint = null;
  }

  #pick(): LiveEndpoint | null {
    const own = this.version.groups.get(this.#service)?.pick(this.#tried) ?? null;
    if (own !== null || this.#fallback === null) return own;
    const other = this.#fallback.groups.get(this.#service)?.pick(this.#tried) ?? null;
    if (other === null) return null;
    if (!this.isUnproven && this.version.countsPassedOn) this.#onFailure(this.version);
    this.version = this.#fallback;
    this.#fallback = null;
    return other;
  }
}
