import type { Plain } from "./resolved-project.ts";
import { mapOf, textOf } from "./written-values.ts";

/** What a service has in its environment; null: what compose itself has there. */
export function environmentOf(service: Plain): Plain {
  return pairsOf(service["environment"]);
}

/** `A=1` in a list, or a map. */
export function pairsOf(value: unknown): Plain {
  if (!Array.isArray(value)) return mapOf(value);
  return Object.fromEntries(
    value.map((each) => {
      const text = textOf(each);
      const at = text.indexOf("=");
      return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

/** Compose fills `$NAME` in; our values are meant as they stand. */
export function escaped(values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.replaceAll("$", () => "$$")]));
}
