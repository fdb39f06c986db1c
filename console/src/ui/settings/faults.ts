import type { Problem } from '../../api/problem';
import { inWords } from '../../api/problem';

export type Path = readonly (string | number)[];

interface Placed {
  at: { name: Path; errors: string[] }[];
  /** What no field of the form is named by. */
  rest: string[];
}

/** `handling.forwards.0.number` as the form names it. */
export function pathOf(field: string): Path {
  return field === '' ? [] : field.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

const begins = (whole: Path, part: Path) => part.length > 0 && part.every((one, at) => one === whole[at]);

/**
 * Puts what the server says at the fields of the form: at that very one, else at the nearest that holds it. Where something exists already,
 * `identity` is the field that says so.
 */
export function placed(problem: Problem, names: readonly Path[], identity?: string): Placed {
  const faults =
    problem.fields.length > 0
      ? problem.fields
      : [{ field: problem.slug === 'already-exists' ? (identity ?? '') : '', detail: problem.detail }];
  const at = new Map<string, { name: Path; errors: string[] }>();
  const rest: string[] = [];
  for (const { field, detail } of faults) {
    const path = pathOf(field);
    const holding = names.filter((name) => begins(path, name)).sort((a, b) => b.length - a.length)[0];
    if (!holding) {
      rest.push(field && problem.fields.length > 0 ? `${field}: ${inWords(detail)}` : inWords(detail));
      continue;
    }
    const key = JSON.stringify(holding);
    at.set(key, { name: holding, errors: [...(at.get(key)?.errors ?? []), inWords(detail)] });
  }
  return { at: [...at.values()], rest };
}

/** What stands at fields and cannot be seen there. */
export function untold(at: Placed['at'], isSeen: (text: string) => boolean): string[] {
  return at.flatMap(({ errors }) => errors).filter((text) => !isSeen(text));
}
