import { type QueryKey, useQueryClient } from '@tanstack/react-query';
import { App } from 'antd';
import { useTranslation } from 'react-i18next';
import { textOf } from '../../api/problem';
import '../../i18n/faults';

interface Deletion {
  /** How people call it. */
  name: string;
  /** What follows of it, where more than that it is gone. */
  hint?: string;
  remove: () => Promise<unknown>;
  /** The lists that are read again. */
  lists: readonly QueryKey[];
}

/** Deletes after a dialog with Cancel and Confirm (GEN-12); why the server refuses is said in another. */
export function useDelete(): (deletion: Deletion) => void {
  const { t } = useTranslation();
  const { modal, message } = App.useApp();
  const queries = useQueryClient();
  return ({ name, hint, remove, lists }) => {
    modal.confirm({
      title: t('settings.deleteTitle', { name }),
      content: hint ?? t('settings.deleteHint'),
      okText: t('common.ok'),
      cancelText: t('common.cancel'),
      okButtonProps: { danger: true },
      onOk: async () => {
        try {
          await remove();
          void message.success(t('settings.deleted', { name }));
        } catch (error) {
          modal.error({
            title: t('settings.deleteRefused', { name }),
            content: textOf(error),
            okText: t('common.ok'),
          });
        }
        for (const queryKey of lists) void queries.invalidateQueries({ queryKey });
      },
    });
  };
}

/** Does something at once, says that it is done or why not, and reads the lists again. */
export function useAct(): (act: () => Promise<unknown>, done: string, lists: readonly QueryKey[]) => Promise<void> {
  const { message } = App.useApp();
  const queries = useQueryClient();
  return async (act, done, lists) => {
    try {
      await act();
      void message.success(done);
    } catch (error) {
      void message.error(textOf(error));
    }
    for (const queryKey of lists) void queries.invalidateQueries({ queryKey });
  };
}
