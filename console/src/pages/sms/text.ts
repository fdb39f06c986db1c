/** What stands in a template's braces, in its order, each once. */
export function placesOf(content: string): string[] {
  return [...new Set([...content.matchAll(/{([^{}]+)}/g)].map(([, name]) => name ?? ''))];
}

/** The text as it is sent. */
export function filled(content: string, values: Record<string, string | undefined>): string {
  return content.replace(/{([^{}]+)}/g, (whole, name: string) => values[name] || whole);
}

/** Several numbers in one text, with Latin or Chinese commas between (SMS-05). */
export function numbersOf(text: string): string[] {
  return [
    ...new Set(
      text
        .split(/[,，]/)
        .map((number) => number.trim())
        .filter(Boolean),
    ),
  ];
}
