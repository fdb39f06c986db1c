import type { Schemas } from '../../api/client';

export type Webhook = Schemas['WebhookShown'];

export const WEBHOOKS = ['webhooks'] as const;

export const pathOf = (id: string) => ({ params: { path: { id } } });
