/**
 * `npm run simulate`: plays worlds and says what breaks. `--seeds N --from SEED` how many and which, `--seed S --trace`
 * one of them again with everything that happens in it, `--planted` hunts planted faults (`--fault NAME` one of them),
 * `--json` for machines, `--brief` without what was reached.
 */
import { parseArgs } from "node:util";
import { everything, UNREACHABLE, type Coverage } from "./coverage.ts";
import { huntAll } from "./planted/hunt-all.ts";
import { FAULTS } from "./planted/faults.ts";
import { play } from "./play.ts";
import { RULES } from "./rules/rules.ts";
import { simulate } from "./simulate.ts";
import { traceLine } from "./trace.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "500" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    trace: { type: "boolean", default: false },
    planted: { type: "boolean", default: false },
    fault: { type: "string" },
    json: { type: "boolean", default: false },
    brief: { type: "boolean", default: false },
  },
});

const say = (text: string, document: Readonly<Record<string, unknown>>): void =>
  console.log(values.json ? JSON.stringify(document) : text);

process.exitCode = values.planted
  ? await planted()
  : values.seed === undefined
    ? await many()
    : await one(wholeNumber(values.seed));

async function many(): Promise<number> {
  const began = performance.now();
  const from = wholeNumber(values.from);
  const count = wholeNumber(values.seeds);
  const { failures, coverage, virtualMs } = await simulate({ from, count }, (seed, violations) => {
    for (const { rule, at, sentence } of violations.slice(0, 3))
      say(`seed ${seed}  ${rule} at ${(at / 1_000).toFixed(3)} s: ${sentence}`, {
        type: "failed",
        seed,
        rule,
        atMs: at,
        sentence,
      });
  });
  if (!values.brief) tellCoverage(coverage);
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  say(
    `${count} worlds, ${Math.round(virtualMs / 3_600_000)} virtual hours in ${seconds} s: ${failures.length === 0 ? "no rule is broken" : `${failures.length} break a rule; see one with --seed N --trace`}.`,
    { type: "simulated", seeds: count, failures: failures.length },
  );
  return failures.length === 0 ? 0 : 1;
}

function tellCoverage(coverage: Coverage): void {
  const wanted = everything();
  const never = wanted.filter((key) => !coverage.has(key));
  const unexplained = never.filter((key) => UNREACHABLE[key] === undefined);
  if (values.json)
    return say("", {
      type: "coverage",
      reached: Object.fromEntries([...coverage].sort(([a], [b]) => (a < b ? -1 : 1))),
      never: unexplained,
      unreachable: never.filter((key) => UNREACHABLE[key] !== undefined),
    });
  for (const [key, times] of [...coverage].sort(([a], [b]) => (a < b ? -1 : 1)))
    console.log(`${String(times).padStart(9)}  ${key}`);
  for (const key of never)
    console.log(`    never  ${key}${UNREACHABLE[key] === undefined ? "" : ` (can't be: ${UNREACHABLE[key]})`}`);
  console.log(
    `${wanted.length - never.length} of ${wanted.length} things that can happen have happened; ${unexplained.length} never did.`,
  );
}

async function one(seed: number): Promise<number> {
  const { violations, virtualMs } = await play(seed, (fact) => {
    const line = values.trace ? traceLine(fact) : null;
    if (line !== null) say(line, { type: "fact", ...fact });
  });
  for (const { rule, at, sentence } of violations) {
    const promised = RULES.find(({ name }) => name === rule)?.sentence ?? "";
    say(`✖ ${rule} at ${(at / 1_000).toFixed(3)} s: ${sentence}\n  always: ${promised}`, {
      type: "failed",
      seed,
      rule,
      atMs: at,
      sentence,
    });
  }
  say(`seed ${seed}: ${Math.round(virtualMs / 1_000)} virtual seconds, ${violations.length} broken.`, {
    type: "simulated",
    seeds: 1,
    failures: violations.length === 0 ? 0 : 1,
  });
  return violations.length === 0 ? 0 : 1;
}

async function planted(): Promise<number> {
  const faults = FAULTS.filter(({ name }) => values.fault === undefined || name === values.fault);
  const { planted, found } = await huntAll((fault, { seed, sentence, seeds, problem }) => {
    const { name, rule, file } = fault;
    const how = problem ?? (seed === null ? `NOT FOUND in ${seeds} worlds` : `by ${rule} in seed ${seed}: ${sentence}`);
    say(`${seed === null ? "✖" : "✔"} ${name} (${file}): ${how}`, {
      type: "planted-fault",
      name,
      rule,
      file,
      found: seed !== null,
      seed,
      sentence,
      ...(problem === null ? {} : { problem }),
    });
  }, faults);
  say(`${found} of ${planted} planted faults found.`, { type: "planted-faults", planted, found });
  return found === planted ? 0 : 1;
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new Error(`"${text}" is no whole number.`);
}
