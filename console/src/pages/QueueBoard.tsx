import { Alert, Skeleton, Table, theme } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { useWallboard } from '../desk/board';
import { useNow } from '../desk/clock';
import { duration, rate } from '../format';
import { Nothing } from '../ui/States';

type Queue = Schemas['QueueOnBoard'];

/** The queues as they stand, and what became of their callers today. */
export function QueueBoard() {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const now = useNow();
  const { board, isLost } = useWallboard();
  if (!board) return isLost ? <Alert showIcon type="error" title={t('board.lost')} /> : <Skeleton active />;
  const alarm = (value: number) => (value > 0 ? { color: token.colorError, fontWeight: 600 } : undefined);
  const waited = (since: string | null | undefined) => since && duration(now - Date.parse(since));
  return (
    <div className="page">
      {isLost && <Alert showIcon type="error" title={t('board.lost')} />}
      <Table<Queue>
        size="small"
        rowKey={({ queue }) => queue}
        dataSource={board.queues}
        pagination={false}
        scroll={{ x: 'max-content' }}
        locale={{ emptyText: <Nothing text={t('common.empty')} /> }}
        columns={[
          { title: t('queues.name'), dataIndex: 'queue' },
          { title: t('queues.waiting'), render: (_, { waiting }) => <span style={alarm(waiting)}>{waiting}</span> },
          { title: t('queues.longest'), render: (_, queue) => waited(queue.longest_waiting_since) },
          { title: t('queues.signedIn'), dataIndex: 'signed_in' },
          { title: t('queues.idle'), dataIndex: 'idle' },
          { title: t('queues.entered'), dataIndex: 'entered' },
          { title: t('queues.answered'), dataIndex: 'answered' },
          { title: t('queues.abandoned'), dataIndex: 'abandoned' },
          { title: t('queues.answerRate'), render: (_, { answered, entered }) => rate(answered, entered) },
          { title: t('queues.level'), render: (_, queue) => rate(queue.within_target, queue.entered) },
        ]}
      />
    </div>
  );
}
