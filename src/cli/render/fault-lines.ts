import { describeFault, type Fault } from "../../core/fault.ts";
import { wrap } from "./text.ts";

/** Two spaces and a label, or nothing under it. */
const ROW = /^( {2}\w+ +| {9})(.*)$/;

/** A fault as people read it, in lines of at most `width` columns; each row's later lines stand under its first. */
export function faultLines(fault: Fault, width: number): readonly string[] {
  return describeFault(fault)
    .split("\n")
    .flatMap((line) => {
      const [, lead, text] = ROW.exec(line) ?? [];
      if (lead === undefined || text === undefined) return wrap(line, width);
      const [first = "", ...more] = wrap(text, Math.max(20, width - lead.length));
      return [lead + first, ...more.map((each) => " ".repeat(lead.length) + each)];
    });
}
