import { type QueryKey, useQueryClient } from '@tanstack/react-query';
import { Alert, App, Button, type FormInstance } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem, textOf } from '../../api/problem';
import { type Path, placed, untold } from './faults';
import '../../i18n/faults';

/** What came in the way of saving, as far as it belongs to no field. */
export type Trouble = { kind: 'none' } | { kind: 'overtaken' } | { kind: 'refused'; texts: string[] };

interface Sending<Values, Shown, Saved> {
  save: (values: Values, etag: string | undefined, shown: Shown | undefined) => Promise<Saved>;
  saved: (saved: Saved) => void;
  lists: readonly QueryKey[];
  identity?: string | undefined;
  /** Brings a field to light that stands where nobody looks just now: on a tab behind. */
  reveal?: ((name: Path) => void) | undefined;
}

/** How long what is wrong may take to be drawn at its field, ms, and how often that is looked for. */
const DRAWN_MS = 500;
const LOOK_MS = 20;

/** Stands at the head of a form, and is scrolled to when there is something new to say. */
export function Told({ trouble, reload }: { trouble: Trouble; reload: () => void }) {
  const head = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (trouble.kind !== 'none') head.current?.scrollIntoView({ block: 'nearest' });
  }, [trouble]);
  if (trouble.kind === 'none') return null;
  return (
    <div ref={head}>
      <Words trouble={trouble} reload={reload} />
    </div>
  );
}

function Words({ trouble, reload }: { trouble: Exclude<Trouble, { kind: 'none' }>; reload: () => void }) {
  const { t } = useTranslation();
  switch (trouble.kind) {
    case 'overtaken':
      return (
        <Alert
          showIcon
          type="warning"
          style={{ marginBottom: 16 }}
          title={t('settings.overtaken')}
          action={
            <Button size="small" onClick={reload}>
              {t('settings.reload')}
            </Button>
          }
        />
      );
    case 'refused':
      return (
        <Alert
          showIcon
          type="error"
          style={{ marginBottom: 16 }}
          title={trouble.texts.map((text) => <div key={text}>{text}</div>)}
        />
      );
  }
}

/** Sends a form and puts what the server refuses where it belongs. */
export function useSubmit<Values extends object, Shown, Saved>(
  form: FormInstance<Values>,
  { save, saved, lists, identity, reveal }: Sending<Values, Shown, Saved>,
  etag: string | undefined,
  shown: Shown | undefined,
) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const [trouble, setTrouble] = useState<Trouble>({ kind: 'none' });
  const [isBusy, setIsBusy] = useState(false);
  const submit = async (values: Values) => {
    setIsBusy(true);
    setTrouble({ kind: 'none' });
    forgive(form);
    try {
      const done = await save(values, etag, shown);
      for (const queryKey of lists) void queries.invalidateQueries({ queryKey });
      void message.success(t('settings.saved'));
      saved(done);
      setIsBusy(false);
    } catch (error) {
      setTrouble(await explain(form, error, { identity, reveal }));
      setIsBusy(false);
    }
  };
  return { trouble, isBusy, submit };
}

/** What the server said of the values before is no more said of these. */
function forgive<Values extends object>(form: FormInstance<Values>): void {
  const marked = form.getFieldsError().filter(({ errors }) => errors.length > 0);
  form.setFields(marked.map(({ name }) => ({ name: name as never, errors: [] })));
}

/** Marks the fields at fault. What belongs to none, and what nobody could see there, is for the head of the form. */
export async function explain<Values extends object>(
  form: FormInstance<Values>,
  error: unknown,
  { identity, reveal }: Pick<Sending<Values, never, never>, 'identity' | 'reveal'> = {},
): Promise<Trouble> {
  if (!(error instanceof Problem)) return { kind: 'refused', texts: [textOf(error)] };
  if (error.status === 412) return { kind: 'overtaken' };
  if (error.status < 400 || error.status >= 500) return { kind: 'refused', texts: [error.message] };
  const names = form.getFieldsError().map(({ name }) => name as Path);
  const { at, rest } = placed(error, names, identity);
  form.setFields(at.map(({ name, errors }) => ({ name: [...name] as never, errors })));
  const first = at[0];
  if (first) reveal?.(first.name);
  const unseen = await drawn(() => untold(at, isSeen));
  if (first && unseen.length === 0) form.scrollToField([...first.name] as never, { focus: true });
  const texts = [...rest, ...unseen];
  return texts.length > 0 ? { kind: 'refused', texts } : { kind: 'none' };
}

/** Whether a field says so, where it can be seen. */
function isSeen(text: string): boolean {
  const said = [...document.querySelectorAll('.ant-form-item-explain-error')];
  return said.some((one) => one.textContent === text && one.checkVisibility());
}

/** What is unseen when everything is drawn. */
async function drawn(unseen: () => string[]): Promise<string[]> {
  for (let waited = 0; waited < DRAWN_MS && unseen().length > 0; waited += LOOK_MS) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return unseen();
}
