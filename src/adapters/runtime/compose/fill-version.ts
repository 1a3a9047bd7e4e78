/** Every text with `${version}` filled in. */
export function fillVersion(
  texts: Readonly<Record<string, string>>,
  version: string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, withVersion(text, version)]));
}

export function withVersion(text: string, version: string): string {
  return text.replaceAll("${version}", () => version);
}
