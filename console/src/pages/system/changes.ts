/** A field that is not as it was. */
export interface Change {
  field: string;
  before: string;
  after: string;
}

const said = (value: unknown): string => {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value) && value.every((one) => typeof one !== 'object')) return value.join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
};

/** What differs between two states of a setting, by the names of its fields; of one that is new or gone, all of it. */
export function changes(before: unknown, after: unknown): Change[] {
  const [was, is] = [before ?? {}, after ?? {}] as [Record<string, unknown>, Record<string, unknown>];
  const fields = [...new Set([...Object.keys(was), ...Object.keys(is)])].sort();
  return fields
    .map((field) => ({ field, before: said(was[field]), after: said(is[field]) }))
    .filter((change) => change.before !== change.after);
}
