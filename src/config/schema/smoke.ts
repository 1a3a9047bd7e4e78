import { z } from "zod";
import { knowing } from "./about.ts";
import { duration, shellLine, text, wholeNumber } from "./values.ts";

const variableName = knowing(z.string().regex(/^[A-Za-z_][\w-]*$/), { noun: "the name of a variable", like: "cart" });
const plainValue = z.union([z.string(), z.number(), z.boolean()]);
const plainText = plainValue.transform(String);

const jsonCheck = z.union([
  z.strictObject({ equals: z.union([plainValue, z.null()]).describe("Exactly this value.") }),
  z.strictObject({ exists: z.boolean().describe("There is such a value (or there is none).") }),
  z.strictObject({ matches: z.string().describe("A text that matches this regular expression.") }),
  z.strictObject({ "at-least": z.number().describe("A number not below this.") }),
  z.strictObject({ "at-most": z.number().describe("A number not above this.") }),
  z.strictObject({ length: z.int().min(0).describe("A list or text of this length.") }),
]);

const jsonChecks = z
  .record(
    knowing(z.string().startsWith("$"), { noun: "a JSONPath, which begins with `$`", like: "$.items[0].id" }),
    z.union([plainValue, z.null(), knowing(jsonCheck, { verbs: "check" })]),
  )
  .meta({ id: "smoke-json" });

const status = knowing(z.int().min(100).max(599), { noun: "an HTTP status", like: "201" });
const statuses = z.union([status, z.array(status).min(1)]);

const answerHeaders = z.record(z.string(), plainText);

const expectObject = z.strictObject({
  status: statuses.optional().describe("The status, or a list of those that are good. Without it: 200 to 299."),
  headers: answerHeaders.optional().describe("Headers that the answer must have; the value must be in theirs."),
  contains: z
    .union([text(), z.array(text()).min(1)])
    .optional()
    .describe("A text, or texts, that the answer's body must hold."),
  json: jsonChecks.optional().describe("JSONPath → what must be there."),
  within: duration.optional().describe("The time within which the answer must have come."),
});

const auth = knowing(
  z.union([
    z.strictObject({ bearer: text("a reference", "${SMOKE_TOKEN}") }),
    z.strictObject({
      basic: z.strictObject({
        user: text().describe("The name."),
        password: text("a reference", "${SMOKE_PASSWORD}").describe("A reference: `${NAME}` or `{{variable}}`."),
      }),
    }),
  ]),
  { verbs: "authentication" },
);

const asked = {
  name: text().optional().describe("For people; by default the method and path."),
  timeout: duration.optional().describe("How long the answer may take (10s)."),
  attempts: wholeNumber(1).optional().describe("Tries before it counts as failed (1)."),
};

const httpSiblings = {
  ...asked,
  headers: z.record(z.string(), plainText).optional().describe("Request headers."),
  auth: auth.optional().describe("`{ bearer: ${TOKEN} }` or `{ basic: { user, password: ${PASSWORD} } }`."),
  send: z
    .union([z.string(), z.record(z.string(), z.json()), z.array(z.json())])
    .optional()
    .describe("The body: a text as it is, anything else as JSON."),
  expect: z
    .union([statuses, expectObject])
    .optional()
    .describe("The status, or an object of everything that is expected."),
  json: jsonChecks.optional().describe("Short for `expect: { json: … }`."),
  contains: expectObject.shape.contains.describe("Short for `expect: { contains: … }`."),
  within: expectObject.shape.within.describe("Short for `expect: { within: … }`."),
  save: z
    .record(
      variableName,
      knowing(z.string().regex(/^(\$|header:[\w-]+$)/), { noun: "a JSONPath or `header:NAME`", like: "$.id" }),
    )
    .optional()
    .describe("Variable → the JSONPath of its value in the answer, or `header:NAME`. Used later as `{{variable}}`."),
};

const path = (method: string) =>
  knowing(z.string().regex(/^[/{]\S*$/), { noun: "a path that begins with `/`", like: "/orders" }).describe(
    `${method} this path; \`{{variable}}\` in it is filled in.`,
  );

const requestObject = knowing(
  z.union([
    z.strictObject({ get: path("GET"), ...httpSiblings }),
    z.strictObject({ post: path("POST"), ...httpSiblings }),
    z.strictObject({ put: path("PUT"), ...httpSiblings }),
    z.strictObject({ patch: path("PATCH"), ...httpSiblings }),
    z.strictObject({ delete: path("DELETE"), ...httpSiblings }),
    z.strictObject({ head: path("HEAD"), ...httpSiblings }),
    z.strictObject({ options: path("OPTIONS"), ...httpSiblings }),
    z.strictObject({
      tcp: knowing(z.union([z.null(), z.string().regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:]+):\d{1,5}$/)]), {
        noun: "an address and a port, or nothing for the instance's own",
        like: "127.0.0.1:5432",
      }).describe("Something accepts connections there; without a value: the instance itself."),
      ...asked,
    }),
    z.strictObject({
      run: shellLine().describe(
        "A shell line that must end with 0; `TIDEGATE_URL`, `TIDEGATE_VERSION` and the flow's variables are in its environment.",
      ),
      ...asked,
    }),
  ]),
  { verbs: "request" },
);

export const smokeRequestLine = /^(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) \/\S*( \d{3})?$/;

const requestLine = knowing(z.string().regex(smokeRequestLine), {
  noun: "a request",
  like: "GET /health",
});

/** `GET /health`, or an object whose first key is the method. */
export const smokeRequest = z.union([requestLine, requestObject]).meta({ id: "smoke-request" });

const requests = z.array(smokeRequest).min(1);

const flowObject = z.strictObject({
  service: text("the name of a service", "web")
    .optional()
    .describe("Whose instance is asked directly; by default the service whose route fits the first path."),
  with: z.record(variableName, plainText).optional().describe("Variables to begin with."),
  steps: requests.describe("The requests, in order; the flow ends with the first that fails."),
  cleanup: requests.optional().describe("Requests that always run, whatever happened before."),
});

export const smokeFlow = z.union([requests, flowObject]).meta({ id: "smoke-flow" });

/** A file: one flow as a list, or several, each under its name. */
export const smokeFile = knowing(z.union([requests, z.record(z.string(), smokeFlow)]), {
  noun: "a list of requests, or flows under their names",
});

export type SmokeFlowInput = z.output<typeof smokeFlow>;
export type SmokeRequestInput = z.output<typeof smokeRequest>;
