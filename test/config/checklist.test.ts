import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseChecklist } from "../../src/config/checklist.ts";
import { parseMachineCheck } from "../../src/config/machine-check.ts";
import type { ChecklistItem } from "../../src/core/plan/checklist.ts";
import { trimmed } from "./loading.ts";

function read(text: string): ReturnType<typeof parseChecklist> {
  return parseChecklist({ name: "list.md", text: trimmed(text), order: 0 }, "list.md");
}

function items(text: string): readonly ChecklistItem[] {
  const { checklist, problems } = read(text);
  assert.deepEqual(problems, []);
  return checklist.items;
}

describe("A checklist is any Markdown task list", () => {
  it("with its headings, of both kinds", () => {
    const found = items(`
      Release of the shop
      ===================

      - [ ] first

      ## Staging ##

      * [x] second
      + [X] third

      Machine
      -------
      ### Disk
      1. [ ] fourth
      2) [ ] fifth

      # Afterwards
      - [ ] sixth
    `);
    assert.deepEqual(
      found.map(({ text, headings, ticked }) => [text, headings.join(" > "), ticked]),
      [
        ["first", "Release of the shop", false],
        ["second", "Release of the shop > Staging", true],
        ["third", "Release of the shop > Staging", true],
        ["fourth", "Release of the shop > Machine > Disk", false],
        ["fifth", "Release of the shop > Machine > Disk", false],
        ["sixth", "Afterwards", false],
      ],
    );
  });

  it("nested, under items and plain bullets", () => {
    const found = items(`
      - [ ] database
        - [ ] backed up
          over two lines
        - plain
          - [ ] inside plain
      - [ ] after
    `);
    assert.deepEqual(
      found.map(({ text, headings }) => [text, headings.join(" > ")]),
      [
        ["database", ""],
        ["backed up over two lines", "database"],
        ["inside plain", "database > plain"],
        ["after", ""],
      ],
    );
  });

  it("in a quotation, with Windows line ends and tabs", () => {
    const { checklist } = parseChecklist(
      { name: "l.md", text: "> - [ ] quoted\r\n>\t- [x] inner\r\n", order: 0 },
      "l.md",
    );
    assert.deepEqual(
      checklist.items.map(({ text, ticked }) => [text, ticked]),
      [
        ["quoted", false],
        ["inner", true],
      ],
    );
  });

  it("but not what stands in code or in comments", () => {
    const found = items(`
      \`\`\`md
      - [ ] in a fence
      # no heading
      \`\`\`
      ~~~~
      - [ ] in another
      ~~~
      still in it
      ~~~~

          - [ ] indented like code

      <!--
      - [ ] put aside
      -->
      - [ ] real \`<!-- role: nobody -->\`
      - [x](https://example.com) is a link
    `);
    assert.deepEqual(
      found.map(({ text, headings, role }) => [text, headings.length, role]),
      [["real `<!-- role: nobody -->`", 0, undefined]],
    );
  });

  it("with ids that stay while the text stays, and are told apart", () => {
    const found = items(`
      # Vor dem Start
      - [ ] Prüfung: **läuft**!
      - [ ] again
      - [ ] again
    `);
    assert.deepEqual(
      found.map(({ id }) => id),
      ["vor-dem-start/prüfung-läuft", "vor-dem-start/again", "vor-dem-start/again-2"],
    );
  });

  it("in which no item goes missing unseen", () => {
    const { problems } = read(`
      - [ ] right
      - [] empty brackets
      -[ ] no blank before
      - [ ]no blank after
      - [  ] too wide
      - [ ]
    `);
    assert.deepEqual(
      problems.map(({ what, place }) => [what, place.source.text.slice(place.start, place.end)]),
      ["- [] empty brackets", "-[ ] no blank before", "- [ ]no blank after", "- [  ] too wide", "- [ ]"].map((line) => [
        "This line looks like a checklist item, and is none.",
        line,
      ]),
    );
  });
});

describe("A remark", () => {
  it("stands at the end of the item, or on the lines under it", () => {
    const [first, second, third] = items(`
      - [ ] one <!-- role: qa --> <!-- check: file a.txt -->
      - [ ] two
        <!-- check: http https://example.com/health
             status 204 -->
        <!-- within: 2s -->
      - [ ] three <!-- TODO: think about it -->
        goes on
    `);
    assert.deepEqual([first?.text, first?.role, first?.check], ["one", "qa", { kind: "file", path: "a.txt" }]);
    assert.deepEqual(second?.check, {
      kind: "http",
      url: "https://example.com/health",
      status: 204,
      timeoutMs: 2_000,
    });
    assert.deepEqual([third?.text, third?.check], ["three goes on", undefined]);
  });

  it("that is mistyped, given twice, or empty is told", () => {
    const { problems } = read(`
      - [ ] a <!-- roel: qa -->
      - [ ] b <!-- role: qa --> <!-- role: dev -->
      - [ ] c <!-- check: -->
    `);
    assert.deepEqual(
      problems.map(({ what }) => what),
      ["`roel` is not known here; did you mean `role`?", "This item has two remarks `role`.", "`check` is empty."],
    );
  });
});

describe("A machine check", () => {
  const read = (text: string): unknown => {
    const result = parseMachineCheck(text);
    return result.ok ? result.value : result.what;
  };

  it("is written in words", () => {
    assert.deepEqual(read('http https://example.com/?a=b status 503 contains "not \\"ready\\""'), {
      kind: "http",
      url: "https://example.com/?a=b",
      status: 503,
      contains: 'not "ready"',
      timeoutMs: 10_000,
    });
    assert.deepEqual(read('command test "$(cat a)" = "b  c"'), {
      kind: "command",
      command: 'test "$(cat a)" = "b  c"',
      timeoutMs: 60_000,
    });
    assert.deepEqual(read('file "my notes.md" contains 2.4.0'), {
      kind: "file",
      path: "my notes.md",
      contains: "2.4.0",
    });
    assert.deepEqual(read("certificate example.com 30 days"), {
      kind: "certificate",
      host: "example.com",
      port: 443,
      days: 30,
    });
    assert.deepEqual(read("certificate example.com:8443 for 7d"), {
      kind: "certificate",
      host: "example.com",
      port: 8_443,
      days: 7,
    });
    assert.deepEqual(read("disk /var 10 GB free"), { kind: "disk", path: "/var", freeBytes: 1e10 });
    assert.deepEqual(read("disk . 12.5%"), { kind: "disk", path: ".", freePercent: 12.5 });
    assert.deepEqual(read("dns example.com is 203.0.113.7"), {
      kind: "dns",
      name: "example.com",
      address: "203.0.113.7",
    });
    assert.deepEqual(read("dns example.com"), { kind: "dns", name: "example.com" });
  });

  it("that is not complete, or says more than is known, is told", () => {
    for (const text of [
      "http",
      "http example.com",
      "http https://example.com status",
      "http https://example.com status 99",
      "http https://example.com status 200 status 201",
      "http https://example.com within 5s",
      "command",
      "file",
      "file a contains",
      "certificate example.com",
      "certificate https://example.com 3 days",
      "disk /var",
      "disk /var 120% free",
      "dns",
      "dns example.com 203.0.113.7",
      "sql select 1",
    ])
      assert.equal(typeof read(text), "string", text);
  });

  it("takes a time limit only where it has one", () => {
    assert.equal(parseMachineCheck("dns example.com", 5_000).ok, false);
  });
});
