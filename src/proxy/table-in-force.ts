import type { RoutingTable } from "../core/traffic/routing.ts";
import type { Duration, Instant } from "../core/time/time.ts";
import { Refusal } from "../local/control-socket.ts";
import { bootId } from "../local/process-identity.ts";
import type { StateFolder } from "../local/state-folder.ts";
import type { EndpointRegistry } from "./endpoint-registry.ts";
import { LeaseTimer } from "./lease.ts";
import type { Observations } from "./observations.ts";
import type { FollowedTable, TableWrite } from "./protocol.ts";
import { compileTable, type Routing } from "./routing.ts";
import { isTowardStable, notEmptied, notSaved, versionToEmpty } from "./table-change.ts";
import { loadRemembered, type Remembered, saveRemembered, saveRenewal } from "./table-store.ts";

const SAVE_AGAIN_MS = 1_000;

/** What one process has of the table and the next needs. */
export interface InheritedTable {
  readonly remembered: Remembered;
  /** The disk has an older one. */
  readonly isUnsaved: boolean;
}

/** A process that still serves and must have each change too. Never rejects: one that can't follow may not serve either. */
export interface Follower {
  follow(change: FollowedTable): Promise<void>;
}

/** How requests are held while one version takes the place of another. */
export interface Switching {
  /** Holds new requests and waits until the version has nothing in flight; answers what is left when the time is over. */
  begin(leaving: string, forMs: Duration, signal: AbortSignal): Promise<number>;
  /** Lets those that were held go. */
  end(): Promise<void>;
}

/**
 * The one table in force: replaced whole, compared and set by revision, refused from older epochs, on disk before it is
 * acknowledged, and back on stable by itself when its lease ends.
 */
export class TableInForce {
  /** Read by every request. */
  routing: Routing | null = null;
  readonly endpoints: EndpointRegistry;
  /** null: no other process serves. */
  follower: Follower | null = null;
  /** Without it nothing is held, and nobody waited for. */
  switching: Switching = { begin: () => Promise.resolve(0), end: () => Promise.resolve() };

  readonly #folder: StateFolder;
  readonly #observations: Observations;
  readonly #lease = new LeaseTimer(() => void this.#inTurn(() => this.#returnToStable()));
  #remembered: Remembered;
  #turn: Promise<unknown> = Promise.resolve();
  #saveAgain: NodeJS.Timeout | undefined;
  /** What is in force could not be written to disk. */
  #isUnsaved = false;
  #isClosed = false;
  /** Another process is in charge, and this one does what it says. */
  #isFollowing = false;
  /** A change waits for what is in flight. */
  #pausing: AbortController | null = null;

  /** Goes on with what the plane last acknowledged: by word of the process before, else by the disk. */
  constructor(
    folder: StateFolder,
    observations: Observations,
    endpoints: EndpointRegistry,
    inherited: InheritedTable | null = null,
  ) {
    this.#folder = folder;
    this.#observations = observations;
    this.endpoints = endpoints;
    this.#remembered = inherited?.remembered ?? loadRemembered(folder);
    this.#goOn(inherited === null);
    if (inherited?.isUnsaved !== true) return;
    this.#isUnsaved = true;
    this.#saveLater();
  }

  get table(): RoutingTable | null {
    return this.#remembered.table;
  }

  /** Ids of a version's instances, as the table names them. */
  instancesOf(version: string): ReadonlySet<string> {
    const { stable, candidate } = this.#remembered.table ?? { stable: null, candidate: null };
    const backend = [stable, candidate].find((each) => each?.version === version);
    return new Set(backend?.instances.map(({ id }) => id));
  }

