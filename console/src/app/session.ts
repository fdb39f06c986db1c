import { create } from 'zustand';
import { api, ask, onSessionEnded, type Schemas, type SessionEnd, whyEnded } from '../api/client';
import { Problem } from '../api/problem';

export type Session = Schemas['SessionShown'];
type SignInWay = Schemas['SignInWay'];

/** What is in the way of a sign-in by the provider, by the last part of a problem's type, which the server puts into the address. */
const IN_THE_WAY = {
  unauthenticated: 'nobody',
  forbidden: 'notJoined',
  refused: 'busy',
  unavailable: 'away',
  'too-many': 'tooMany',
} as const;

/** Why the login page is shown. */
export type Because = SessionEnd | 'passwordChanged' | (typeof IN_THE_WAY)[keyof typeof IN_THE_WAY];

/** Who is signed in. */
export type Standing =
  | { kind: 'unknown' }
  | { kind: 'out'; because?: Because }
  | { kind: 'unreachable'; problem: Problem }
  | { kind: 'in'; session: Session };

export const useStanding = create<Standing>()((): Standing => ({ kind: 'unknown' }));

const set = (standing: Standing) => useStanding.setState(standing, true);

onSessionEnded((because) => {
  if (useStanding.getState().kind === 'in') set({ kind: 'out', because });
});

/** Told by a stream that the server closed. Why, is in the answer to whatever is asked next. */
export function sessionEnded(): void {
  const asked = api.GET('/api/v1/session').catch(() => undefined);
  void asked.then(() => {
    if (useStanding.getState().kind === 'in') set({ kind: 'out', because: 'ended' });
  });
}

/** Whether somebody has just signed in, and the page was not only loaded again: asked once. */
let isFresh = false;
export function takeFresh(): boolean {
  const was = isFresh;
  isFresh = false;
  return was;
}

/** What a sign-in by the provider came to: `done`, or what is in the way. Asked once. */
function takeReturned(): string | undefined {
  const address = new URL(window.location.href);
  const word = address.searchParams.get('sign_in');
  if (word === null) return undefined;
  address.searchParams.delete('sign_in');
  window.history.replaceState(null, '', address);
  return word;
}

export async function resume(): Promise<void> {
  const returned = takeReturned();
  try {
    const session = await ask(api.GET('/api/v1/session'));
    isFresh ||= returned === 'done';
    set({ kind: 'in', session });
  } catch (error) {
    if (error instanceof Problem && error.status === 401) set(out(error, returned));
    else set({ kind: 'unreachable', problem: error instanceof Problem ? error : new Problem(0, undefined) });
  }
}

function out(problem: Problem, returned: string | undefined): Standing {
  const inTheWay = Object.entries(IN_THE_WAY).find(([word]) => word === returned)?.[1];
  if (inTheWay) return { kind: 'out', because: inTheWay };
  return whyEnded(problem) === 'replaced' ? { kind: 'out', because: 'replaced' } : { kind: 'out' };
}

/** `way` is by what one takes part in calls, for the login log (LOG-06). */
export async function signIn(login: string, password: string, tenant?: string, way?: SignInWay): Promise<void> {
  const body = { login, password, ...(tenant ? { tenant } : {}), ...(way ? { sign_in: way } : {}) };
  enter(await ask(api.POST('/api/v1/session', { body })));
}

/** Asks for a code by SMS (LOGIN-01, LOGIN-02). */
export async function sendCode(mobile: string): Promise<void> {
  await ask(api.POST('/api/v1/session/sms-code', { body: { mobile } }));
}

/** What a right code came to: a session that began, or enterprises to choose from (LOGIN-03). */
export type Chosen =
  | { kind: 'in' }
  | { kind: 'choosing'; ticket: string; enterprises: readonly Schemas['Enterprise'][] };

export async function signInByCode(mobile: string, code: string): Promise<Chosen> {
  const { session, enterprises, ticket } = await ask(api.POST('/api/v1/session/sms', { body: { mobile, code } }));
  if (!session) return { kind: 'choosing', ticket: ticket ?? '', enterprises };
  enter(session);
  return { kind: 'in' };
}

