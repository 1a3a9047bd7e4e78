import { mkdirSync } from "node:fs";
import { FaultError } from "../core/fault.ts";
import { Refusal } from "../local/control-socket.ts";
import { bootId } from "../local/process-identity.ts";
import type { StateFolder } from "../local/state-folder.ts";
import type { TakenSocket } from "../local/take-sockets.ts";
import { type LeaveWithin, PROXY_SOCKET } from "../proxy/protocol.ts";
import { type Backoff, INSTANCE_BACKOFF, PROXY_BACKOFF } from "./backoff.ts";
import { type Asked, createLiveness } from "./liveness.ts";
import { type Instance, newInstance, recordedInstance, type Surroundings } from "./instance.ts";
import { removePipes } from "./log-writer.ts";
import { LOG_BOUNDS, type LogBounds, removeLog, rotateWhenGrown } from "../local/log-file.ts";
import {
  type InstanceSpec,
  type InstanceState,
  KEEPER_RECORD_FILE,
  type KeeperState,
  LOG_FOLDER,
  type ProxySpec,
} from "./protocol.ts";
import { ProxyProcess } from "./proxy-process.ts";
import type { ProxySurroundings } from "./proxy-run.ts";
import { type KeeperRecord, marksIn, readRecord, recordWriter } from "./record.ts";
import { usageMeter } from "../local/process-usage.ts";

export interface KeeperSettings {
  readonly folder: StateFolder;
  readonly proxyCommand: readonly string[];
  readonly version: string;
  /** Listening sockets that systemd keeps open for it. */
  readonly given?: readonly TakenSocket[];
  readonly backoff?: Backoff;
  readonly proxyBackoff?: Backoff;
  readonly logs?: LogBounds;
  note(text: string): void;
}

/** How often logs are looked at for their size. */
const ROTATE_MS = 2_000;
/** How often liveness is looked at; each instance is asked in its own rhythm. */
const PULSE_MS = 250;
/** SIGTERM to SIGKILL when everything is stopped at once. */
const STOP_ALL_MS = 10_000;
/** How many ended instances are remembered, and for how long. */
const REMEMBER = 40;
const REMEMBER_MS = 24 * 3_600_000;

/** What a keeper gets from the processes that it takes over from, and not from a file. */
export interface GivenToKeeper {
  readonly sockets: readonly TakenSocket[];
  /** By instance. */
  readonly secrets: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const NOTHING_GIVEN: GivenToKeeper = { sockets: [], secrets: {} };

/** Owns the listening sockets and every process of one state folder. What it knows is on disk after each change. */
export class Keeper {
  readonly #settings: KeeperSettings;
  readonly #startedAt = Date.now();
  readonly #meter = usageMeter();
  readonly #instances = new Map<string, Instance>();
  readonly #logs: LogBounds;
  readonly #save: () => Promise<void>;
  readonly #rotation: NodeJS.Timeout;
  readonly #pulse: NodeJS.Timeout;
  #proxy: ProxyProcess | null = null;
  #epoch: number;
  #isStopping = false;

  private constructor(settings: KeeperSettings, record: KeeperRecord) {
    const path = settings.folder.file(KEEPER_RECORD_FILE);
    const write = recordWriter(path, () => this.#record());
    this.#settings = settings;
    this.#logs = settings.logs ?? LOG_BOUNDS;
    this.#epoch = record.epoch;
    // A full disk must not keep a crashed instance from being started again: it goes on from memory.
    this.#save = () =>
      write().catch((error: unknown) => settings.note(`${path} could not be written: ${String(error)}`));
    this.#rotation = setInterval(() => void this.#rotate(), ROTATE_MS);
    this.#pulse = setInterval(
      createLiveness(
        () => this.#asked(),
        (text) => settings.note(text),
      ),
      PULSE_MS,
    );
  }

  /** Reads what the keeper before left and goes on with it. `given`: what that one can't write down. */
  static async open(settings: KeeperSettings, given: GivenToKeeper = NOTHING_GIVEN): Promise<Keeper> {
    mkdirSync(settings.folder.file(LOG_FOLDER), { recursive: true, mode: 0o700 });
    const record = readRecord(settings.folder.file(KEEPER_RECORD_FILE));
    const keeper = new Keeper(settings, record);
    try {
      await keeper.#restore(record, given);
    } catch (error) {
      await keeper.close();
      throw error;
    }
    return keeper;
  }

