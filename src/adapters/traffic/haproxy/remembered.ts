import { readFileSync, rmSync } from "node:fs";
import type { HaproxyPlan } from "../../../core/plan/traffic.ts";
import { writeFileAtomically } from "../../../local/atomic-file.ts";
import type { StateFolder } from "../../../local/state-folder.ts";

/** Where an app's HAProxy is steered: for whoever has no plan at hand, and no journal, but must put traffic back. */
export interface RememberedHaproxy {
  readonly app: string;
  readonly environment: string;
  readonly haproxy: HaproxyPlan;
}

const FILE = "haproxy.json";

/** null: the traffic of this state folder is not HAProxy's, as far as is known. */
export function rememberedHaproxy(folder: StateFolder): RememberedHaproxy | null {
  try {
    const { format, ...rest } = JSON.parse(readFileSync(folder.file(FILE), "utf8")) as RememberedHaproxy & {
      readonly format: number;
    };
    return format === 1 ? rest : null;
  } catch {
    return null;
  }
}

/** Written when a release begins, while there is room; nothing is written where nothing has changed. */
export async function rememberHaproxy(folder: StateFolder, remembered: RememberedHaproxy): Promise<void> {
  const { app, environment, haproxy } = remembered;
  const known = rememberedHaproxy(folder);
  if (JSON.stringify(known) === JSON.stringify({ app, environment, haproxy })) return;
  await writeFileAtomically(folder.file(FILE), `${JSON.stringify({ format: 1, app, environment, haproxy })}\n`);
}

/** The traffic is another plane's from now on. */
export function forgetHaproxy(folder: StateFolder): void {
  rmSync(folder.file(FILE), { force: true });
}
