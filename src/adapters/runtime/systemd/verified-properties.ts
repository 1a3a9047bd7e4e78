import type { ServiceOf } from "../../../core/plan/service.ts";
import { withoutControls } from "../../../core/text/plain-text.ts";
import type { Notice } from "../../../ports/notice.ts";
import type { Systemctl } from "./systemctl.ts";

/** A unit of nothing but what is looked at: what is wrong with it is wrong with that. */
const BEFORE = ["[Service]", "ExecStart=/bin/true"];

/** What systemd says of what it does not take: it leaves it out, and starts the unit all the same. */
const LEFT_OUT = /,? ignoring(?:[.:].*)?$/;

/**
 * What systemd itself says of a service's `properties`: a limit that was mistyped would else be none, without a word. Nothing
 * where it can't be asked. Changes nothing.
 */
export async function verifyProperties(
  { name, runtime: { properties } }: ServiceOf<"systemd">,
  systemctl: Pick<Systemctl, "verify">,
): Promise<readonly Notice[]> {
  const written = Object.entries(properties).flatMap(([key, values]) => values.map((value) => ({ key, value })));
  if (written.length === 0) return [];
  const lines = [...BEFORE, ...written.map(({ key, value }) => `${key}=${value}`), ""];
  return (await systemctl.verify(lines.join("\n"))).flatMap(({ line, said }): readonly Notice[] => {
    const property = written[line - 1 - BEFORE.length];
    if (property === undefined) return [];
    const { key, value } = property;
    const isLeftOut = LEFT_OUT.test(said);
    const words = withoutControls(said.replace(LEFT_OUT, "")).replace(/\.$/, "");
    return [
      {
        about: name,
        level: isLeftOut ? "bad" : "warn",
        sentence: isLeftOut
          ? `systemd would leave out \`${key}: ${value}\`: ${words}`
          : `systemd says of \`${key}: ${value}\`: ${words}`,
        fix: `correct it under \`systemd: { properties }\`: man systemd.directives`,
      },
    ];
  });
}
