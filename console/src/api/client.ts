import createClient, { type Middleware } from 'openapi-fetch';
import { Problem, type ProblemBody } from './problem';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];

/** Told when the session ended: somebody signed in elsewhere, or it was not used for long. */
let ended: () => void = () => undefined;
export function onSessionEnded(told: () => void): void {
  ended = told;
}

const session: Middleware = {
  onResponse({ request, response }) {
    const isSignIn = request.method === 'POST' && request.url.endsWith('/api/v1/session');
    if (response.status === 401 && !isSignIn) ended();
  },
};

export const api = createClient<paths>({ baseUrl: '/' });
api.use(session);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** What was asked for, or the `Problem` that is in its way. */
export async function ask<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer.catch(() => {
    throw new Problem(0, undefined);
  });
  if (!response.ok) throw new Problem(response.status, error as ProblemBody | undefined);
  return data as T;
}
