import type { FormInstance } from 'antd';
import { useState } from 'react';
import { Problem, textOf } from '../../api/problem';
import { type Path, placed } from '../../ui/settings/faults';

/** Sends the form of a step; what the server refuses is put at its field, the rest is told. */
export function useSend<Values extends object>(form: FormInstance<Values>, identity?: string) {
  const [isBusy, setIsBusy] = useState(false);
  const [trouble, setTrouble] = useState<string>();
  const send = async (what: () => Promise<unknown>) => {
    setIsBusy(true);
    setTrouble(undefined);
    try {
      await what();
    } catch (error) {
      if (error instanceof Problem && error.status >= 400 && error.status < 500) {
        const names = form.getFieldsError().map(({ name }) => name as Path);
        const { at, rest } = placed(error, names, identity);
        form.setFields(at.map(({ name, errors }) => ({ name: [...name] as never, errors })));
        setTrouble(rest.join('\n') || undefined);
      } else setTrouble(textOf(error));
    }
    setIsBusy(false);
  };
  return { isBusy, trouble, send };
}
