import { Alert, Button, Empty, Result, Skeleton } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { CrmOff } from '../api/crm';
import { Problem, textOf } from '../api/problem';

export function Forbidden() {
  const { t } = useTranslation();
  return <Result status="403" title={t('problem.forbiddenTitle')} subTitle={t('problem.forbidden')} />;
}

export function Unreachable({ problem, retry }: { problem: Problem; retry: () => void }) {
  const { t } = useTranslation();
  return (
    <Result
      status="warning"
      title={t('problem.failed')}
      subTitle={problem.message}
      extra={<Button onClick={retry}>{t('common.retry')}</Button>}
    />
  );
}

export function Nothing({ text }: { text: string }) {
  return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={text} />;
}

/** What a query came to; `children` are drawn of its data. `instead` is what still works where the CRM is off. */
export function Answered<T>({
  query,
  children,
  instead,
}: {
  query: { data: T | undefined; error: unknown; refetch: () => unknown };
  children: (data: T) => ReactNode;
  instead?: ReactNode;
}) {
  const { t } = useTranslation();
  if (query.data !== undefined) return children(query.data);
  if (!query.error) return <Skeleton active title={false} paragraph={{ rows: 4 }} />;
  if (query.error instanceof Problem && query.error.isForbidden) return <Forbidden />;
  if (query.error instanceof CrmOff) {
    return (
      <>
        <Alert
          showIcon
          type="info"
          title={query.error.isForNow ? t('crm.late') : t('crm.off')}
          description={instead ? t('crm.instead') : t('crm.offHint')}
          action={
            <Button size="small" onClick={() => void query.refetch()}>
              {t('common.retry')}
            </Button>
          }
        />
        {instead}
      </>
    );
  }
  return (
    <Result
      status="error"
      title={t('problem.failed')}
      subTitle={textOf(query.error)}
      extra={<Button onClick={() => void query.refetch()}>{t('common.retry')}</Button>}
    />
  );
}
