import { i18n } from '../i18n';
import { refusal } from '../i18n/refusals';
import type { components } from './schema';

export type ProblemBody = components['schemas']['Problem'];

/** An error of the API, or of the way to it, in words for people. */
export class Problem extends Error {
  readonly status: number;
  readonly slug: string;
  readonly fields: { field: string; detail: string }[];
  /** What to do, as the server says it. */
  readonly detail: string;

  constructor(status: number, body: Partial<ProblemBody> | undefined) {
    const fields = body?.errors ?? [];
    const detail = fields[0]?.detail ?? body?.detail;
    super(told(status, detail));
    this.status = status;
    this.detail = detail ?? this.message;
    this.slug = (body?.type ?? '').split(':').pop() ?? '';
    this.fields = fields;
  }

  get isForbidden(): boolean {
    return this.status === 403;
  }
}

/** The server says why in English; what agents meet is said in their own language. */
function told(status: number, detail: string | undefined): string {
  if (detail === undefined) return i18n.t(status === 0 ? 'problem.unreachable' : 'problem.unknown', { status });
  if (i18n.language === 'en') return detail;
  return refusal(detail) ?? (status === 403 ? i18n.t('problem.forbidden') : detail);
}

/** A sentence of the server in the language of the page, where that has words for it. */
export function inWords(detail: string): string {
  return i18n.language === 'en' ? detail : (refusal(detail) ?? detail);
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
