import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { freePort } from "../../../src/adapters/runtime/free-port.ts";
import { type LoadProcess, startLoad } from "../../../src/demo/load-process.ts";
import type { LoadReport } from "../../../src/demo/load-report.ts";
import { USUAL_LOAD } from "../../../src/demo/run-load.ts";
import { createShopRepository, type ShopVersions } from "../../../src/demo/shop-repository.ts";
import { callControl } from "../../../src/local/control-socket.ts";
import { type StateFolder, stateFolder } from "../../../src/local/state-folder.ts";
import type { KeeperState } from "../../../src/keeper/protocol.ts";
import type { Status } from "../../../src/core/status/status.ts";
import { type Command, type Ended, startCommand } from "../../e2e/support/command.ts";
import { endProcessesIn } from "../../e2e/support/leftovers.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

/** The demo's shop in a folder of its own, and its customers. Everything in it is ended with it. */
export interface Shop extends AsyncDisposable {
  readonly folder: string;
  readonly state: StateFolder;
  readonly versions: ShopVersions;
  readonly port: number;
  tidegate(words: readonly string[], options?: ShopOptions): Promise<Ended>;
  start(words: readonly string[], options?: ShopOptions): Command;
  status(): Promise<Status>;
  keeper(): Promise<KeeperState>;
  /** How long each share of the next release is watched; 2s to begin with. */
  hold(time: string): void;
  /** The customers come. */
  open(): LoadProcess;
  /** They go; every order that was accepted was looked up in the store. */
  close(load: LoadProcess): Promise<LoadReport>;
}

export interface ShopOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly node?: readonly string[];
}

/** Few enough for a machine that has much else to do: who waits for more than three seconds counts as failed. */
const REQUESTS_PER_SECOND = 40;

/** The demo's plan with other holds: a fifth of the customers, then all of them. */
const steps = (hold: string): string => `
steps:
  - check: checklists/production.md
  - start
  - smoke: smoke/critical.yaml
  - warm: { pages: [/, /products, /products/soil], within: 2s, rounds: 2 }
  - shift: 20%
    for: ${hold}
  - shift: 100%
    for: ${hold}
  - retire
guards:
  errors: { rollback: "> 1%", window: 10s, minRequests: 20, minEvents: 3, breaches: 1 }
  p95: off
  restarts: off
`;

export async function openShop(): Promise<Shop> {
  const temporary = temporaryFolder();
  const folder = temporary.file("shop");
  const data = temporary.file("data");
  mkdirSync(data);
  const versions = await createShopRepository(folder);
  const port = await freePort(new Set());
  const hold: Shop["hold"] = (time) =>
    writeFileSync(join(folder, "tidegate.production.yaml"), `traffic: { embedded: ${port} }\n${steps(time)}`);
  hold("2s");
  const state = stateFolder(join(folder, ".tidegate"));
  const commands: Command[] = [];
  const loads: LoadProcess[] = [];
  const base = {
    PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`,
    HOME: temporary.path,
    LANG: "C.UTF-8",
    TIDEGATE_USER: "ann",
    SHOP_DATA: data,
  };
  const start: Shop["start"] = (words, { env = {}, node } = {}) => {
    const command = startCommand([...words, "--json"], {
      cwd: folder,
      env: { ...base, ...env },
      ...(node === undefined ? {} : { node }),
    });
    commands.push(command);
    return command;
  };
  return {
    folder,
    state,
    versions,
    port,
    hold,
    start,
    tidegate: (words, options) => start(words, options).ended,
    async status() {
      const { stdout } = await start(["status"]).ended;
      return (JSON.parse(stdout) as { readonly status: Status }).status;
    },
    keeper: () => callControl<KeeperState>(state.socket("keeper.sock"), "/state"),
    open() {
      const store = join(data, "shop.db");
      const load = startLoad({
        ...USUAL_LOAD,
        url: `http://127.0.0.1:${port}`,
        requestsPerSecond: REQUESTS_PER_SECOND,
        connections: 20,
        webSockets: 5,
        eventStreams: 3,
        store,
      });
      loads.push(load);
      return load;
    },
    async close(load) {
      const report = await load.stop();
      assert.equal(report.orders.notChecked, undefined);
      return report;
    },
    async [Symbol.asyncDispose]() {
      for (const command of commands) command.kill("SIGKILL");
      await Promise.allSettled(loads.map((load) => load.stop()));
      await endProcessesIn(temporary.path);
      await temporary[Symbol.asyncDispose]();
    },
  };
}

/** The places at which the engine has died so far. */
export function deathsIn(file: string): readonly string[] {
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
}
