import { shortVersion } from "../../core/text/short-version.ts";
import { formatDuration } from "../../core/time/time.ts";
import type { RoutingTable, TrafficState } from "../../core/traffic/routing.ts";
import { formatShare, WHOLE } from "../../core/traffic/share.ts";
import type { WithoutJournal } from "../without-journal.ts";
import { emergencyLine } from "./emergency-line.ts";
import { faultLines } from "./fault-lines.ts";
import { instanceList } from "./instance-list.ts";
import { labelled } from "./labelled.ts";
import { paint, type Style } from "./style.ts";

/** What serves and how it is, as data plane and keeper say it themselves, under why no journal tells more. */
export function withoutJournalLines({ fault, plane, instances, holder }: WithoutJournal, style: Style) {
  const acts =
    holder === null
      ? "nobody, as far as can be seen"
      : `process ${holder.pid} (${holder.command})${holder.isStopped ? ", which is stopped" : ""}`;
  return [
    ...faultLines(fault, style.width),
    "",
    paint(style, "dim", "what data plane and keeper say"),
    ...labelled("share", servesSentences(plane), style),
    ...labelled("acts", [acts], style),
    "",
    ...(instances === null
      ? ["No instance runs: no keeper answers."]
      : [paint(style, "dim", "instances"), ...instanceList(instances, Date.now(), style)]),
  ];
}

/** The same for machines. Shares in percent. */
export function withoutJournalDocument({ fault, plane, instances, holder }: WithoutJournal): Record<string, unknown> {
  const table = plane?.table ?? null;
  return {
    fault,
    serves:
      table === null
        ? null
        : {
            release: table.release,
            app: table.app,
            environment: table.environment,
            stable: table.stable?.version ?? null,
            candidate: table.candidate?.version ?? null,
            sharePercent: table.share / 100,
            listening: plane?.listening ?? [],
          },
    holder,
    instances,
  };
}

/** Who is sent where, by the data plane alone. */
export function servesSentences(plane: TrafficState | null): readonly string[] {
  if (plane === null) return ["no data plane answers: nobody is sent anywhere"];
  const { table, listening } = plane;
  const at = listening.map(({ host, port }) => `${host}:${port}`).join(", ");
  if (table === null || (table.stable === null && table.candidate === null))
    return [`no version${at === "" ? "" : `; ${at} answers 503`}`];
  return [
    `${sharesOf(table)}, at ${at === "" ? "no address" : at}, by the table of release ${table.release} (${table.app}, ${table.environment})`,
    ...(table.lease === null
      ? []
      : [
          table.lease.do === "hold"
            ? "unwatched, that stays: the plan says hold"
            : `unwatched for ${formatDuration(table.lease.unwatchedMs)}, all of it goes back to ${shortVersion(table.stable?.version ?? "stable")}`,
        ]),
    ...(table.emergency === undefined ? [] : [emergencyLine(table.emergency, shortVersion)]),
  ];
}

function sharesOf({ stable, candidate, share }: RoutingTable): string {
  const sides = [
    ...(stable === null ? [] : [{ version: stable.version, share: WHOLE - share }]),
    ...(candidate === null ? [] : [{ version: candidate.version, share }]),
  ];
  return sides
    .filter((side) => side.share > 0)
    .map((side) => `${formatShare(side.share)} on ${shortVersion(side.version)}`)
    .join(", ");
}
