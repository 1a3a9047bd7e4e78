import { z } from "zod";
import type { Parsed } from "../../core/text/units.ts";
import type { NotBuilt } from "./not-built.ts";

/**
 * What messages and the reference page know of a schema beside zod's own: kept apart from it, so that the JSON Schema
 * holds nothing that an editor does not understand.
 */
export interface About {
  /** With its article, for "must be a duration". */
  readonly noun?: string;
  /** How one is written. */
  readonly like?: string;
  /** Reads the text again, to say what is wrong with a value that is no text (`for: 30`). */
  readonly parse?: (text: string) => Parsed<unknown>;
  /** Keys that are known and refused. */
  readonly notBuilt?: Readonly<Record<string, NotBuilt>>;
  /** The same for keys of an unknown key's value: `carts: { prometheus: … }`. */
  readonly notBuiltInside?: Readonly<Record<string, NotBuilt>>;
  /** Keys that are known elsewhere and never here, with the reason. */
  readonly elsewhere?: Readonly<Record<string, { readonly what: string; readonly fix: string }>>;
  /** A union of objects that are told apart by their first key: steps by their verb. */
  readonly verbs?: "step" | "request" | "check" | "authentication";
  /** For the reference page, where there is no value to show as one. */
  readonly default?: string;
  /** A section of the reference page. */
  readonly section?: { readonly title: string; readonly intro?: string; readonly example?: string };
}

export const about = z.registry<About>();

/** The same schema, with what is known about it. */
export function knowing<S extends z.ZodType>(schema: S, facts: About): S {
  about.add(schema, facts);
  return schema;
}
