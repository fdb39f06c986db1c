import { Button, Empty, Result, Skeleton } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
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

/** What a query came to; `children` are drawn of its data. */
export function Answered<T>({
  query,
  children,
}: {
  query: { data: T | undefined; error: unknown; refetch: () => unknown };
  children: (data: T) => ReactNode;
}) {
  const { t } = useTranslation();
  if (query.data !== undefined) return children(query.data);
  if (!query.error) return <Skeleton active title={false} paragraph={{ rows: 4 }} />;
  if (query.error instanceof Problem && query.error.isForbidden) return <Forbidden />;
  return (
    <Result
      status="error"
      title={t('problem.failed')}
      subTitle={textOf(query.error)}
      extra={<Button onClick={() => void query.refetch()}>{t('common.retry')}</Button>}
    />
  );
}