  state(): KeeperState {
    const living = [...this.#instances.values()].flatMap((instance) => {
      const identity = instance.process.identity;
      return identity === null ? [] : [[instance.id, identity] as const];
    });
    const usage = this.#meter.read(new Map(living));
    return {
      pid: process.pid,
      startedAt: this.#startedAt,
      bootId: bootId(),
      version: this.#settings.version,
      epoch: this.#epoch,
      given: (this.#settings.given ?? []).map(({ host, port }) => ({ host, port })),
      proxy: this.#proxy?.state() ?? null,
      instances: [...this.#instances.values()].map((instance) => instance.state(usage.get(instance.id))),
    };
  }

  /** Faults: stale-epoch (412). */
  checkEpoch(epoch: number): void {
    if (epoch >= this.#epoch) return;
    throw new Refusal(412, {
      code: "stale-epoch",
      what: `Another engine has taken over: its epoch is ${this.#epoch}, this one's ${epoch}.`,
      fix: "this engine must stop acting; tidegate status shows who acts",
    });
  }

  /** Resolves once the epoch is on disk: what was refused once stays refused. */
  async claim(epoch: number): Promise<void> {
    this.checkEpoch(epoch);
    this.#epoch = epoch;
    await this.#save();
  }

  /** A write in the name of an engine whose claim was lost claims as well. Faults: stale-epoch (412). */
  async meet(epoch: number): Promise<void> {
    this.checkEpoch(epoch);
    if (epoch > this.#epoch) await this.claim(epoch);
  }

  async putProxy(spec: ProxySpec): Promise<void> {
    this.#mustGoOn();
    const fresh = this.#proxy === null;
    this.#proxy ??= new ProxyProcess({ spec }, null, this.#proxySurroundings());
    try {
      await this.#proxy.apply(spec);
    } catch (error) {
      if (fresh) await this.#dropProxy();
      throw error;
    }
  }

  /** Faults: no-proxy (409), proxy-still-leaving (409), proxy-not-started. */
  async restartProxy(within: LeaveWithin): Promise<void> {
    this.#mustGoOn();
    if (this.#proxy === null) {
      throw new Refusal(409, {
        code: "no-proxy",
        what: "No data plane runs, so there is nothing to restart.",
        fix: "the first release starts it: tidegate release",
      });
    }
    await this.#proxy.restart(within);
  }

  async putInstance(spec: InstanceSpec): Promise<InstanceState> {
    this.#mustGoOn();
    const before = this.#instances.get(spec.id);
    if (before !== undefined) {
      await before.process.settled();
      if (before.process.state !== "exited") return before.state(undefined);
    }
    const instance = newInstance(spec, this.#surroundings(this.#settings.backoff ?? INSTANCE_BACKOFF));
    this.#instances.set(spec.id, instance);
    try {
      await instance.process.start();
    } catch (error) {
      await instance.process.stop(0);
      throw new FaultError({
        code: "instance-not-started",
        what: `${spec.id} could not be started.`,
        where: spec.directory,
        cause: error instanceof Error ? error.message : String(error),
      });
    }
    void this.#forgetOld();
    return instance.state(undefined);
  }

  /** Faults: unknown-instance (404), process-not-killable. */
  async deleteInstance(id: string, graceMs: number): Promise<InstanceState> {
    const instance = this.#instance(id);
    await instance.process.stop(graceMs);
    return instance.state(undefined);
  }

  /**
   * What the next keeper needs and no file may hold, once nothing is half done: this one must end then and leave all
   * alive. Faults: keeper-stops (409).
   */
  async leave(): Promise<Pick<GivenToKeeper, "secrets">> {
    this.#mustGoOn();
    await this.#proxy?.settled();
    await Promise.all([...this.#instances.values()].map((instance) => instance.process.settled()));
    await this.#save();
    const secrets = [...this.#instances].flatMap(([id, { secrets }]) => (secrets === null ? [] : [[id, secrets]]));
    return { secrets: Object.fromEntries(secrets) };
  }

  log(id: string, lines: number): Promise<readonly string[]> {
    return this.#instance(id).log(lines);
  }

  /** Stops the proxy, then all instances, and forgets them. The epoch stays. */
  async stopAll(): Promise<void> {
    this.#isStopping = true;
    await this.#dropProxy();
    await Promise.all([...this.#instances.values()].map((instance) => instance.process.stop(STOP_ALL_MS)));
    this.#instances.clear();
    await this.#save();
  }

  /** Lets go of everything and leaves it alive, for the next keeper to adopt. */
  async close(): Promise<void> {
    clearInterval(this.#rotation);
    clearInterval(this.#pulse);
    for (const instance of this.#instances.values()) instance.process.release();
    this.#proxy?.release();
    await this.#save();
  }

  async #restore(record: KeeperRecord, given: GivenToKeeper): Promise<void> {
    const backoff = this.#settings.backoff ?? INSTANCE_BACKOFF;
    for (const one of record.instances) {
      const secrets = given.secrets[one.spec.id] ?? null;
      this.#instances.set(one.spec.id, recordedInstance(one, secrets, this.#surroundings(backoff)));
    }
    if (record.proxy !== null) {
      this.#proxy = new ProxyProcess(record.proxy, record.proxy.life, this.#proxySurroundings());
      await this.#proxy.restore(given.sockets);
    }
    await Promise.all([...this.#instances.values()].map((instance) => instance.process.restore()));
    await removePipes(this.#settings.folder.file(LOG_FOLDER), marksIn(this.#record()));
  }

  /** Faults: keeper-stops (409). */
  #mustGoOn(): void {
    if (!this.#isStopping) return;
    throw new Refusal(409, { code: "keeper-stops", what: "Everything is being stopped, so nothing new is started." });
  }

  /** Who is asked whether it lives; nobody who is being stopped, and nobody while all are. */
  #asked(): readonly Asked[] {
    if (this.#isStopping) return [];
    return [...this.#instances.values()].flatMap(({ id, process, liveness }) =>
      liveness === undefined ? [] : [{ id, liveness, identity: process.state === "running" ? process.identity : null }],
    );
  }

  #instance(id: string): Instance {
    const instance = this.#instances.get(id);
    if (instance !== undefined) return instance;
    throw new Refusal(404, { code: "unknown-instance", what: `The keeper knows no instance ${id}.` });
  }

  async #dropProxy(): Promise<void> {
    await this.#proxy?.stop();
    this.#proxy = null;
    await this.#save();
  }

  #record(): KeeperRecord {
    return {
      format: 1,
      epoch: this.#epoch,
      proxy: this.#proxy?.record() ?? null,
      instances: [...this.#instances.values()].map((instance) => instance.record()),
    };
  }

  #surroundings(backoff: Backoff): Surroundings {
    return {
      backoff,
      logFile: (name) => this.#settings.folder.file(LOG_FOLDER, `${name}.log`),
      save: this.#save,
      note: (text) => this.#settings.note(text),
    };
  }

  #proxySurroundings(): ProxySurroundings {
    return {
      ...this.#surroundings(this.#settings.proxyBackoff ?? PROXY_BACKOFF),
      command: this.#settings.proxyCommand,
      directory: this.#settings.folder.path,
      given: this.#settings.given ?? [],
      controlSocket: this.#settings.folder.socket(PROXY_SOCKET),
    };
  }

  async #rotate(): Promise<void> {
    const names = ["keeper", "proxy", ...this.#instances.keys()];
    for (const name of names) {
      const path = this.#settings.folder.file(LOG_FOLDER, `${name}.log`);
      await rotateWhenGrown(path, this.#logs).catch((error: unknown) =>
        this.#settings.note(`${path} could not be rotated: ${String(error)}`),
      );
    }
  }

  /** Ended instances and their logs go in the end, or years of releases would fill the disk. */
  async #forgetOld(): Promise<void> {
    const endedAt = (instance: Instance): number => instance.process.life.lastExit?.at ?? 0;
    const ended = [...this.#instances.values()]
      .filter((instance) => instance.process.state === "exited" && instance.process.life.wanted === "stopped")
      .sort((a, b) => endedAt(b) - endedAt(a));
    const old = ended.filter((instance, n) => n >= REMEMBER || Date.now() - endedAt(instance) > REMEMBER_MS);
    for (const instance of old) {
      this.#instances.delete(instance.id);
      await removeLog(this.#settings.folder.file(LOG_FOLDER, `${instance.id}.log`), this.#logs);
    }
    if (old.length > 0) await this.#save();
  }
}
