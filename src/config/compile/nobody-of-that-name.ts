import { type NotifyTarget, receiverName } from "../../core/plan/receiver.ts";
import { nearest } from "../../core/text/nearest.ts";
import type { Path } from "../reading/located.ts";
import type { PathProblem } from "../reading/problem.ts";
import { type Scope, writtenIn } from "./entries.ts";

/** Guards whose `to` names nobody under `notify:`. */
export function nobodyOfThatName(scope: Scope, notify: readonly NotifyTarget[]): readonly PathProblem[] {
  return writtenIn(scope).flatMap(({ mine, path }) => unknownReceivers(mine.to ?? [], [...path, "to"], notify));
}

/** `path`: of the list in which the names stand. */
export function unknownReceivers(
  names: readonly string[],
  path: Path,
  notify: readonly NotifyTarget[],
): readonly PathProblem[] {
  const known = notify.map(receiverName);
  return names.flatMap((name, index): readonly PathProblem[] => {
    if (known.includes(name)) return [];
    const near = nearest(name, known);
    const what = `There is no \`${name}\` under \`notify:\`${near === undefined ? "." : `; did you mean \`${near}\`?`}`;
    return [
      {
        code: "plan-name-unknown",
        what,
        fix: `Known: ${known.join(", ")}.`,
        path: [...path, index],
        on: "value",
        isAbsence: true,
      },
    ];
  });
}
