import { isAbsolute, resolve } from "node:path";
import type { HaproxyAddress, HaproxyPlan, TrafficPlan } from "../../core/plan/traffic.ts";
import type { Path } from "../reading/located.ts";
import type { PlanConfig } from "../schema/plan-file.ts";
import type { CompileContext, Told } from "./context.ts";

const FILES = "/etc/haproxy/tidegate";
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|localhost|::1)$/;

interface CompiledHaproxy {
  readonly plan: HaproxyPlan;
  readonly front: TrafficPlan["listen"];
}

/** `traffic.haproxy`, and what of the plan HAProxy can't do. null: the traffic is another plane's. */
export function compileHaproxy(config: PlanConfig, { folder }: CompileContext, told: Told): CompiledHaproxy | null {
  const written = config.traffic?.haproxy;
  if (config.traffic === undefined || written === undefined) return null;
  const isList = Array.isArray(written);
  const options = isList ? { socket: written, files: FILES } : written;
  const sockets: Path = isList ? ["traffic", "haproxy"] : ["traffic", "haproxy", "socket"];
  const front = "front" in options && options.front !== undefined ? [hostAndPort(options.front)] : [];
  const files = options.files === false ? null : resolve(folder, options.files);
  const inside = "inside" in options && options.inside !== undefined ? options.inside : (files ?? FILES);
  tellWhatItCannot(config, told);
  if (!isAbsolute(inside)) {
    told.plan.push({
      code: "plan-value-invalid",
      what: `\`${inside}\` is not the whole path of a folder.`,
      fix: "Write it from the root on, as HAProxy sees it: `/usr/local/etc/haproxy/tidegate`.",
      path: ["traffic", "haproxy", "inside"],
      on: "value",
    });
  }
  return {
    plan: {
      balancers: options.socket.map((each, index) => compileSocket(each, folder, [...sockets, index], told)),
      files,
      inside,
    },
    front,
  };
}

function compileSocket(
  written: string | { readonly tcp: string },
  folder: string,
  path: Path,
  told: Told,
): HaproxyAddress {
  if (typeof written !== "string") return { kind: "tcp", ...hostAndPort(written.tcp) };
  if (!/^(\[[0-9a-fA-F:.]+\]|[^\s:/]+):\d{1,5}$/.test(written)) return { kind: "unix", path: resolve(folder, written) };
  const address = hostAndPort(written);
  if (!LOOPBACK.test(address.host)) {
    told.plan.push({
      code: "plan-value-invalid",
      what: `Whoever reaches \`${written}\` can steer that HAProxy: its runtime API knows no password.`,
      fix: `If that network is yours alone, say so: \`{ tcp: ${written} }\`.`,
      path,
      on: "value",
    });
  }
  return { kind: "tcp", ...address };
}

function hostAndPort(written: string): { readonly host: string; readonly port: number } {
  const colon = written.lastIndexOf(":");
  return { host: written.slice(0, colon).replaceAll(/[[\]]/g, ""), port: Number(written.slice(colon + 1)) };
}

/** Refused with a sentence, never left out silently. */
function tellWhatItCannot({ traffic }: PlanConfig, told: Told): void {
  if (traffic?.pause !== undefined) {
    told.plan.push({
      code: "plan-value-invalid",
      what: "HAProxy can't hold requests back while one version takes the other's place.",
      fix: "Remove `pause`, or let Tidegate's own proxy split the traffic: `embedded: 8080`.",
      path: ["traffic", "pause"],
      on: "key",
    });
  }
}
