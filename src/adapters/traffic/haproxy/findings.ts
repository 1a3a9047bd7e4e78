import { withoutFullStop } from "../../../core/text/plain-text.ts";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { faultOf } from "../../../core/fault.ts";
import type { HaproxyAddress, HaproxyPlan } from "../../../core/plan/traffic.ts";
import type { Instant } from "../../../core/time/time.ts";
import { createBalancer } from "./balancer.ts";
import { type FragmentPlan, fragmentOf, sparesOf } from "./fragment.ts";
import { haproxyNames } from "./names.ts";
import { nameOf, openRuntime } from "./runtime-socket.ts";
import { infoNumber, isUp } from "./stat.ts";

/** What was found out about a load balancer; as the doctor tells it. */
export interface HaproxyFinding {
  readonly name: string;
  readonly state: "ok" | "info" | "warn" | "bad";
  readonly sentence: string;
  readonly fix?: string;
}

const ANSWER_MS = 2_000;
/** What this was built and tried with. */
const OLDEST: readonly [number, number] = [2, 6];
const CLOCK_MAY_DIFFER_MS = 3_000;

/** Looks at all load balancers of a plan, and changes nothing. */
export async function lookAtHaproxy(
  plan: FragmentPlan,
  haproxy: HaproxyPlan,
  now: () => Instant,
): Promise<readonly HaproxyFinding[]> {
  const each = await Promise.all(haproxy.balancers.map((address) => lookAtOne(plan, haproxy, address, now)));
  return [...each.flat(), ...(await lookAtFiles(plan, haproxy))];
}

async function lookAtOne(
  plan: FragmentPlan,
  haproxy: HaproxyPlan,
  address: HaproxyAddress,
  now: () => Instant,
): Promise<readonly HaproxyFinding[]> {
  const name = nameOf(address);
  try {
    const { app, environment } = plan;
    const balancer = createBalancer({ address, app, environment, files: null, answerMs: ANSWER_MS, now });
    await balancer.check(fragmentOf(plan, haproxy).digest);
    const { servers, pid } = await balancer.look();
    using session = await openRuntime(address, ANSWER_MS);
    const info = await session.run("show info");
    const version = /^Version: (\S+)/m.exec(info)?.[1] ?? "unknown";
    const taking = servers.filter((row) => !row.status.startsWith("MAINT"));
    const up = taking.filter(isUp).length;
    const said = `HAProxy ${version}, process ${pid}, has Tidegate's part`;
    const counted = taking.length === 0 ? "no instance yet" : `${up} of ${taking.length} instances up`;
    return [
      found(up < taking.length ? "warn" : "ok", `${name}: ${said}; ${counted}`, "tidegate status"),
      ...ageOf(name, version),
      ...clockOf(name, info, now()),
      ...otherPlace(name, (await session.run("show map")).split("\n"), plan, haproxy),
    ];
  } catch (error) {
    const { what, cause, fix } = faultOf(error, "traffic-unreachable", `HAProxy at ${name} can't be asked.`);
    return [found("bad", `${withoutFullStop(what)}${cause === undefined ? "" : ` (${cause})`}`, fix)];
  }
}

function ageOf(name: string, version: string): readonly HaproxyFinding[] {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return [];
  return [found("warn", `${name}: HAProxy ${version} is older than 2.6, with which this was tried`, "upgrade it")];
}

/** Leases end by HAProxy's own clock. It tells whole seconds. */
function clockOf(name: string, info: string, now: Instant): readonly HaproxyFinding[] {
  const begun = infoNumber(info, "Start_time_sec");
  if (begun === 0) return [];
  const apart = (begun + infoNumber(info, "Uptime_sec")) * 1_000 - now;
  if (Math.abs(apart) <= CLOCK_MAY_DIFFER_MS) return [];
  const by = `${Math.round(Math.abs(apart) / 1_000)} s ${apart > 0 ? "ahead" : "behind"}`;
  return [
    found(
      "warn",
      `${name}: its clock is ${by} of this machine's, so unwatched shares end that much ${apart > 0 ? "sooner" : "later"}`,
      "keep both clocks with NTP",
    ),
  ];
}

/** HAProxy starts with another file than the one that Tidegate writes. */
function otherPlace(
  name: string,
  maps: readonly string[],
  { app, environment }: FragmentPlan,
  { files, inside }: HaproxyPlan,
): readonly HaproxyFinding[] {
  const file = haproxyNames(app, environment).mapFile;
  const line = maps.find((each) => each.includes(`/${file})`)) ?? "";
  const path = /\(([^)]*)\)/.exec(line)?.[1];
  if (files === null || path === undefined || path === `${inside}/${file}`) return [];
  return [
    found(
      "bad",
      `${name}: it starts with ${path}, and Tidegate writes ${inside}/${file}`,
      "set traffic.haproxy.files (and `inside`, in a container) to the folder that HAProxy reads",
    ),
  ];
}

async function lookAtFiles({ services }: FragmentPlan, { files }: HaproxyPlan): Promise<readonly HaproxyFinding[]> {
  if (files === null)
    return [
      found(
        "warn",
        "its files are out of reach (`files: false`): started again, HAProxy goes its own way until a release or `tidegate serve` looks",
        "give Tidegate a folder that HAProxy reads too: traffic.haproxy.files",
      ),
    ];
  const most = Math.min(...services.filter(({ routes }) => routes.length > 0).map(sparesOf));
  return await access(files, constants.W_OK | constants.X_OK).then(
    () => [found("ok", `${files} can be written: a restart of HAProxy goes on with up to ${most} instances a version`)],
    (error: NodeJS.ErrnoException) => [
      found(
        "bad",
        `${files} can't be written (${error.code ?? error.message}), so a restart of HAProxy would begin with old shares`,
        `sudo install -d -o "$USER" -g haproxy -m 750 ${files}`,
      ),
    ],
  );
}

function found(state: HaproxyFinding["state"], sentence: string, fix?: string): HaproxyFinding {
  return { name: "haproxy", state, sentence, ...(fix === undefined ? {} : { fix }) };
}
