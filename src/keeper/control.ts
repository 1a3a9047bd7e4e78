import { FaultError } from "../core/fault.ts";
import { type ControlHandler, type ControlRequest, Refusal } from "../local/control-socket.ts";
import { LEAVE_WITHIN, type LeaveWithin } from "../proxy/protocol.ts";
import type { Keeper } from "./keeper.ts";
import { EPOCH_HEADER, type InstanceSpec, type ProxySpec } from "./protocol.ts";

/** The keeper's control API, as protocol.ts describes it. `onStop` is told when everything has been stopped. */
export function keeperApi(keeper: Keeper, onStop: () => void): ControlHandler {
  return async (request) => {
    const [, resource, id, detail] = request.path.split("/").map(decodeURIComponent);
    const route = [request.method, resource, id === undefined ? "" : "ID", detail].filter(Boolean).join(" ");
    if (request.method !== "GET") await meetEpoch(keeper, request);
    switch (route) {
      case "GET state":
        return keeper.state();
      case "POST claim": {
        const { epoch } = request.body as { epoch: number };
        await keeper.claim(epoch);
        return { epoch };
      }
      case "PUT proxy":
        await keeper.putProxy(request.body as ProxySpec);
        return keeper.state();
      case "POST proxy ID":
        if (id !== "restart") throw unknownRequest(request);
        await keeper.restartProxy({ ...LEAVE_WITHIN, ...(request.body as Partial<LeaveWithin> | undefined) });
        return keeper.state();
      case "PUT instances ID":
        return keeper.putInstance(instanceSpec(request.body, id ?? ""));
      case "DELETE instances ID":
        return keeper.deleteInstance(id ?? "", numberIn(request, "graceMs", 10_000));
      case "GET instances ID log":
        return { lines: await keeper.log(id ?? "", numberIn(request, "lines", 100)) };
      case "POST leave": {
        const given = await keeper.leave();
        setImmediate(onStop);
        return given;
      }
      case "POST stop":
        // The answer goes out first: stopping takes as long as the slowest instance.
        setImmediate(() => void keeper.stopAll().finally(onStop));
        return {};
      default:
        throw unknownRequest(request);
    }
  };
}

function unknownRequest({ method, path }: ControlRequest): Refusal {
  return new Refusal(404, { code: "unknown-request", what: `The keeper knows no ${method} ${path}.` });
}

/** Ids become file names and parts of URLs. */
const ID = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,150}$/;

function instanceSpec(body: unknown, id: string): InstanceSpec {
  const spec = body as InstanceSpec | undefined;
  if (spec?.id === id && ID.test(id) && typeof spec.command === "string" && typeof spec.directory === "string") {
    return spec;
  }
  throw new FaultError({ code: "bad-instance", what: `This is no instance that could be started: ${id}.` });
}

async function meetEpoch(keeper: Keeper, request: ControlRequest): Promise<void> {
  const header = request.headers[EPOCH_HEADER];
  if (typeof header === "string") await keeper.meet(Number(header));
}

function numberIn(request: ControlRequest, name: string, otherwise: number): number {
  const value = Number(request.query.get(name) ?? otherwise);
  return Number.isFinite(value) && value >= 0 ? value : otherwise;
}
