import { useQueryClient } from '@tanstack/react-query';
import { App } from 'antd';
import { useTranslation } from 'react-i18next';
import { api, ask } from '../../api/client';
import { textOf } from '../../api/problem';
import { EMPLOYEES, type Employee } from './directory';

/** Sets who is ticked to left or back to in service (ORG-27), after a word on what follows (LOGIN-09); names those for whom it is refused. */
export function useStatus() {
  const { t } = useTranslation();
  const { modal, message } = App.useApp();
  const queries = useQueryClient();
  return (employees: readonly Employee[], status: Employee['status'], done?: () => void) => {
    const names = employees.map(({ name }) => name).join(t('people.comma'));
    const set = async () => {
      const refused: string[] = [];
      for (const { number, name } of employees) {
        const params = { path: { id: number } };
        await ask(api.PUT('/api/v1/employees/{id}/status', { params, body: { status } })).catch((error: unknown) => {
          refused.push(t('people.statusRefused', { name, reason: textOf(error) }));
        });
      }
      void queries.invalidateQueries({ queryKey: EMPLOYEES });
      if (refused.length > 0) modal.error({ title: t('people.notAllSet'), content: refused.join('\n') });
      else void message.success(t('settings.saved'));
      done?.();
    };
    modal.confirm({
      title: status === 'left' ? t('people.leaveTitle', { names }) : t('people.returnTitle', { names }),
      content: status === 'left' ? t('people.leaveHint') : t('people.returnHint'),
      okText: t('common.ok'),
      cancelText: t('common.cancel'),
      okButtonProps: { danger: status === 'left' },
      onOk: set,
    });
  };
}
