import { onOneLine } from "../../core/text/plain-text.ts";
import { readSaved, type SmokeAnswer, unmetExpectation } from "../../core/smoke/expectation.ts";
import { fillVariables } from "../../core/smoke/template.ts";
import type { SmokeHttp } from "../../core/smoke/smoke.ts";
import { exchange, type Exchange } from "../../local/http-exchange.ts";
import type { Clock } from "../../ports/clock.ts";
import { occursIn } from "./pattern.ts";
import type { Story } from "./story.ts";

/** How much of an answer assertions can look at. */
const KEPT_BYTES = 4 * 2 ** 20;
const TOLD_CHARACTERS = 160;

/** Sends one request, holds its answer against what is expected and saves what is asked for. null: all is well. */
export async function askHttp(
  request: SmokeHttp,
  story: Story,
  signal: AbortSignal,
  clock: Clock,
): Promise<string | null> {
  const made = makeRequest(request, story, clock);
  if (!made.ok) return made.why;
  const result = await exchange({ ...made.order, signal });
  if (!result.answered) return result.what;

  story.cookies.take(result.cookies, made.path, clock.wall());
  const answer: SmokeAnswer = {
    status: result.status,
    headers: result.headers,
    body: result.body.toString("utf8"),
    bodyCut: result.longer,
    tookMs: result.tookMs,
  };
  const unmet = unmetExpectation(answer, request.expect, {
    variables: story.variables,
    matches: occursIn,
    redact: (text) => story.redact(text),
  });
  if (unmet !== null) return `${unmet}${quote(answer, story)}`;
  for (const [name, source] of Object.entries(request.save)) {
    const saved = readSaved(answer, source, story.variables);
    if (!saved.ok) return `nothing to save as ${name}: ${saved.why}${quote(answer, story)}`;
    story.save(name, saved.value);
  }
  return null;
}

type Made =
  { readonly ok: true; readonly order: Exchange; readonly path: string } | { readonly ok: false; readonly why: string };

function makeRequest(request: SmokeHttp, story: Story, clock: Clock): Made {
  const address = story.fill(request.path);
  if (!address.ok) return address;
  const url = new URL(`${story.baseUrl ?? ""}${pathOf(address.text)}`);
  const headers: Record<string, string> = {
    accept: "*/*",
    "accept-encoding": "identity",
    "user-agent": "tidegate-smoke",
  };
  for (const [name, template] of Object.entries(request.headers)) {
    const value = story.fill(template);
    if (!value.ok) return value;
    headers[name.toLowerCase()] = value.text;
  }
  const auth = authorization(request, story);
  if (!auth.ok) return auth;
  if (auth.text !== "") headers["authorization"] = auth.text;
  const cookies = [headers["cookie"], story.cookies.header(url.pathname, clock.wall())].filter(
    (cookie) => cookie !== undefined,
  );
  if (cookies.length > 0) headers["cookie"] = cookies.join("; ");
  const body = request.body === undefined ? undefined : story.fill(request.body);
  if (body?.ok === false) return body;
  if (body !== undefined && /^\s*[{[]/.test(body.text)) headers["content-type"] ??= "application/json";
  for (const [name, value] of Object.entries(story.target.headers)) {
    // Last, so that no flow can take the pin off. But which host a request is for is the flow's to say.
    if (name.toLowerCase() !== "host" || headers["host"] === undefined) headers[name.toLowerCase()] = value;
  }

  const { contains, json } = request.expect;
  const looksAtBody =
    contains.length + json.length > 0 || Object.values(request.save).some((source) => source.startsWith("$"));
  const order: Exchange = {
    url: url.href,
    method: request.method,
    headers,
    ...(body === undefined ? {} : { body: body.text }),
    timeoutMs: request.timeoutMs,
    keepBytes: KEPT_BYTES,
    beyond: looksAtBody ? "stop" : "discard",
    // An event stream has no end to wait for.
    isEnough: ({ headers: got, body: so }) =>
      got["content-type"]?.startsWith("text/event-stream") === true &&
      contains.every((text) => so.includes(filledOr(text, story))),
    insecureTls: story.target.insecureTls,
  };
  return { ok: true, order, path: url.pathname };
}

/**
 * Of an absolute address, as a Location header may hold and a flow may save, the path alone: whatever it says, the
 * version under test is asked, and neither the pin nor a password goes anywhere else.
 */
function pathOf(address: string): string {
  if (/^https?:\/\//i.test(address) && URL.canParse(address)) {
    const { pathname, search } = new URL(address);
    return `${pathname}${search}`;
  }
  return address.startsWith("/") ? address : `/${address}`;
}

function authorization({ auth }: SmokeHttp, story: Story): ReturnType<Story["fill"]> {
  if (auth === undefined) return { ok: true, text: "" };
  const secret = story.fill(auth.kind === "basic" ? auth.password : auth.token);
  if (!secret.ok) return secret;
  story.hide(secret.text);
  if (auth.kind === "bearer") return { ok: true, text: `Bearer ${secret.text}` };
  const user = story.fill(auth.user);
  if (!user.ok) return user;
  return { ok: true, text: `Basic ${Buffer.from(`${user.text}:${secret.text}`).toString("base64")}` };
}

function filledOr(template: string, story: Story): string {
  const filled = fillVariables(template, story.variables);
  return filled.ok ? filled.text : template;
}

/** The answer's beginning, which mostly says what is wrong. Hidden before it is cut, so that no secret is cut in two. */
function quote({ body }: SmokeAnswer, story: Story): string {
  const text = onOneLine(story.redact(body.slice(0, 8_192)), TOLD_CHARACTERS);
  return text === "" ? "" : `; the answer: ${text}`;
}
