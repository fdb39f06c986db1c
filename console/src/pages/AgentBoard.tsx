import { Alert, Badge, Input, Select, Skeleton, Space, Table, Tag } from 'antd';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { useSession } from '../app/session';
import { attention, byAttention, sinceOf } from '../desk/attention';
import { useWallboard } from '../desk/board';
import { useNow } from '../desk/clock';
import { useDesk } from '../desk/store';
import { supervisorOf } from '../desk/supervision';
import { duration } from '../format';
import { Nothing } from '../ui/States';
import { Actions } from './board/Actions';
import { Emergencies } from './board/Emergencies';
import { Figure } from './board/Figure';
import { ALL_WORDS, WORDS, type Word } from './words';

type Agent = Schemas['AgentOnBoard'];

/** The agents, who needs attention first, and what a supervisor may do (MON-20 to MON-30). */
export function AgentBoard() {
  const { t } = useTranslation();
  const { board, isLost } = useWallboard();
  const own = useSupervisor();
  const [words, setWords] = useState<Word[]>([]);
  const [search, setSearch] = useState('');
  if (!board) return isLost ? <Alert showIcon type="error" title={t('board.lost')} /> : <Skeleton active />;
  const wanted = search.trim().toLowerCase();
  const matches = (agent: Agent) =>
    (words.length === 0 || words.includes(agent.word as Word)) &&
    [agent.agent, agent.name, agent.extension ?? ''].some((text) => text.toLowerCase().includes(wanted));
  const agents = board.agents.filter(matches).sort(byAttention(Date.parse(board.at)));
  return (
    <div className="page">
      {isLost && <Alert showIcon type="error" title={t('board.lost')} />}
      <Emergencies calls={board.emergencies} />
      <Space wrap>
        <Input.Search
          allowClear
          style={{ width: 240 }}
          placeholder={t('agents.search')}
          aria-label={t('agents.search')}
          onChange={({ target }) => setSearch(target.value)}
        />
        <Select<Word[]>
          mode="multiple"
          allowClear
          style={{ minWidth: 220 }}
          placeholder={t('agents.filter')}
          aria-label={t('agents.filter')}
          value={words}
          onChange={setWords}
          options={ALL_WORDS.map((value) => ({ value, label: `${t(`word.${value}`)} ${board.states[value] ?? 0}` }))}
        />
      </Space>
      <Table<Agent>
        size="small"
        rowKey={({ agent }) => agent}
        dataSource={agents}
        pagination={{ pageSize: PER_PAGE, hideOnSinglePage: true, showSizeChanger: false }}
        scroll={{ x: 'max-content' }}
        locale={{ emptyText: <Nothing text={t('board.noAgents')} /> }}
        columns={[
          { ...WHEN_CHANGED, title: t('agents.agent'), dataIndex: 'agent' },
          { ...WHEN_CHANGED, title: t('agents.name'), dataIndex: 'name' },
          { ...WHEN_CHANGED, title: t('agents.department'), dataIndex: 'department' },
          { ...WHEN_CHANGED, title: t('agents.groups'), render: (_, { groups }) => groups.join(' ') },
          { ...WHEN_CHANGED, title: t('agents.extension'), render: (_, { mobile, extension }) => mobile ?? extension },
          {
            title: t('agents.state'),
            render: (_, { word, supervises }) => (
              <>
                <Badge color={WORDS[word as Word]} text={t(`word.${word as Word}`)} />
                {supervises && <Tag style={{ marginInlineStart: 8 }}>{t('agents.supervising')}</Tag>}
              </>
            ),
          },
          { ...WHEN_CHANGED, title: t('agents.since'), render: (_, agent) => <Lasted agent={agent} /> },
          { ...WHEN_CHANGED, title: t('agents.otherSide'), dataIndex: 'other_side' },
          { title: t('common.operation'), render: (_, agent) => <Actions agent={agent} own={own} /> },
        ]}
      />
      <span style={{ opacity: 0.65 }}>{t('agents.needPhone')}</span>
    </div>
  );
}

const PER_PAGE = 50;
/** A cell of an agent of whom nothing has changed is not drawn anew. */
const WHEN_CHANGED = { shouldCellUpdate: (agent: Agent, before: Agent) => agent !== before };

/** How one stands oneself, the same thing as long as it is the same. */
function useSupervisor() {
  const { employee } = useSession();
  const stands = useDesk(({ desk }) => JSON.stringify(supervisorOf(employee, desk)));
  return useMemo(() => JSON.parse(stands) as ReturnType<typeof supervisorOf>, [stands]);
}

/** How long he has done what he does, marked where that is long. */
function Lasted({ agent }: { agent: Agent }) {
  const { t } = useTranslation();
  const now = useNow();
  const reason = attention(agent, now);
  return (
    <span title={reason && t(`attention.${reason}`)}>
      <Figure level={reason ? 'warn' : 'fine'}>{duration(now - sinceOf(agent))}</Figure>
    </span>
  );
}
