import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { getAsset, getAssetKeys } from "node:sea";

/** The folders that `layOut` makes. */
export const LAID_OUT: readonly string[] = ["example", "programs"];

const EXAMPLE = "examples/shop/";

/**
 * What the demo needs as files and one executable file has inside: the example's shop, and a `node` for it, which is
 * this very file under that name.
 */
export function layOut(folder: string): { readonly example: string; readonly programs: string } {
  const [example = "", programs = ""] = LAID_OUT.map((name) => join(folder, name));
  for (const key of getAssetKeys().filter((each) => each.startsWith(EXAMPLE))) {
    const path = join(example, key.slice(EXAMPLE.length));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, new Uint8Array(getAsset(key)));
  }
  mkdirSync(programs);
  symlinkSync(process.execPath, join(programs, "node"));
  return { example, programs };
}
