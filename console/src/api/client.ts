import createClient, { type Middleware } from 'openapi-fetch';
import { Problem, type ProblemBody } from './problem';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];

/** Why a session ended: it was not used for long, or somebody signed in elsewhere (LOGIN-10). */
export type SessionEnd = 'ended' | 'replaced';

/** Told when the session ended. */
let ended: (why: SessionEnd) => void = () => undefined;
export function onSessionEnded(told: (why: SessionEnd) => void): void {
  ended = told;
}

const session: Middleware = {
  async onResponse({ request, response }) {
    const isSignIn = request.method === 'POST' && request.url.endsWith('/api/v1/session');
    if (response.status !== 401 || isSignIn) return;
    const body: ProblemBody | undefined = await response
      .clone()
      .json()
      .catch(() => undefined);
    ended(whyEnded(new Problem(401, body)));
  },
};

export function whyEnded({ slug }: Problem): SessionEnd {
  return slug === 'session-replaced' ? 'replaced' : 'ended';
}

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
