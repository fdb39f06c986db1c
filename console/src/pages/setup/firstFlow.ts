import { api, ask } from '../../api/client';
import type { Flow, Node } from '../../flow/model';
import { ifMatch } from '../../ui/settings/tagged';
import { placeOf } from '../../ui/telephony/values';

/** What a first flow does with a caller after it has greeted him. */
export const GREETS = ['connect', 'ask'] as const;
export type Greets = (typeof GREETS)[number];

/** The flow, and the route that leads to it. */
export const MAIN = 'main-number';

/**
 * A flow to begin with, of prompts that every centre has: it greets, and connects to a queue or an extension (`to`, as routes write it), or first asks
 * for an extension; where nobody takes the call, a message is.
 */
export function firstFlow(title: string, greets: Greets, to: string): Flow {
  const { kind, name } = placeOf(to);
  const missed = { nobody: 'message', max_wait: 'message', full: 'message' };
  const connect: Node =
    kind === 'queue'
      ? { step: 'queue', queue: name, ...missed }
      : { step: 'extension', number: name, failed: 'message' };
  const message: Node = {
    step: 'voicemail',
    mailbox: `${kind === 'queue' ? 'queue' : 'extension'}:${name}`,
    greeting: ['voicemail_leave_message'],
  };
  const asks: Record<string, Node> = {
    ask: {
      step: 'collect',
      prompt: ['ivr_enter_extension'],
      into: 'number',
      min: 3,
      max: 8,
      tries: 1,
      next: 'ring',
      failed: 'connect',
    },
    ring: { step: 'extension', number: '{number}', failed: 'connect' },
  };
  return {
    name: MAIN,
    title,
    start: 'welcome',
    nodes: {
      welcome: { step: 'play', prompts: ['ivr_welcome'], next: greets },
      ...(greets === 'ask' ? asks : {}),
      connect,
      message,
    },
  };
}

/** Publishes it, over what stood there when this was gone through before: the version before stays to be seen. */
export async function publish(flow: Flow): Promise<void> {
  const params = { path: { name: flow.name } };
  const is = await api.GET('/api/v1/flows/{name}', { params });
  const overwritten = is.response.ok ? (is.response.headers.get('ETag') ?? undefined) : undefined;
  const body = flow as unknown as Record<string, never>;
  await ask(api.PUT('/api/v1/flows/{name}', { ...ifMatch(overwritten), params, body }));
  await ask(api.POST('/api/v1/flows/{name}/publish', { params }));
}
