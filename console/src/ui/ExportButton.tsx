import { DownloadOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { App, Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { api, ask } from '../api/client';
import { textOf } from '../api/problem';

/** What may be taken out and in, and by whom. */
export function useModules() {
  const { data } = useQuery({
    queryKey: ['task-modules'],
    queryFn: () => ask(api.GET('/api/v1/tasks/modules')),
    staleTime: 300_000,
  });
  return data?.items ?? [];
}

type Conditions = Record<string, string | number | boolean | undefined>;

/** As a list's address has them; what is not asked for is left out. */
export function queryText(conditions: Conditions): string {
  const given = Object.entries(conditions).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
}

/** Takes a list out as a file by its conditions (GEN-11): a task, found under data download. Shown to who may. */
export function ExportButton({ module, conditions }: { module: string; conditions: Conditions }) {
  const { t } = useTranslation();
  const { message, notification } = App.useApp();
  const navigate = useNavigate();
  const [isBusy, setIsBusy] = useState(false);
  const offered = useModules().find((one) => one.kind === 'export' && one.module === module);
  if (!offered?.permitted) return null;
  const start = async () => {
    setIsBusy(true);
    try {
      await ask(api.POST('/api/v1/tasks/exports', { body: { module, query: queryText(conditions) } }));
      const key = `export ${module}`;
      notification.success({
        key,
        title: t('tasks.begun'),
        description: t('tasks.begunHint'),
        actions: (
          <Button
            type="primary"
            size="small"
            onClick={() => {
              notification.destroy(key);
              navigate('/tasks');
            }}
          >
            {t('menu.tasks')}
          </Button>
        ),
      });
    } catch (error) {
      void message.error(textOf(error));
    }
    setIsBusy(false);
  };
  return (
    <Button icon={<DownloadOutlined />} aria-label={t('tasks.export')} loading={isBusy} onClick={() => void start()}>
      {t('tasks.export')}
    </Button>
  );
}
