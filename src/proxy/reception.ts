import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duration } from "../core/time/time.ts";
import { assign, type Assignment } from "./assign.ts";
import { clientOf } from "./client.ts";
import { Exchange } from "./exchange.ts";
import type { ExchangeContext } from "./exchange-context.ts";
import type { ListenerHandlers } from "./listener.ts";
import type { Pause } from "./pause.ts";
import { cohortSeal } from "./pin.ts";
import { isRefusal, type PlaneRefusal, REFUSALS, refuse, refuseOnSocket } from "./refusal.ts";
import { readRequestHead, type RequestHead } from "./request-head.ts";
import type { TableInForce } from "./table-in-force.ts";
import { Upgrade } from "./upgrade.ts";

export interface ReceptionOrder {
  readonly table: TableInForce;
  readonly pause: Pause;
  readonly context: ExchangeContext;
  readonly connectMs: () => Duration;
  /** A connection was opened or has ended, or a request waits for the end of a pause. */
  readonly onChange: () => void;
}

/** What becomes of each request that comes in: refused, held by a pause, or on its way to an instance. */
export function createReception({ table, pause, context, connectMs, onChange }: ReceptionOrder): ListenerHandlers {
  const seal = cohortSeal(table.sealKey);

  const readHead = (request: IncomingMessage): RequestHead | PlaneRefusal =>
    readRequestHead(request, clientOf(request.socket), table.routing?.pinHeader ?? "");

  const assignmentOf = (request: IncomingMessage, head: RequestHead): Assignment | PlaneRefusal => {
    const { routing } = table;
    return routing === null ? REFUSALS.noTable : assign(routing, request, head, seal);
  };

  const forward = (request: IncomingMessage, response: ServerResponse, head: RequestHead): void => {
    const assignment = assignmentOf(request, head);
    if (isRefusal(assignment)) refuse(response, assignment, context.isStopping);
    else new Exchange(context, request, response, head, assignment).start();
  };

  return {
    onConnection: onChange,

    request(request, response) {
      clientOf(request.socket).requests += 1;
      const head = readHead(request);
      if (isRefusal(head)) {
        refuse(response, head, context.isStopping);
        return;
      }
      if (!pause.isOn) {
        forward(request, response, head);
        return;
      }
      pause.hold(
        () => forward(request, response, head),
        () => refuse(response, REFUSALS.paused, context.isStopping),
      );
      onChange();
    },

    upgrade(request, early) {
      const head = readHead(request);
      if (isRefusal(head) || head.hasBody) {
        refuseOnSocket(request.socket, isRefusal(head) ? head : REFUSALS.badFraming);
        return;
      }
      const go = (): void => {
        const assignment = assignmentOf(request, head);
        if (isRefusal(assignment)) refuseOnSocket(request.socket, assignment);
        else {
          const { observations } = context;
          new Upgrade({ observations, connectMs }, request, early, head, assignment).start();
        }
      };
      pause.hold(go, () => refuseOnSocket(request.socket, REFUSALS.paused));
    },
  };
}
