import { ask, type Schemas } from './client';
import { Problem } from './problem';

export type CrmCallRecord = Schemas['CrmCallRecord'];
export type CrmMissedCall = Schemas['CrmMissedCall'];
export type CrmLostCall = Schemas['CrmLostCall'];
export type CrmLostAnswered = Schemas['CrmLostAnswered'];

/** The CRM plugin is switched off, or does not answer now: its lists are not to be had, and calls go on. */
export class CrmOff extends Problem {
  /** It is there, and may answer again soon. */
  get isForNow(): boolean {
    return this.status !== 404;
  }
}

const OFF = [404, 503, 504];

/** A list of the CRM, or `CrmOff`. */
export async function askCrm<T>(answer: Parameters<typeof ask<T>>[0]): Promise<T> {
  try {
    return await ask(answer);
  } catch (error) {
    if (error instanceof Problem && OFF.includes(error.status)) throw new CrmOff(error.status, undefined);
    throw error;
  }
}
