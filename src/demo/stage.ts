import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { isSea } from "node:sea";
import { FaultError } from "../core/fault.ts";
import { stateFolder } from "../local/state-folder.ts";
import { makeFolder } from "../local/make-folder.ts";
import { LAID_OUT, layOut } from "./lay-out.ts";
import { createShopRepository } from "./shop-repository.ts";

/** Where the demo plays: a folder that holds the shop's repository and its data, and a front door that is free. */
export interface Stage {
  readonly folder: string;
  /** The git repository with its plan file: where Tidegate is run. */
  readonly shop: string;
  readonly data: string;
  /** The shop's database. */
  readonly store: string;
  readonly url: string;
  /** Of every process that is started here. */
  readonly env: Readonly<Record<string, string>>;
  /** Takes away what the demo put there; synchronous, because it is also the last thing that a dying process does. */
  clear(): void;
}

/** Makes the stage: in a new temporary folder, or in `wanted`, which must be empty or not there yet. */
export async function setStage(wanted: string | undefined): Promise<Stage> {
  const { folder, isNew } = wanted === undefined ? temporaryFolder() : namedFolder(resolve(wanted));
  const shop = join(folder, "shop");
  const data = join(folder, "data");
  const clear = (): void => {
    for (const path of isNew ? [folder] : [shop, data, ...LAID_OUT.map((name) => join(folder, name))])
      rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    const sockets = dirname(stateFolder(join(shop, ".tidegate")).socket("x"));
    if (!sockets.startsWith(folder)) rmSync(sockets, { recursive: true, force: true });
  };
  try {
    mkdirSync(data);
    const inside = isSea() ? layOut(folder) : null;
    await createShopRepository(shop, inside?.example);
    const port = await freePort();
    // The plan file says 8080, which may be somebody else's here: an overlay, as any user would write one.
    writeFileSync(join(shop, "tidegate.production.yaml"), `traffic: { embedded: ${port} }\n`);
    const env = { ...withoutInfluence(process.env), PATH: pathWithThisNode(inside?.programs), SHOP_DATA: data };
    return { folder, shop, data, store: join(data, "shop.db"), url: `http://127.0.0.1:${port}`, env, clear };
  } catch (error) {
    clear();
    throw error;
  }
}

function temporaryFolder(): { readonly folder: string; readonly isNew: boolean } {
  return { folder: mkdtempSync(join(realpathSync(tmpdir()), "tidegate-demo-")), isNew: true };
}

function namedFolder(folder: string): { readonly folder: string; readonly isNew: boolean } {
  const isNew = !existsSync(folder);
  try {
    makeFolder(folder, 0o700);
  } catch (error) {
    throw new FaultError(
      {
        code: "usage",
        what: "The folder for the demo can't be made.",
        where: folder,
        cause: error instanceof Error ? error.message : String(error),
        fix: "name another one, or leave --folder out",
      },
      { cause: error },
    );
  }
  if (readdirSync(folder).length > 0)
    throw new FaultError({
      code: "usage",
      what: "The folder for the demo is not empty.",
      where: folder,
      fix: "name another one, or leave --folder out",
    });
  return { folder: realpathSync(folder), isNew };
}

/** What would make this demo another one: settings of the user's own releases, and git's of a hook around. */
const INFLUENCE = /^(?:DEPLOYMENT_ENV|TIDEGATE_STATE|HEALTH_CHECK_\w+|CANARY_\w+|AUTOMATIC_ROLLBACK_ON_ERROR|GIT_\w+)$/;

function withoutInfluence(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !INFLUENCE.test(entry[0]),
    ),
  );
}

/** The shop is started as `node server.ts`, and the first `node` of the user's may be too old for it. */
function pathWithThisNode(folder = dirname(process.execPath)): string {
  return [folder, process.env["PATH"]].filter(Boolean).join(delimiter);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
