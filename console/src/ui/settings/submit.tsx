import { type QueryKey, useQueryClient } from '@tanstack/react-query';
import { Alert, App, Button, type FormInstance } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem, textOf } from '../../api/problem';
import { type Path, placed } from './faults';
import '../../i18n/faults';

/** What came in the way of saving, as far as it belongs to no field. */
export type Trouble = { kind: 'none' } | { kind: 'overtaken' } | { kind: 'refused'; texts: string[] };

interface Sending<Values, Shown, Saved> {
  save: (values: Values, etag: string | undefined, shown: Shown | undefined) => Promise<Saved>;
  saved: (saved: Saved) => void;
  lists: readonly QueryKey[];
  identity?: string | undefined;
}

export function Told({ trouble, reload }: { trouble: Trouble; reload: () => void }) {
  const { t } = useTranslation();
  switch (trouble.kind) {
    case 'none':
      return null;
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
  { save, saved, lists, identity }: Sending<Values, Shown, Saved>,
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
    try {
      const done = await save(values, etag, shown);
      for (const queryKey of lists) void queries.invalidateQueries({ queryKey });
      void message.success(t('settings.saved'));
      saved(done);
      setIsBusy(false);
    } catch (error) {
      setTrouble(explain(form, error, identity));
      setIsBusy(false);
    }
  };
  return { trouble, isBusy, submit };
}

/** Marks the fields at fault; what is left is for the head of the form. */
export function explain<Values extends object>(form: FormInstance<Values>, error: unknown, identity?: string): Trouble {
  if (!(error instanceof Problem)) return { kind: 'refused', texts: [textOf(error)] };
  if (error.status === 412) return { kind: 'overtaken' };
  if (error.status < 400 || error.status >= 500) return { kind: 'refused', texts: [error.message] };
  const names = form.getFieldsError().map(({ name }) => name as Path);
  const { at, rest } = placed(error, names, identity);
  form.setFields(at.map(({ name, errors }) => ({ name: [...name] as never, errors })));
  const first = at[0];
  if (first) form.scrollToField([...first.name] as never, { focus: true });
  return rest.length > 0 ? { kind: 'refused', texts: rest } : { kind: 'none' };
}
