/**
 * What users lose when the data plane or the keeper is restarted, replaced or killed under load: node bench/handover.ts
 * [--json] [--quick]. Ends with 1 when a hand-over failed somebody, or a kill refused a connection.
 */
import type { LastingCounts } from "./handover/lasting.ts";
import { openPlace } from "./handover/place.ts";
import { type HandOvers, handOvers, keepersReplaced, kills, type Kills, type Rounds } from "./handover/rounds.ts";
import { benchOptions, machine, machineLine, progress, table } from "./measure/output.ts";
import { startListening } from "./measure/started-program.ts";
import { scratchFolder } from "./measure/scratch-folder.ts";

const SHOP = new URL("./handover/shop.ts", import.meta.url);

const { json, quick } = benchOptions();
const REQUESTS = quick ? 10_000 : 50_000;
const BOUND_MS = quick ? 60_000 : 300_000;
const ROUNDS = quick ? 3 : 10;
/** Few: one that is killed again and again is started later each time, and that is not what is measured here. */
const KILLS = quick ? 3 : 5;

await run();

async function run(): Promise<void> {
  await using folder = scratchFolder();
  await using shop = await startListening(SHOP, []);
  await using place = await openPlace(folder.file("state"), shop.port);
  progress("restarting the proxy");
  const restarts = await handOvers(place, REQUESTS, BOUND_MS);
  progress("replacing the keeper");
  const keepers = await keepersReplaced(place, ROUNDS);
  progress("killing the proxy");
  const killed = await kills(place, KILLS, false);
  progress("killing keeper and proxy");
  const bothKilled = await kills(place, KILLS, true);
  progress("");

  const lasting = [restarts.webSockets, restarts.eventStreams, restarts.uploads];
  const failed = restarts.failed + keepers.failed + lasting.reduce((sum, each) => sum + each.failed, 0);
  const refused = killed.refused + bothKilled.refused;
  const other = [killed, bothKilled].reduce((sum, each) => sum + each.failed - each.refused - each.cut, 0);
  const isGood = failed === 0 && refused === 0 && other === 0 && restarts.requests >= REQUESTS;
  if (json) {
    const document = { type: "bench-handover", machine: machine(), isGood, restarts, keepers, killed, bothKilled };
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  } else process.stdout.write(`${lines(restarts, keepers, [killed, bothKilled], failed, refused).join("\n")}\n`);
  process.exitCode = isGood ? 0 : 1;
}

function lines(
  restarts: HandOvers,
  keepers: Rounds,
  killed: readonly Kills[],
  failed: number,
  refused: number,
): readonly string[] {
  const lasting: readonly (readonly [string, LastingCounts])[] = [
    ["WebSockets", restarts.webSockets],
    ["event streams", restarts.eventStreams],
    ["uploads of 3 s", restarts.uploads],
  ];
  return [
    "Restarted, replaced and killed under load",
    machineLine(machine()),
    "",
    table(
      ["handed over", "times", "requests", "failed", "seconds"],
      [restarts, keepers].map((each) => [
        each.what,
        String(each.rounds),
        each.requests.toLocaleString("en"),
        String(each.failed),
        String(each.seconds),
      ]),
    ),
    ...[restarts, keepers].flatMap(({ what, failures }) => failures.map((failure) => `  ${what}: ${failure}`)),
    "",
    table(
      ["meanwhile, while the proxy was restarted", "begun", "ended in order", "failed"],
      lasting.map(([what, { begun, inOrder, failed }]) => [what, ...[begun, inOrder, failed].map(String)]),
    ),
    ...lasting.flatMap(([what, { failures }]) => failures.map((failure) => `  ${what}: ${failure}`)),
    "",
    table(
      ["kill -9", "times", "requests", "refused", "cut", "counted in flight", "open connections", "else"],
      killed.map((each) => [
        each.what,
        String(each.rounds),
        each.requests.toLocaleString("en"),
        String(each.refused),
        String(each.cut),
        String(each.counted),
        String(each.connections),
        String(each.failed - each.refused - each.cut),
      ]),
    ),
    ...killed.flatMap(({ what, failures }) => failures.slice(0, 2).map((failure) => `  ${what}: ${failure}`)),
    "A dying process closes its connections some milliseconds late: what arrives there meanwhile is cut, and no process counts it.",
    "",
    `${failed === 0 ? "✔" : "✖"} ${failed} failed in hand-overs (goal 0 of at least ${REQUESTS.toLocaleString("en")} requests)`,
    `${refused === 0 ? "✔" : "✖"} ${refused} connections refused while a killed proxy was away (goal 0)`,
  ];
}
