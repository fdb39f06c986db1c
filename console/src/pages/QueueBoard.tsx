import { Alert, Skeleton, Table } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { useWallboard } from '../desk/board';
import { useNow } from '../desk/clock';
import { type Figure as FigureName, figuresOf, type Limits, level } from '../desk/limits';
import { duration, rate } from '../format';
import { Nothing } from '../ui/States';
import { Emergencies } from './board/Emergencies';
import { Figure } from './board/Figure';
import { Waiting } from './board/Waiting';

type Queue = Schemas['QueueOnBoard'];

/** The queues as they stand, who waits in them, and what became of their callers today. */
export function QueueBoard() {
  const { t } = useTranslation();
  const { board, isLost } = useWallboard();
  if (!board) return isLost ? <Alert showIcon type="error" title={t('board.lost')} /> : <Skeleton active />;
  const marked = (figure: FigureName, text: (queue: Queue) => string | number) => (_: unknown, queue: Queue) => (
    <Marked queue={queue} figure={figure} limits={board.limits} text={text(queue)} />
  );
  return (
    <div className="page">
      {isLost && <Alert showIcon type="error" title={t('board.lost')} />}
      <Emergencies calls={board.emergencies} />
      <Table<Queue>
        size="small"
        rowKey={({ queue }) => queue}
        dataSource={board.queues}
        pagination={false}
        scroll={{ x: 'max-content' }}
        locale={{ emptyText: <Nothing text={t('common.empty')} /> }}
        expandable={{
          rowExpandable: ({ waiting }) => waiting > 0,
          expandedRowRender: ({ queue }) => <Waiting callers={board.callers.filter((one) => one.queue === queue)} />,
        }}
        columns={[
          { title: t('queues.name'), dataIndex: 'queue' },
          { title: t('queues.waiting'), render: marked('waiting', ({ waiting }) => waiting) },
          { title: t('queues.longest'), render: (_, queue) => <Longest queue={queue} limits={board.limits} /> },
          { title: t('queues.signedIn'), dataIndex: 'signed_in' },
          { title: t('queues.idle'), dataIndex: 'idle' },
          { title: t('queues.entered'), dataIndex: 'entered' },
          { title: t('queues.answered'), dataIndex: 'answered' },
          {
            title: t('queues.abandoned'),
            render: marked('abandoned_percent', ({ abandoned }) => abandoned),
          },
          { title: t('queues.answerRate'), render: (_, { answered, entered }) => rate(answered, entered) },
          {
            title: t('queues.level'),
            render: marked('service_level_percent', (queue) => rate(queue.within_target, queue.entered)),
          },
        ]}
      />
    </div>
  );
}

interface MarkedGiven {
  queue: Queue;
  figure: FigureName;
  limits: Limits;
  text: string | number;
}

function Marked({ queue, figure, limits, text }: MarkedGiven) {
  return <Figure level={level(figure, figuresOf([queue], 0)[figure], limits)}>{text}</Figure>;
}

/** The wait of the first in line, as it grows. */
function Longest({ queue, limits }: { queue: Queue; limits: Limits }) {
  const now = useNow();
  const waited = figuresOf([queue], now).longest_wait_s;
  if (waited === undefined) return null;
  return <Figure level={level('longest_wait_s', waited, limits)}>{duration(waited * 1000)}</Figure>;
}
