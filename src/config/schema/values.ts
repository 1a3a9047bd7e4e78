import { z } from "zod";
import { parseDuration, parsePercent, parseShare, type Parsed } from "../../core/text/units.ts";
import { type About, knowing } from "./about.ts";

/** A text that is read into a value; what is wrong with it is said by its own parser. */
function written<T>(id: string, parse: (text: string) => Parsed<T>, pattern: string, facts: About) {
  const schema = z
    .string()
    .transform((text, context): T => {
      const result = parse(text);
      if (result.ok) return result.value;
      context.issues.push({ code: "custom", message: result.what, params: { fix: result.fix }, input: text });
      return z.NEVER;
    })
    // The pattern is for editors only: the parser is what decides.
    .meta({ id, pattern });
  return knowing(schema, { ...facts, parse });
}

/** Milliseconds, written with a unit: `30s`. */
export const duration = written("duration", parseDuration, String.raw`^\s*(\d+(\.\d+)?(ms|[smhdw])\s*)+$`, {
  noun: "a duration",
  like: "30s",
});

/** Basis points, written as `5%`. */
export const share = written("share", parseShare, String.raw`^\s*\d+(\.\d+)?\s*%\s*$`, {
  noun: "a share of the traffic",
  like: "5%",
});

/** A part of one, written as `5%`. */
export const percent = written("percent", parsePercent, String.raw`^\s*\d+(\.\d+)?\s*%\s*$`, {
  noun: "a part in percent",
  like: "5%",
});

/** Any text that is not empty. */
export const text = (noun = "a text", like?: string) =>
  knowing(z.string().min(1), { noun, ...(like === undefined ? {} : { like }) });

/** A line for the user's shell. */
export const shellLine = (like = "npm ci") => text("a shell line", like);

/** A path below the plan file's folder. */
export const filePath = (like: string) => text("the path of a file", like);

export const wholeNumber = (least: number, most = Number.MAX_SAFE_INTEGER) =>
  knowing(z.int().min(least).max(most), { noun: "a whole number", like: String(Math.max(least, 2)) });

export const yesOrNo = () => knowing(z.boolean(), { noun: "`true` or `false`" });

/** Names that end up in file names, tables and headers. */
export const name = (noun: string, like: string) =>
  knowing(
    z
      .string()
      .max(40)
      .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/),
    { noun, like },
  );

/** A request path of the service. */
export const requestPath = (like: string) =>
  knowing(z.string().regex(/^\/[^\s#]*$/), { noun: "a path that begins with `/`", like });

/** One, or a list of them; read as a list. */
export function oneOrMore<S extends z.ZodType>(schema: S) {
  return z.union([schema, z.array(schema).min(1)]).transform((value) => (Array.isArray(value) ? value : [value]));
}

/** Variables of a process's environment. */
export const environment = knowing(
  z.record(
    knowing(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), {
      noun: "the name of an environment variable",
      like: "LOG_LEVEL",
    }),
    z.union([z.string(), z.number(), z.boolean()]).transform(String),
  ),
  { noun: "names and their values" },
);
