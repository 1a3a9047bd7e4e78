import type { TestEvent } from "node:test/reporters";

/** A reporter that says only, at the end, what came of how many tests: `12 passed, 0 failed, 0 skipped`. */
// oxlint-disable-next-line import/no-default-export -- how Node asks for a reporter
export default async function* countTests(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    // One summary a file, and the last of all without one.
    if (event.type !== "test:summary" || event.data.file !== undefined) continue;
    const { tests, passed, skipped, todo } = event.data.counts;
    yield `${passed} passed, ${tests - passed - skipped - todo} failed, ${skipped + todo} skipped\n`;
  }
}
