/** Minutes from midnight of `09:30` or `24:00`. */
function minutes(text: string): number | undefined {
  const [, hour, minute] = /^(\d{1,2}):(\d{2})$/.exec(text.trim()) ?? [];
  const all = Number(hour) * 60 + Number(minute);
  return hour !== undefined && Number(minute) < 60 && all <= 1440 ? all : undefined;
}

/** Begin and end of `09:00-18:00` in minutes; past midnight the end is not after the begin. */
export function span(text: string): { from: number; to: number } | undefined {
  const [begin, end, ...rest] = text.split('-');
  const [from, to] = [minutes(begin ?? ''), minutes(end ?? '')];
  return from === undefined || to === undefined || from === 1440 || rest.length > 0 ? undefined : { from, to };
}

/** The parts of a day that are open, in minutes; what goes on past midnight is drawn to the day's end. */
export function openParts(texts: readonly string[]): { from: number; to: number }[] {
  return texts.flatMap((text) => {
    const found = span(text);
    if (!found) return [];
    return [found.to > found.from ? found : { from: found.from, to: 1440 }];
  });
}

/** What goes on past midnight, as parts of the next day. */
export function spillParts(texts: readonly string[]): { from: number; to: number }[] {
  return texts.flatMap((text) => {
    const found = span(text);
    return found && found.to <= found.from && found.to > 0 ? [{ from: 0, to: found.to }] : [];
  });
}

/** `2026-10-01`, `2026-10-01..2026-10-07`, `10-01` of each year. */
export const HOLIDAY = /^(\d{4}-)?\d{2}-\d{2}(\.\.(\d{4}-)?\d{2}-\d{2})?$/;
