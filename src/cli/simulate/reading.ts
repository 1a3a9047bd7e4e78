import { FaultError } from "../../core/fault.ts";
import { misread, type Parsed, parsed } from "../../core/text/units.ts";
import { type Invocation, textOption } from "../definition.ts";

/** An option's value, or what stands for it where it was not given. `name`: as it is written, `stable-errors`. Faults: usage. */
export function valueOf<T>(invocation: Invocation, name: string, parse: (text: string) => Parsed<T>, otherwise: T): T {
  const text = givenText(invocation, name);
  if (text === undefined) return otherwise;
  const value = parse(text);
  if (value.ok) return value.value;
  throw new FaultError({ code: "usage", what: value.what, where: `--${name} ${text}`, fix: value.fix });
}

export function givenText(invocation: Invocation, name: string): string | undefined {
  return textOption(invocation, camelCase(name));
}

export function camelCase(name: string): string {
  return name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

export interface Bounds {
  readonly least: number;
  readonly most: number;
  /** The ends themselves will not do. */
  readonly isOpen?: boolean;
  readonly isWhole?: boolean;
  /** `a number of requests a second, above 0 and at most 10 000 000` */
  readonly words: string;
}

/** Reads with `parse`, and refuses what lies outside. */
export function within(
  parse: (text: string) => Parsed<number>,
  { least, most, isOpen = false, isWhole = false, words }: Bounds,
): (text: string) => Parsed<number> {
  return (text) => {
    const read = parse(text);
    if (!read.ok) return read;
    const { value } = read;
    const isInside = isOpen ? value > least && value < most : value >= least && value <= most;
    return isInside && (!isWhole || Number.isInteger(value))
      ? parsed(value)
      : misread(`\`${text.trim()}\` will not do here.`, `Give ${words}.`);
  };
}
