import { z } from "zod";
import type { Parsed } from "../../core/text/units.ts";
import { type About, knowing } from "./about.ts";

/** Switches off what a wider scope has set. */
export const OFF = "off";

/** One limit or a list of them, as `parse` reads each; null switches off what a wider scope has set. */
export function limitsBy<T>(id: string, parse: (written: string | number) => Parsed<T>, about: About) {
  const one = z.union([z.string(), z.number()]);
  const schema = z.union([one, z.array(one).min(1)]).transform((value, context): readonly T[] | null => {
    if (value === OFF) return null;
    const list = Array.isArray(value) ? value : [value];
    return list.flatMap((item, index) => {
      const result = parse(item);
      if (result.ok) return [result.value];
      context.issues.push({
        code: "custom",
        message: result.what,
        params: { fix: result.fix },
        path: Array.isArray(value) ? [index] : [],
        input: item,
      });
      return [];
    });
  });
  return knowing(schema.meta({ id }), about);
}
