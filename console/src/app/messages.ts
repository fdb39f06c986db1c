import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { create } from 'zustand';
import { persist } from 'zustand/middleware';
import { api, ask, type Schemas } from '../api/client';
import type { StateName } from '../desk/model';
import { useDesk } from '../desk/store';
import { useSession } from './session';

/** What somebody is told of beside his work (UI-07), each with its own name, so that it is told once. */
export type Message =
  | { kind: 'task'; key: string; at: string; module: string; rows: number; failed?: string }
  | { kind: 'forced'; key: string; at: string; by: string; state: StateName };

/** So many are kept in this browser; older ones go. */
const KEPT = 50;
/** How often one's own tasks are looked at, ms. */
const LOOK_MS = 20_000;
const TASKS_SEEN = 20;

interface Kept {
  /** Whose they are. */
  owner: string;
  messages: readonly Message[];
  /** Those up to this time have been read. */
  readAt: string;
  /** Those up to this time were cleared. */
  clearedAt: string;
}

const nothing = (owner: string, now: string): Kept => ({ owner, messages: [], readAt: now, clearedAt: now });

export const useMessages = create<Kept>()(persist(() => nothing('', ''), { name: 'switchboard-messages' }));

/** The ones that are new join those that are there, newest first. */
export function joined(before: readonly Message[], found: readonly Message[], clearedAt: string): readonly Message[] {
  const known = new Set(before.map(({ key }) => key));
  const fresh = found.filter(({ key, at }) => !known.has(key) && at > clearedAt);
  if (fresh.length === 0) return before;
  return [...fresh, ...before].sort((one, other) => (one.at < other.at ? 1 : -1)).slice(0, KEPT);
}

function tell(found: readonly Message[]): void {
  useMessages.setState(({ messages, clearedAt }) => ({ messages: joined(messages, found, clearedAt) }));
}

/** Whether the window with them is open (UI-05, UI-07). */
export const useMessageWindow = create<{ isOpen: boolean }>()(() => ({ isOpen: false }));

export function openMessages(): void {
  useMessages.setState({ readAt: new Date().toISOString() });
  useMessageWindow.setState({ isOpen: true });
}

export function closeMessages(): void {
  useMessageWindow.setState({ isOpen: false });
}

export function clearMessages(): void {
  const now = new Date().toISOString();
  useMessages.setState({ messages: [], readAt: now, clearedAt: now });
}

export function unread({ messages, readAt }: Pick<Kept, 'messages' | 'readAt'>): number {
  return messages.filter(({ at }) => at > readAt).length;
}

function ofTask(task: Schemas['TaskShown']): Message[] {
  const { id, module, rows, state, reason, ended_at } = task;
  if (!ended_at || (state !== 'done' && state !== 'failed')) return [];
  const failed = state === 'failed' ? { failed: reason ?? '' } : {};
  return [{ kind: 'task', key: `task ${id}`, at: ended_at, module, rows, ...failed }];
}

/** Gathers them while somebody is signed in: his own finished tasks, and what a supervisor made of his state. */
export function useMessageKeeper(): void {
  const { login, tenant } = useSession();
  const owner = `${tenant} ${login}`;
  const agent = useDesk(({ desk }) => desk?.agent);
  useEffect(() => {
    if (useMessages.getState().owner !== owner) useMessages.setState(nothing(owner, new Date().toISOString()));
  }, [owner]);
  const { data: tasks } = useQuery({
    queryKey: ['own-tasks', login],
    queryFn: () => ask(api.GET('/api/v1/tasks', { params: { query: { operator: login, limit: TASKS_SEEN } } })),
    refetchInterval: LOOK_MS,
  });
  // The selector of states asks for the same, and the answer serves both.
  const { data: day } = useQuery({
    queryKey: ['own-day', agent?.state, agent?.since],
    queryFn: () => ask(api.GET('/api/v1/desk/today')),
    enabled: Boolean(agent),
  });
  useEffect(() => {
    if (tasks) tell(tasks.items.flatMap(ofTask));
  }, [tasks]);
  useEffect(() => {
    const stay = day?.newest_stay;
    if (!stay?.done_by || stay.reason !== 'forced') return;
    tell([{ kind: 'forced', key: `forced ${stay.began_at}`, at: stay.began_at, by: stay.done_by, state: stay.state }]);
  }, [day]);
}
