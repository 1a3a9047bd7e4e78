import { z } from "zod";
import { ENVIRONMENT_VARIABLES } from "../src/config/overrides.ts";
import { aboutOf, keysOf, nounOf, schemaAt, unwrap } from "../src/config/reading/schema-walk.ts";
import {
  BUILT_VERSION,
  type NotBuilt,
  NOT_BUILT_NOTIFY_KEYS,
  NOT_BUILT_SERVICE_KEYS,
  NOT_BUILT_STEPS,
  NOT_BUILT_TOP_KEYS,
  NOT_BUILT_TRAFFIC_KEYS,
} from "../src/config/schema/not-built.ts";
import { planFile } from "../src/config/schema/plan-file.ts";
import { stepSiblings } from "../src/config/schema/step-siblings.ts";
import { STEP_KINDS } from "../src/config/schema/steps.ts";
import { AFTERWORD, FOREWORD, STEPS_INTRO } from "./plan-file-words.ts";

type Schema = z.core.$ZodType;

/** docs/plan-file.md: the words of plan-file-words.ts around what the schema says of every key. */
export function planFilePage(): string {
  const service = valueOf(part(planFile, "services"));
  const traffic = part(planFile, "traffic");
  const guards = part(planFile, "guards");
  const metrics = keysOf(guards).filter((key) => !["before", "during", "after"].includes(key));
  const sourced = option(part(guards, "a name of the user's own"));
  const parts = [
    FOREWORD,
    "## The whole file\n\n" + table(planFile),
    section(service),
    section(option(part(service, "health"))),
    section(option(part(service, "systemd"))),
    section(traffic),
    section(option(element(part(traffic, "embedded")))),
    section(guards, false),
    `| metric | measures | a limit |\n|---|---|---|\n${metrics.map((key) => metricRow(guards, key)).join("\n")}`,
    "Under each metric stand its levels, and how it is looked at:\n\n" + table(option(part(guards, metrics[0] ?? ""))),
    "What `only` of a feature may say:\n\n" + table(onlyOf(part(guards, metrics[0] ?? ""))),
    `| part of the life | |\n|---|---|\n${["before", "during", "after"].map((key) => `| \`${key}\` | ${describe(part(guards, key))} |`).join("\n")}`,
    "Under any other name stands a figure of your own, with the one key that says where it comes from:\n\n" +
      table(sourced),
    section(part(planFile, "metrics")),
    section(part(planFile, "database")),
    section(part(planFile, "rehearsal")),
    STEPS_INTRO,
    `Beside every verb (but \`phase\`):\n\n${table(z.strictObject(stepSiblings))}`,
    ...STEP_KINDS.map(stepSection),
    section(option(part(planFile, "notify"))),
    section(part(planFile, "page"), false),
    `Receivers are written as under \`notify\`. Beside them:\n\n${table(part(planFile, "page"), ["on", "ack", "else", "name"])}`,
    environmentSection(),
    notBuiltSection(),
    AFTERWORD,
  ];
  return `${parts.join("\n\n")}\n`;
}

function onlyOf(metric: Schema): Schema {
  return unwrap(part(option(valueOf(part(option(metric), "features"))), "only"));
}

function part(schema: Schema, key: string): Schema {
  const found = schemaAt(schema, [key], undefined)?.schema;
  if (found === undefined) throw new TypeError(`The schema has no ${key}.`);
  return found;
}

function valueOf(schema: Schema): Schema {
  const record = unwrap(schema);
  if (!(record instanceof z.ZodRecord)) throw new TypeError("Not a record.");
  return record.valueType;
}

/** The schema of one, where one or a list of them may be written. */
function element(schema: Schema): Schema {
  const union = unwrap(schema);
  const first = union instanceof z.ZodUnion ? union.options[0] : undefined;
  return first ?? schema;
}

/** The object among what may be written. */
function option(schema: Schema): Schema {
  const union = unwrap(schema);
  const found = union instanceof z.ZodUnion ? union.options.find((one) => keysOf(one).length > 0) : undefined;
  return found ?? schema;
}

function section(schema: Schema, withTable = true): string {
  const { section: words } = aboutOf(schema);
  if (words === undefined) throw new TypeError("A section needs its words.");
  const lines = [`## ${words.title}`];
  if (words.intro !== undefined) lines.push(words.intro);
  if (words.example !== undefined) lines.push(yaml(words.example));
  if (withTable) lines.push(table(schema));
  return lines.join("\n\n");
}

