import { setTimeout as delay } from "node:timers/promises";
import type { Systemctl } from "./systemctl.ts";

/** Between asking it to end and ending it. */
const HUNG_GRACE_MS = 3_000;
const LOOK_MS = 100;

/** Ends one that lives and does not answer that it does: like any that crashed, systemd starts it again and counts it. */
export async function endHung(systemctl: Systemctl, unit: string): Promise<void> {
  const processOf = async (): Promise<string | undefined> =>
    (await systemctl.show([unit], ["MainPID"])).get(unit)?.["MainPID"];
  const hung = await processOf();
  await systemctl.run("kill", "--signal=SIGTERM", "--", unit);
  const until = performance.now() + HUNG_GRACE_MS;
  while (performance.now() < until) {
    await delay(LOOK_MS);
    if ((await processOf()) !== hung) return;
  }
  await systemctl.run("kill", "--signal=SIGKILL", "--", unit);
}
