import { type Fault, faultOf, FaultError } from "../../core/fault.ts";
import { type NotifyTarget, receiverName } from "../../core/plan/receiver.ts";
import type { Plan } from "../../core/plan/plan.ts";
import type { Message } from "../../core/release/effect.ts";
import type { Notifier } from "../../ports/notifier.ts";
import { answer, type Context } from "../context.ts";
import { type CommandDefinition, isGiven } from "../definition.ts";
import { DONE, REFUSED } from "../exit-code.ts";
import { loadPlan } from "../plan-file.ts";
import { symbols } from "../render/style.ts";

export const notify: CommandDefinition = {
  about:
    "Sends a test message to each receiver of the plan file's `notify:`, once and for real, and says what came of it. With --page those of `page:` get an alert too, which is over at once: whoever is on call is called. Ends with 3 when one of them did not take it.",
  arguments: [
    { name: "action", required: true, about: "test", choices: ["test"] },
    { name: "receiver", required: false, about: "only this one, by its name" },
  ],
  options: [{ flags: "--page", about: "those of `page:` too" }],
  examples: [
    { line: "tidegate notify test", does: "a message to each" },
    { line: "tidegate notify test slack", does: "to one of them" },
    { line: "tidegate notify test --page", does: "finds out whether the pager rings" },
  ],
  run: async (invocation) => {
    const { context } = invocation;
    const [, wanted] = invocation.arguments;
    const { plan } = await loadPlan(context, context.project());
    const chosen = receiversOf(plan, wanted, isGiven(invocation, "page"));
    const notifier = await context.machinery.notifier(plan, (line) => context.terminal.complain(line));
    const results = await Promise.all(
      chosen.map(async (each) => ({ ...each, ...(await send(notifier, plan, each, context)) })),
    );
    const marks = symbols(context.terminal.style());
    return answer(
      context,
      {
        receivers: results.map(({ target, ...rest }) => ({
          receiver: receiverName(target),
          kind: target.kind,
          ...rest,
        })),
      },
      results.flatMap(({ target, fault, refused }) => [
        `${fault === null && refused.length === 0 ? marks.passed : marks.failed} ${receiverName(target)}: ${fault === null ? "took the message" : fault.what}`,
        ...(fault?.cause === undefined ? [] : [`  cause  ${fault.cause}`]),
        ...(fault?.fix === undefined ? [] : [`  fix    ${fault.fix}`]),
        ...refused.map((each) => `  not taken for ${each}`),
      ]),
      results.every(({ fault, refused }) => fault === null && refused.length === 0) ? DONE : REFUSED,
    );
  },
};

interface Chosen {
  readonly target: NotifyTarget;
  /** It gets an alert, which is over at once. */
  readonly asAlert: boolean;
}

function receiversOf({ notify, page }: Plan, wanted: string | undefined, withPage: boolean): readonly Chosen[] {
  const called = [...(page?.to ?? []), ...(page?.else ?? [])].filter((target) => !notify.includes(target));
  const all: readonly Chosen[] = [
    ...notify.map((target) => ({ target, asAlert: target.kind === "alertmanager" })),
    ...(withPage ? called.map((target) => ({ target, asAlert: true })) : []),
  ];
  const chosen = all.filter(({ target }) => wanted === undefined || receiverName(target) === wanted);
  if (chosen.length > 0) return chosen;
  const isOfPage = called.some((target) => receiverName(target) === wanted);
  throw new FaultError({
    code: "receiver-unknown",
    what: wanted === undefined ? "The plan file names nobody to tell." : `There is no receiver \`${wanted}\`.`,
    fix: isOfPage
      ? "it stands under page: add --page, and whoever is on call is called"
      : `known: ${all.map(({ target }) => receiverName(target)).join(", ")}`,
  });
}

async function send(
  notifier: Notifier,
  { app, environment }: Plan,
  { target, asAlert }: Chosen,
  { person }: Context,
): Promise<{ readonly fault: Fault | null; readonly refused: readonly string[] }> {
  const at = Date.now();
  const message: Message = {
    topic: asAlert ? "needs-person" : "announcement",
    title: `${app} ${environment} test`,
    sentence: `A test by ${person}: what happens to releases is told here. Nothing has happened.`,
    command: "tidegate status",
    at,
  };
  const alert = { key: `${app}/${environment}/test-${at.toString(36)}`, severity: "warning" } as const;
  const context = { app, environment, release: 0 };
  const signal = AbortSignal.timeout(LONGEST_MS);
  try {
    const first = asAlert ? { ...message, alert: { ...alert, act: "open" as const } } : message;
    const taken = await notifier.deliver(first, target, context, signal);
    if (asAlert) {
      await notifier.deliver({ ...first, alert: { ...alert, act: "resolve" } }, target, context, signal);
    }
    return { fault: null, refused: taken?.refused ?? [] };
  } catch (error) {
    return { fault: faultOf(error, "notification-not-delivered", "The message could not be delivered."), refused: [] };
  }
}

const LONGEST_MS = 30_000;
