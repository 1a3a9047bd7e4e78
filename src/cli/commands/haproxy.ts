import type { Plan } from "../../core/plan/plan.ts";
import { FaultError } from "../../core/fault.ts";
import { lineDiff } from "../../core/text/line-diff.ts";
import { confirm } from "../ask.ts";
import { answer, type Context } from "../context.ts";
import { type CommandDefinition, type Invocation, isGiven, textOption } from "../definition.ts";
import { DONE, type ExitCode, REFUSED } from "../exit-code.ts";
import type { HaproxyTools } from "../machinery.ts";
import { loadPlan } from "../plan-file.ts";
import { findingsView } from "../render/findings.ts";

const USUAL = "/etc/haproxy/haproxy.cfg";

export const haproxy: CommandDefinition = {
  about:
    "For plans whose traffic your own HAProxy divides. `fragment` prints what its configuration needs; `diff FILE` shows what would be added to a configuration, or changed in it, and has HAProxy check the result; `apply FILE` shows the same, asks, and writes it, keeping the old file beside it (then you reload HAProxy); `check` looks at the HAProxys that run. Nothing is written but by `apply`, and outside of its marks (`# tidegate begin …`) that changes nothing.",
  arguments: [
    {
      name: "action",
      required: true,
      about: "what to do",
      choices: ["fragment", "diff", "apply", "check"],
    },
    { name: "file", required: false, about: `the configuration, by default ${USUAL}` },
  ],
  options: [
    { flags: "--frontend <name>", about: "the frontend that takes the app's requests, where there are several" },
    { flags: "--yes", about: "don't ask" },
  ],
  examples: [
    { line: "tidegate haproxy diff /etc/haproxy/haproxy.cfg", does: "changes nothing" },
    { line: "sudo tidegate haproxy apply --frontend www", does: "then: systemctl reload haproxy" },
    { line: "tidegate haproxy check", does: "looks whether what runs is what the plan asks for" },
  ],
  run: async (invocation) => {
    const { plan } = await loadPlan(invocation.context, invocation.context.project());
    const [action] = invocation.arguments;
    if (action === "fragment") return await fragment(invocation.context, plan);
    if (action === "check") return await check(invocation.context, plan);
    return await change(invocation, plan);
  },
};

async function fragment(context: Context, plan: Plan): Promise<ExitCode> {
  const { rules, ending, sections } = (await context.machinery.haproxy()).fragment(plan);
  return answer(context, { rules, ending, sections }, [
    "# For the frontend that takes the app's requests, before its `use_backend` rules:",
    rules,
    "# For its end:",
    ending,
    "# Beside it, in the same file or in one of its own (haproxy -f … -f …):",
    sections.trimEnd(),
  ]);
}

async function check(context: Context, plan: Plan): Promise<ExitCode> {
  const findings = await (await context.machinery.haproxy()).look(plan);
  const isReady = findings.every(({ state }) => state !== "bad");
  const view = findingsView(findings, context.terminal.style());
  return answer(context, { ready: isReady, findings }, view, isReady ? DONE : REFUSED);
}

/** `diff` and `apply`: what is written is what was shown. */
async function change(invocation: Invocation, plan: Plan): Promise<ExitCode> {
  const { context } = invocation;
  const tools = await context.machinery.haproxy();
  const path = invocation.arguments[1] ?? USUAL;
  const before = tools.read(path);
  const edited = tools.edited(before, plan, { where: path, frontend: textOption(invocation, "frontend") });
  const diff = lineDiff(before, edited.text);
  const checked = await tools.check(edited.text, plan);
  const document = { file: path, frontend: edited.frontend, diff, notes: edited.notes, ...checked };
  const shown = [
    ...(diff.length === 0
      ? [`${path} has Tidegate's part already, as this plan asks for.`]
      : [`--- ${path}`, `+++ ${path}`, ...diff]),
    "",
    ...edited.notes.map((note) => `! ${note}`),
    ...sentencesOf(checked),
  ];
  if (checked.isValid === false) {
    throw new FaultError({
      code: "haproxy-configuration-refused",
      what: "HAProxy refuses this configuration. Nothing was written.",
      where: path,
      detail: checked.said,
      fix: "see whether it takes the file as it is: haproxy -c -f FILE",
    });
  }
  if (invocation.arguments[0] === "diff" || diff.length === 0) return answer(context, document, shown);
  if (!context.json) context.terminal.print(shown.join("\n"));
  await confirm(context, `Writes this to ${path}, and keeps the old file beside it.`, isGiven(invocation, "yes"));
  const kept = await tools.write(path, edited.text, plan);
  return answer(context, { ...document, kept }, [
    `Written. The old file is ${kept}.`,
    "Reload HAProxy (systemctl reload haproxy), then: tidegate haproxy check",
  ]);
}

function sentencesOf({ isValid, said }: Checked): readonly string[] {
  if (isValid === null)
    return ["Not checked: there is no `haproxy` here to ask. Check it where HAProxy runs: haproxy -c -f FILE"];
  if (said.length === 0) return ["HAProxy finds it valid."];
  return ["HAProxy finds it valid, and warns:", ...said.map((line) => `  ${line}`)];
}

type Checked = Awaited<ReturnType<HaproxyTools["check"]>>;
