import { mkdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";

export interface Options {
  readonly port: number;
  /** Folder of everything that all versions and processes share. */
  readonly data: string;
  /** `v1`, `v2` … as every answer's `x-shop-version` says. */
  readonly version: string;
  /** What was deployed, as the releaser calls it: a commit. */
  readonly build: string;
}

/** `--port N` before `PORT`, `--data FOLDER` before `SHOP_DATA`; makes the data folder. */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): Options {
  const { values } = parseArgs({
    args: [...args],
    options: { port: { type: "string" }, data: { type: "string" } },
  });
  const port = Number(values.port ?? env["PORT"] ?? 3000);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`Not a port: ${values.port ?? env["PORT"]}`);
  const data = resolve(values.data ?? env["SHOP_DATA"] ?? "data");
  mkdirSync(data, { recursive: true });
  return { port, data, version: env["SHOP_VERSION"] ?? packagedVersion(), build: env["TIDEGATE_VERSION"] ?? "local" };
}

function packagedVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(text) as { version: string };
  return `v${version.split(".")[0]}`;
}
