/** A line of `show stat`, as far as it is needed. */
export interface StatRow {
  readonly backend: string;
  /** `BACKEND` for the whole of them. */
  readonly server: string;
  /** `UP`, `DOWN`, `MAINT`, `DRAIN`, `no check`, or on the way: `UP 1/3`. */
  readonly status: string;
  /** `host:port`; empty for a whole backend. */
  readonly address: string;
  /** Requests and tunnels that are open now. */
  readonly open: number;
  /** Requests that began. */
  readonly begun: number;
  /** Requests that have ended and were logged. Servers do not have it. */
  readonly ended: number;
  /** Seconds since the last request began; null: none did. */
  readonly idleSeconds: number | null;
}

/** Reads `show stat`: CSV whose first line names the columns. */
export function parseStat(answer: string): readonly StatRow[] {
  const [head = "", ...lines] = answer.split("\n").filter((line) => line !== "");
  const columns = head.replace(/^# /, "").split(",");
  const at = (name: string): number => columns.indexOf(name);
  const [px, sv, status, address, scur, stot, requests, last] = [
    at("pxname"),
    at("svname"),
    at("status"),
    at("addr"),
    at("scur"),
    at("stot"),
    at("req_tot"),
    at("lastsess"),
  ] as const;
  return lines.flatMap((line) => {
    const cells = cellsOf(line);
    const idle = Number(cells[last] === "" ? -1 : (cells[last] ?? -1));
    return cells[sv] === undefined
      ? []
      : [
          {
            backend: cells[px] ?? "",
            server: cells[sv],
            status: cells[status] ?? "",
            address: cells[address] ?? "",
            open: Number(cells[scur]),
            begun: Number(cells[stot]),
            ended: Number(cells[requests]),
            idleSeconds: idle < 0 ? null : idle,
          },
        ];
  });
}

/** Takes requests, as far as HAProxy knows. */
export function isUp({ status }: StatRow): boolean {
  return status.startsWith("UP") || status.startsWith("no check") || status.startsWith("NOLB");
}

/** The value of a line `Name: value` of `show info`. */
export function infoNumber(answer: string, name: string): number {
  return Number(new RegExp(`^${name}: (\\d+)`, "m").exec(answer)?.[1] ?? 0);
}

/** Commas within quotes belong to a cell; HAProxy quotes what a check has said. */
function cellsOf(line: string): readonly string[] {
  if (!line.includes('"')) return line.split(",");
  return [...line.matchAll(/(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
}
