/**
 * How many statements `tidegate migrate lint` reads and judges a second: node bench/lint.ts [--json] [--quick]. The SQL is
 * that of the rules' own examples, in files of forty statements. Ends with 1 when it misses the goal.
 */
import { RULES } from "../src/migrations/lint/catalogue.ts";
import { lint } from "../src/migrations/lint/lint.ts";
import { loadParser } from "../src/migrations/sql/parser.ts";
import { benchOptions, machine, machineLine, table } from "./measure/output.ts";
import { spreadOf } from "./measure/statistics.ts";

const GOAL = 10_000;
const FILES = 250;
const STATEMENTS_A_FILE = 40;

const { json, quick } = benchOptions();
const rounds = quick ? 3 : 15;

const parse = await loadParser();
const examples = RULES.flatMap(({ bad, good }) => [bad, good]).flatMap((sql) => sql.split("-- next file\n"));
const text = (from: number): string =>
  Array.from({ length: STATEMENTS_A_FILE }, (_, index) => examples[(from + index) % examples.length] ?? "").join("\n");
const files = Array.from({ length: FILES }, (_, index) => ({ name: `${index}.sql`, text: text(index * 7) }));

const perSecond: number[] = [];
let statements = 0;
for (let round = 0; round < rounds; round += 1) {
  const begin = process.cpuUsage();
  statements = lint(files, { parse, isTransactionAssumed: false }).length;
  const { user, system } = process.cpuUsage(begin);
  perSecond.push((statements * 1_000_000) / (user + system));
}

const { median, least, most } = spreadOf(perSecond);
const isGood = median >= GOAL;
const whole = (value: number): string => Math.round(value).toLocaleString("en");
if (json)
  process.stdout.write(
    `${JSON.stringify({ type: "bench-lint", machine: machine(), isGood, statements, perSecond: { median, least, most } })}\n`,
  );
else
  process.stdout.write(
    `${[
      `Statements linted in a second of processor time; median of ${rounds} rounds`,
      machineLine(machine()),
      "",
      table(
        ["statements", "a second", "spread"],
        [[whole(statements), whole(median), `${whole(least)} – ${whole(most)}`]],
      ),
      "",
      `${isGood ? "✔" : "✖"} goal: ${whole(GOAL)}`,
    ].join("\n")}\n`,
  );
process.exitCode = isGood ? 0 : 1;