function stepSection({ verb, schema, example }: (typeof STEP_KINDS)[number]): string {
  const siblings = verb === "phase" ? [] : Object.keys(stepSiblings);
  const own = keysOf(schema).filter((key) => !siblings.includes(key));
  const rows = own.filter((key) => !(own.length === 1 && nounOf(part(schema, key)) === "nothing"));
  const lines = [`### \`${verb}\``, z.globalRegistry.get(schema)?.description ?? "", yaml(example)];
  if (rows.length > 0) lines.push(table(schema, rows));
  return lines.join("\n\n");
}

function metricRow(guards: Schema, key: string): string {
  const schema = part(guards, key);
  return `| \`${key}\` | ${describe(schema)} | \`${aboutOf(schema).like ?? ""}\` |`;
}

function table(schema: Schema, keys: readonly string[] = keysOf(schema)): string {
  const rows = keys.flatMap((key) => rowsOf(part(schema, key), key));
  return `| key | value | default | means |\n|---|---|---|---|\n${rows.join("\n")}`;
}

/** The key's row, and under it those of an object that has no section of its own. */
function rowsOf(schema: Schema, path: string): readonly string[] {
  const row = `| \`${path}\` | ${cell(typeOf(schema))} | ${defaultOf(schema)} | ${cell(describe(schema))} |`;
  const object = option(schema);
  const isElsewhere = [
    "guards",
    "steps",
    "health",
    "systemd",
    "embedded",
    "traffic",
    "notify",
    "page",
    "else",
    "metrics",
    "database",
    "rehearsal",
  ].includes(path);
  const inner = isElsewhere ? [] : keysOf(object).flatMap((key) => rowsOf(part(object, key), `${path}.${key}`));
  return [row, ...inner];
}

/** "duration", "a text or an object": without its article where it is one word of ours. */
function typeOf(schema: Schema): string {
  return nounOf(schema).replaceAll(/(^|, | or |\/ )(?:an?|the) /g, "$1");
}

function defaultOf(schema: Schema): string {
  const value = writtenDefault(schema);
  const { default: told } = aboutOf(schema);
  if (told !== undefined) return told;
  if (value === undefined) return isOptional(schema) ? "" : "required";
  const text = JSON.stringify(value);
  return text === "{}" || text === "[]" ? "" : `\`${typeof value === "string" ? value : text}\``;
}

function writtenDefault(schema: Schema): unknown {
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault) return schema._zod.def.defaultValue;
  if (schema instanceof z.ZodOptional) return writtenDefault(schema._zod.def.innerType);
  return undefined;
}

function isOptional(schema: Schema): boolean {
  return schema._zod.optin === "optional";
}

function describe(schema: Schema): string {
  const words = z.globalRegistry.get(schema)?.description;
  if (words === undefined) throw new TypeError("Every key needs a description.");
  return words;
}

function cell(text: string): string {
  return text
    .replaceAll("|", String.raw`\|`)
    .replaceAll(/\b(checklists|smoke-tests|notifications)\.md\b/g, "[$1.md]($1.md)");
}

function yaml(text: string): string {
  return `\`\`\`yaml\n${text}\n\`\`\``;
}

function environmentSection(): string {
  const rows = ENVIRONMENT_VARIABLES.map(({ name, sets, like }) => `| \`${name}\` | ${sets} | \`${name}=${like}\` |`);
  return `## Environment variables

They go before the file and its overlay, and the command line goes before them. Durations and shares may carry their units
here too. \`tidegate plan\` shows what each of them changed.

| variable | sets | example |
|---|---|---|
${rows.join("\n")}`;
}

function notBuiltSection(): string {
  const rows = (where: string, table: Readonly<Record<string, NotBuilt>>): readonly string[] => {
    const alike = Object.groupBy(
      Object.keys(table),
      (key) => `${table[key]?.part ?? ""} | ${table[key]?.instead ?? ""}`,
    );
    return Object.entries(alike).map(
      ([words, keys = []]) => `| ${keys.map((key) => `\`${key}\``).join(", ")} | ${where} | ${words} |`,
    );
  };
  return `## Not built yet

Tidegate ${BUILT_VERSION} knows these keys and refuses them with a sentence; it never ignores one.

| key | where | comes with the part | until then |
|---|---|---|---|
${[
  ...rows("the file", NOT_BUILT_TOP_KEYS),
  ...rows("a service", NOT_BUILT_SERVICE_KEYS),
  ...rows("`traffic`", NOT_BUILT_TRAFFIC_KEYS),
  ...rows("a step", NOT_BUILT_STEPS),
  ...rows("`notify`", NOT_BUILT_NOTIFY_KEYS),
].join("\n")}`;
}