export async function join(ticket: string, tenant: string): Promise<void> {
  enter(await ask(api.POST('/api/v1/session/join', { body: { ticket, tenant } })));
}

/** The token is for programs; the cookie serves the browser. */
function enter({ token: _, ...session }: Schemas['SignedIn']): void {
  isFresh = true;
  set({ kind: 'in', session });
}

export async function choosePassword(oldPassword: string, newPassword: string): Promise<void> {
  const body = { old_password: oldPassword, new_password: newPassword };
  await ask(api.POST('/api/v1/session/password', { body }));
  set({ kind: 'out', because: 'passwordChanged' });
}

export async function signOut(): Promise<void> {
  await ask(api.DELETE('/api/v1/session'));
  set({ kind: 'out' });
}

/** Who is signed in, on pages that only they see. */
export function useSession(): Session {
  const standing = useStanding();
  if (standing.kind !== 'in') throw new Error('a page of somebody who is signed in is shown to nobody');
  return standing.session;
}

/** Those of the settings of telephony. */
type TelephonyPermission =
  | 'callers.read'
  | 'callers.write'
  | 'conferences.control'
  | 'conferences.read'
  | 'extensions.read'
  | 'extensions.write'
  | 'flows.read'
  | 'flows.write'
  | 'hours.read'
  | 'hours.write'
  | 'prompts.read'
  | 'prompts.write'
  | 'queues.write'
  | 'registrations.read'
  | 'rooms.read'
  | 'rooms.write'
  | 'routes.read'
  | 'routes.write'
  | 'surveys.read'
  | 'surveys.write'
  | 'trunks.read'
  | 'trunks.write';

/** The permission keys that pages and buttons of this console ask for. The server checks each again (GEN-15). */
export type Permission =
  | TelephonyPermission
  | 'agent_states.read'
  | 'agents.read'
  | 'agents.supervise'
  | 'agents.write'
  | 'audit.read'
  | 'bans.read'
  | 'bans.write'
  | 'blocks.read'
  | 'blocks.write'
  | 'call.dial'
  | 'call_ladders.read'
  | 'call_records.read'
  | 'calls.barge'
  | 'calls.force_hangup'
  | 'calls.monitor'
  | 'calls.takeover'
  | 'calls.whisper'
  | 'crm.call_records.read'
  | 'crm.lost_answered.read'
  | 'crm.lost_calls.read'
  | 'crm.missed_calls.read'
  | 'crm.settings.read'
  | 'crm.settings.write'
  | 'departments.read'
  | 'departments.write'
  | 'employees.read'
  | 'employees.write'
  | 'extensions.use'
  | 'logins.read'
  | 'missed_offers.read'
  | 'queues.read'
  | 'recordings.download'
  | 'recordings.play'
  | 'recordings.read'
  | 'roles.read'
  | 'roles.write'
  | 'sms.free_text'
  | 'sms.messages.read'
  | 'sms.review'
  | 'sms.send'
  | 'sms.templates.read'
  | 'sms.templates.write'
  | 'system.read'
  | 'tasks.all'
  | 'tenants.read'
  | 'tenants.write'
  | 'tokens.read'
  | 'tokens.write'
  | 'voicemails.read'
  | 'wallboard.read'
  | 'webhooks.read'
  | 'webhooks.write';

/** What `telephony.admin` stands for, of those. */
const TELEPHONY: Permission[] = [
  'flows.read',
  'flows.write',
  'hours.read',
  'hours.write',
  'prompts.read',
  'prompts.write',
  'queues.read',
  'queues.write',
  'routes.read',
  'routes.write',
  'trunks.read',
  'trunks.write',
];

export function may(session: Session, key: Permission): boolean {
  const keys = session.permissions;
  return keys.includes('*') || keys.includes(key) || (TELEPHONY.includes(key) && keys.includes('telephony.admin'));
}

export function useMay(): (key: Permission) => boolean {
  const session = useSession();
  return (key) => may(session, key);
}
