import { api, ask } from '../api/client';
import { i18n } from '../i18n';
import { hangUp as hangUpAudio, register, unregister, usePhone } from '../phone/softphone';
import type { StateName } from './model';

/** Who orders: his employee number. */
type Me = string;
const of = (id: Me) => ({ params: { path: { id } } });

/** Signs in with a phone (PHONE-01). A web phone registers first, so that its agent is online at once (PHONE-02). */
export async function signInPhone(me: Me, way: 'web' | 'desk', extension: string): Promise<void> {
  const named = extension.trim();
  if (way === 'web') await register(named || (await ownExtension()));
  else unregister();
  try {
    const body = { way, ...(named ? { extension: named } : {}) };
    await ask(api.POST('/api/v1/agents/{id}/sign-in', { ...of(me), body }));
  } catch (error) {
    unregister();
    throw error;
  }
}

/** By his own settings, which everybody may read. */
async function ownExtension(): Promise<string> {
  const { extension } = await ask(api.GET('/api/v1/me'));
  if (!extension) throw new Error(i18n.t('signIn.noExtension'));
  return extension;
}

export async function signOutPhone(me: Me): Promise<void> {
  await ask(api.POST('/api/v1/agents/{id}/sign-out', of(me)));
  unregister();
}

export async function signInMobile(me: Me, mobile: string): Promise<void> {
  const body = mobile.trim() ? { mobile: mobile.trim() } : {};
  await ask(api.POST('/api/v1/agents/{id}/mobile-sign-in', { ...of(me), body }));
}

export async function signOutMobile(me: Me): Promise<void> {
  await ask(api.POST('/api/v1/agents/{id}/mobile-sign-out', of(me)));
}

export async function pickState(me: Me, state: StateName): Promise<void> {
  await ask(api.POST('/api/v1/agents/{id}/state', { ...of(me), body: { state } }));
}

/** Rings one's desk phone or mobile, then dials (CALL-09, PHONE-15). */
export async function originate(from: string, to: string): Promise<void> {
  await ask(api.POST('/api/v1/calls', { body: { from, to } }));
}

/** What is ordered for one's own part of a call. */
export const forCall = {
  hold: (call: string) => ask(api.POST('/api/v1/calls/{id}/hold', of(call))),
  retrieve: (call: string) => ask(api.POST('/api/v1/calls/{id}/retrieve', of(call))),
  transfer: (call: string, to: string) => ask(api.POST('/api/v1/calls/{id}/transfer', { ...of(call), body: { to } })),
  consult: (call: string, to: string) => ask(api.POST('/api/v1/calls/{id}/consult', { ...of(call), body: { to } })),
  consultCancel: (call: string) => ask(api.POST('/api/v1/calls/{id}/consult/cancel', of(call))),
  consultComplete: (call: string) => ask(api.POST('/api/v1/calls/{id}/consult/complete', of(call))),
  threeWay: (call: string, to?: string) =>
    ask(api.POST('/api/v1/calls/{id}/conference', { ...of(call), body: to ? { to } : {} })),
  threeWayCancel: (call: string) => ask(api.POST('/api/v1/calls/{id}/conference/cancel', of(call))),
  survey: (call: string) => ask(api.POST('/api/v1/calls/{id}/survey', of(call))),
  press: (call: string, digits: string) => ask(api.POST('/api/v1/calls/{id}/dtmf', { ...of(call), body: { digits } })),
  hangUp: (call: string) => ask(api.POST('/api/v1/calls/{id}/hangup/party', of(call))),
};

/** Hangs up as the phase says. What the server does not know yet, or any more, ends at the phone. */
export async function hangUp(call: string | undefined): Promise<void> {
  const { line } = usePhone.getState();
  if (line.kind === 'ringing' || line.kind === 'calling' || call === undefined) {
    hangUpAudio();
    if (line.kind !== 'free' || call === undefined) return;
  }
  await forCall.hangUp(call);
}
