import type { AlertPart, Message } from "../../core/release/effect.ts";

const WORDS: Readonly<Record<Message["topic"], string>> = {
  started: "started",
  phase: "phase",
  warning: "warning",
  held: "held",
  "needs-person": "needs a person",
  live: "live",
  "rolled-back": "rolled back",
  failed: "failed, needs a person",
  closed: "done",
  announcement: "announcement",
};

const SIGNS: Readonly<Record<Message["topic"], string>> = {
  started: "▶",
  phase: "▶",
  warning: "⚠",
  held: "⏸",
  "needs-person": "✋",
  live: "✔",
  "rolled-back": "✖",
  failed: "✖",
  closed: "✔",
  announcement: "•",
};

export function topicInWords(topic: Message["topic"]): string {
  return WORDS[topic];
}

export function signOf(topic: Message["topic"], act?: AlertPart["act"]): string {
  return act === "resolve" ? "✔" : SIGNS[topic];
}