  /** Resolves when instances that were only read of have been looked at. */
  async lookAround(): Promise<void> {
    await this.endpoints.lookAround(this.#remembered.bootId === bootId());
  }

  /** The highest ever claimed. */
  get epoch(): number {
    return this.#remembered.epoch;
  }

  /** null: nothing ends, because there is no lease or the plan says hold. */
  get leaseEndsAt(): Instant | null {
    const { table, leaseEndsAt } = this.#remembered;
    return table?.lease?.do === "stable" ? leaseEndsAt : null;
  }

  get returnedAt(): Instant | null {
    return this.#remembered.returnedAt;
  }

  get sealKey(): string {
    return this.#remembered.sealKey;
  }

  /** Throws Refusal: 409 `revision-conflict`, 409 `switch-not-drained`, 412 `stale-epoch`, 507 `table-not-saved`. */
  write({ ifRevision, table }: TableWrite): Promise<void> {
    if (table.emergency !== undefined) this.#pausing?.abort();
    return this.#inTurn(async () => {
      this.#refuseStale(table.epoch);
      const { table: before } = this.#remembered;
      const revision = before?.revision ?? 0;
      if (ifRevision !== revision) {
        throw new Refusal(409, {
          code: "revision-conflict",
          what: `The routing table has revision ${revision}, not ${ifRevision}: somebody else has changed it.`,
          fix: "read the state and write again",
        });
      }
      const leaving = versionToEmpty(before, table);
      if (leaving === null) await this.#change(before, table);
      else await this.#changeUnderPause(before, table, leaving);
    });
  }

  /** Leaves charge to another process, which starts with what this answers. */
  handOver(): Promise<InheritedTable> {
    return this.#inTurn(async () => {
      this.#isFollowing = true;
      this.#lease.stop();
      clearTimeout(this.#saveAgain);
      return { remembered: this.#remembered, isUnsaved: this.#isUnsaved };
    });
  }

  /** What the process in charge has changed. */
  follow({ table, returnedAt }: FollowedTable): Promise<void> {
    return this.#inTurn(async () => {
      this.#remembered = { ...this.#remembered, table, returnedAt };
      this.#putInForce(table);
    });
  }

  /** The process that was in charge has died: goes on with the newest that it wrote. */
  takeBack(): Promise<void> {
    return this.#inTurn(async () => {
      this.#isFollowing = false;
      const written = loadRemembered(this.#folder);
      const own = this.#remembered;
      const isNewer = (written.table?.revision ?? 0) >= (own.table?.revision ?? 0);
      const epoch = Math.max(written.epoch, own.epoch);
      this.#remembered = { ...(isNewer ? written : own), epoch, sealKey: own.sealKey };
      this.#isUnsaved = !isNewer;
      this.#goOn();
      if (this.#isUnsaved) this.#saveLater();
    });
  }

  /** Throws Refusal 412 `stale-epoch`. */
  claim(epoch: number): Promise<void> {
    return this.#inTurn(async () => {
      this.#refuseStale(epoch);
      if (epoch === this.#remembered.epoch) return;
      const next = { ...this.#remembered, epoch };
      await this.#save(next, "The epoch is not claimed.");
      this.#remembered = next;
    });
  }

  /** Throws Refusal: 409 `lease-ended`, 412 `stale-epoch`. */
  renew(epoch: number): Promise<void> {
    return this.#inTurn(async () => {
      this.#refuseStale(epoch);
      const { table, returnedAt } = this.#remembered;
      if (returnedAt !== null) {
        throw new Refusal(409, {
          code: "lease-ended",
          what: "Nobody renewed the lease in time, and the data plane went back to stable by itself.",
          fix: "read the state, then decide anew",
        });
      }
      if (table === null || table.lease === null) return;
      const endsAt = Date.now() + table.lease.unwatchedMs;
      this.#lease.start(table.lease.unwatchedMs);
      this.#remembered = { ...this.#remembered, leaseEndsAt: endsAt };
      // Without it a restart would only return to stable earlier.
      await saveRenewal(this.#folder, table.revision, endsAt).catch(() => undefined);
    });
  }

  /** Resolves when what was begun has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#lease.stop();
    clearTimeout(this.#saveAgain);
    await this.#turn.catch(() => undefined);
    this.endpoints.close();
  }

  /** No request is served by two versions: new ones wait until those of the version that goes have ended. */
  async #changeUnderPause(before: RoutingTable | null, table: RoutingTable, leaving: string): Promise<void> {
    const forMs = table.pause?.forMs ?? 0;
    this.#pausing = new AbortController();
    try {
      const left = await this.switching.begin(leaving, forMs, this.#pausing.signal);
      // Back to stable it goes in any case: what is left then is the lesser evil.
      if (left > 0 && !isTowardStable(before, table)) throw notEmptied(leaving, left, forMs);
      await this.#change(before, table);
    } finally {
      this.#pausing = null;
      await this.switching.end();
    }
  }

  async #change(before: RoutingTable | null, table: RoutingTable): Promise<void> {
    const leaseEndsAt = table.lease === null ? null : Date.now() + table.lease.unwatchedMs;
    const next = { ...this.#remembered, epoch: table.epoch, table, leaseEndsAt, returnedAt: null };
    if (isTowardStable(before, table)) {
      // The safe direction waits for nothing, not even for a full disk.
      const adopted = this.#adopt(next);
      try {
        await this.#save(next, "It is in force all the same, and will be saved as soon as that is possible.");
      } finally {
        await adopted;
      }
    } else {
      await this.#save(next, "The table before it stays in force.");
      await this.#adopt(next);
    }
  }

  /** Puts what is remembered in force, with what is left of its lease. */
  #goOn(isFromDisk = false): void {
    const { table, leaseEndsAt } = this.#remembered;
    if (table === null) return;
    this.#putInForce(table, isFromDisk);
    if (table.lease === null || leaseEndsAt === null) return;
    // Never longer than the lease itself: the clock may have been put back meanwhile.
    const leftMs = Math.min(table.lease.unwatchedMs, leaseEndsAt - Date.now());
    if (leftMs > 0 || table.lease.do === "hold") this.#lease.start(Math.max(1, leftMs));
    else void this.#inTurn(() => this.#returnToStable(true));
  }

  async #returnToStable(isKnownToHaveEnded = false): Promise<void> {
    const { table } = this.#remembered;
    if (this.#isFollowing || table === null || table.lease === null || table.lease.do === "hold") return;
    // A renewal or a new table may have come while this waited for its turn.
    if (!isKnownToHaveEnded && !this.#lease.hasEnded) return;
    const next: Remembered = {
      ...this.#remembered,
      table: { ...table, revision: table.revision + 1, share: 0, lease: null },
      leaseEndsAt: null,
      returnedAt: Date.now(),
    };
    await Promise.all([this.#adopt(next), this.#save(next, "").catch(() => undefined)]);
  }

  /** In force here when it returns, and everywhere when it resolves. */
  async #adopt(next: Remembered): Promise<void> {
    this.#remembered = next;
    const { table, returnedAt } = next;
    if (table === null) return;
    this.#putInForce(table);
    if (table.lease === null) this.#lease.stop();
    else this.#lease.start(table.lease.unwatchedMs);
    await this.follower?.follow({ table, returnedAt });
  }

  #putInForce(table: RoutingTable, isFromDisk = false): void {
    const live = this.endpoints.adopt(table, isFromDisk);
    this.routing = compileTable(table, live, (version) => this.#observations.tally(version));
    this.#observations.follow(table);
  }

  #refuseStale(epoch: number): void {
    if (epoch >= this.#remembered.epoch) return;
    throw new Refusal(412, {
      code: "stale-epoch",
      what: `A newer engine (epoch ${this.#remembered.epoch}) has taken over from this one (epoch ${epoch}).`,
      fix: "tidegate status",
    });
  }

  async #save(remembered: Remembered, consequence: string): Promise<void> {
    clearTimeout(this.#saveAgain);
    try {
      await saveRemembered(this.#folder, remembered);
      this.#isUnsaved = false;
    } catch (error) {
      this.#isUnsaved ||= this.#remembered === remembered;
      throw notSaved(this.#folder, error, consequence);
    } finally {
      if (this.#isUnsaved && !this.#isClosed) this.#saveLater();
    }
  }

  #saveLater(): void {
    this.#saveAgain = setTimeout(() => {
      void this.#inTurn(() => this.#save(this.#remembered, "").catch(() => undefined));
    }, SAVE_AGAIN_MS);
    this.#saveAgain.unref();
  }

  /** One change at a time: each sees the outcome of the one before it. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}
