import { Problem, type ProblemBody } from '../../api/problem';

/** Something with the `ETag` of its version, by which a change is refused that somebody else overtook. */
export interface Tagged<T> {
  value: T;
  etag: string | undefined;
}

/** What was asked for with its `ETag`: as `ask`, for what is to be changed. */
export async function askTagged<T>(
  answer: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<Tagged<T>> {
  const { data, error, response } = await answer.catch(() => {
    throw new Problem(0, undefined);
  });
  if (!response.ok) throw new Problem(response.status, error as ProblemBody | undefined);
  return { value: data as T, etag: response.headers.get('ETag') ?? undefined };
}

/** For the options of a call: `api.PATCH(path, { ...ifMatch(etag), params, body })`. */
export function ifMatch(etag: string | undefined): { headers?: Record<string, string> } {
  return etag ? { headers: { 'If-Match': etag } } : {};
}
