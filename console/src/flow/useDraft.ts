import { useCallback, useEffect, useRef, useState } from 'react';
import { api, type Schemas } from '../api/client';
import { Problem, textOf } from '../api/problem';
import { askTagged, ifMatch } from '../ui/settings/tagged';
import type { Flow } from './model';

export type Fault = Schemas['FlowFault'];

/** Whether the server has what is drawn. */
export type Saving =
  | { kind: 'saved' | 'waiting' | 'saving' | 'refused' | 'overtaken' }
  | { kind: 'failed'; text: string };

export interface Begin {
  flow: Flow;
  etag: string | undefined;
  faults: Fault[];
}

/** How long after the last change a draft is saved, ms. */
const QUIET_MS = 700;

/** Where problems of a refused draft belong: the server names `nodes.NAME`. */
function faultsOf(problem: Problem): Fault[] {
  return problem.fields.map(({ field, detail }) => {
    const [, node] = /^nodes\.([^.]+)/.exec(field) ?? [];
    return { node: node ?? null, what: detail };
  });
}

/** Saves what is drawn as a draft, a moment after each change; the server says what is wrong with it. */
export function useDraft(begin: Begin, flow: Flow, isLocked: boolean) {
  const [saving, setSaving] = useState<Saving>({ kind: 'saved' });
  const [faults, setFaults] = useState(begin.faults);
  const kept = useRef({ flow: begin.flow, etag: begin.etag });
  const running = useRef<Promise<boolean>>(undefined);
  const latest = useRef(flow);
  latest.current = flow;

  const send = useCallback(async (): Promise<boolean> => {
    try {
      while (latest.current !== kept.current.flow) {
        const sent = latest.current;
        setSaving({ kind: 'saving' });
        const asked = api.PUT('/api/v1/flows/{name}', {
          ...ifMatch(kept.current.etag),
          params: { path: { name: sent.name } },
          body: sent as unknown as Record<string, never>,
        });
        const { value, etag } = await askTagged(asked);
        kept.current = { flow: sent, etag };
        setFaults(value.problems);
      }
      setSaving({ kind: 'saved' });
      return true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.slug === 'version-mismatch') setSaving({ kind: 'overtaken' });
      else if (error.status === 422 || error.status === 400) {
        setFaults(faultsOf(error));
        setSaving({ kind: 'refused' });
      } else setSaving({ kind: 'failed', text: textOf(error) });
      return false;
    }
  }, []);

  /** Whether the server has all of it. */
  const save = useCallback((): Promise<boolean> => {
    running.current ??= send().finally(() => {
      running.current = undefined;
    });
    return running.current;
  }, [send]);

  useEffect(() => {
    if (isLocked || flow === kept.current.flow) return;
    setSaving((before) => (before.kind === 'overtaken' ? before : { kind: 'waiting' }));
    const timer = setTimeout(() => void save(), QUIET_MS);
    return () => clearTimeout(timer);
  }, [flow, isLocked, save]);

  return {
    saving,
    faults,
    save,
    setFaults,
    etag: () => kept.current.etag,
    /** What the server has now, after it was published. */
    published: (etag: string | undefined) => {
      kept.current = { ...kept.current, etag };
      setFaults([]);
    },
  };
}
