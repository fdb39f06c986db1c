import { Alert, App, Badge, Button, Input, Select, Skeleton, Space, Table, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../api/client';
import { textOf } from '../api/problem';
import { type Permission, useMay, useSession } from '../app/session';
import { useWallboard } from '../desk/board';
import { useNow } from '../desk/clock';
import { type Supervision, supervisable } from '../desk/phases';
import { duration } from '../format';
import { Nothing } from '../ui/States';
import { ALL_WORDS, WORDS, type Word } from './words';

type Agent = Schemas['AgentOnBoard'];

const NEEDS: Record<Supervision, Permission> = {
  monitor: 'calls.monitor',
  whisper: 'calls.whisper',
  barge: 'calls.barge',
  takeover: 'calls.takeover',
  forceHangUp: 'calls.force_hangup',
  forceBusy: 'agents.supervise',
  forceIdle: 'agents.supervise',
  forceSignOut: 'agents.supervise',
};

/** What cannot be taken back is asked about first. */
const ASKED: readonly Supervision[] = ['takeover', 'forceHangUp', 'forceSignOut'];

function order(action: Supervision, { agent, call }: Agent): Promise<unknown> {
  const force = (to: Schemas['ForceName']) =>
    ask(api.POST('/api/v1/agents/{id}/force', { params: { path: { id: agent } }, body: { force: to } }));
  const params = { path: { id: call ?? '' }, query: { agent } };
  switch (action) {
    case 'monitor':
      return ask(api.POST('/api/v1/calls/{id}/monitor', { params }));
    case 'whisper':
      return ask(api.POST('/api/v1/calls/{id}/whisper', { params }));
    case 'barge':
      return ask(api.POST('/api/v1/calls/{id}/barge', { params }));
    case 'takeover':
      return ask(api.POST('/api/v1/calls/{id}/takeover', { params }));
    case 'forceHangUp':
      return ask(api.POST('/api/v1/calls/{id}/hangup/force', { params }));
    case 'forceBusy':
      return force('not_ready');
    case 'forceIdle':
      return force('ready');
    case 'forceSignOut':
      return force('sign_out');
  }
}

/** The agents and what a supervisor may do (MON-20 to MON-30). */
export function AgentBoard() {
  const { t } = useTranslation();
  const now = useNow();
  const { board, isLost } = useWallboard();
  const [words, setWords] = useState<Word[]>([]);
  const [search, setSearch] = useState('');
  if (!board) return isLost ? <Alert showIcon type="error" title={t('board.lost')} /> : <Skeleton active />;
  const matches = (agent: Agent) =>
    (words.length === 0 || words.includes(agent.word as Word)) &&
    [agent.agent, agent.extension ?? ''].some((text) => text.includes(search.trim()));
  return (
    <div className="page">
      {isLost && <Alert showIcon type="error" title={t('board.lost')} />}
      <Space wrap>
        <Input.Search
          allowClear
          style={{ width: 240 }}
          placeholder={t('agents.search')}
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
        dataSource={board.agents.filter(matches)}
        pagination={{ pageSize: 50, hideOnSinglePage: true }}
        scroll={{ x: 'max-content' }}
        locale={{ emptyText: <Nothing text={t('board.noAgents')} /> }}
        columns={[
          { title: t('agents.agent'), dataIndex: 'agent' },
          { title: t('agents.extension'), render: (_, { mobile, extension }) => mobile ?? extension },
          {
            title: t('agents.state'),
            render: (_, { word, supervises }) => (
              <>
                <Badge color={WORDS[word as Word]} text={t(`word.${word as Word}`)} />
                {supervises && <Tag style={{ marginInlineStart: 8 }}>{t('agents.supervising')}</Tag>}
              </>
            ),
          },
          { title: t('agents.since'), render: (_, { since }) => duration(now - Date.parse(since)) },
          { title: t('agents.otherSide'), dataIndex: 'other_side' },
          { title: t('common.operation'), render: (_, agent) => <Actions agent={agent} /> },
        ]}
      />
      <span style={{ opacity: 0.65 }}>{t('agents.needPhone')}</span>
    </div>
  );
}

function Actions({ agent }: { agent: Agent }) {
  const { t } = useTranslation();
  const { message, modal } = App.useApp();
  const may = useMay();
  const session = useSession();
  const [isBusy, setIsBusy] = useState(false);
  if (agent.agent === session.employee) return null;
  const run = async (action: Supervision) => {
    setIsBusy(true);
    try {
      await order(action, agent);
      void message.success(t('agents.done', { agent: agent.agent, action: t(`agents.${action}`) }));
    } catch (error) {
      void message.error(textOf(error));
    }
    setIsBusy(false);
  };
  const begin = (action: Supervision) => {
    if (!ASKED.includes(action)) return void run(action);
    modal.confirm({
      title: t('agents.confirm', { agent: agent.agent, action: t(`agents.${action}`) }),
      okText: t('common.ok'),
      cancelText: t('common.cancel'),
      onOk: () => run(action),
    });
  };
  return (
    <Space size={4} wrap>
      {supervisable(agent.word)
        .filter((action) => may(NEEDS[action]))
        .map((action) => (
          <Button
            key={action}
            size="small"
            danger={ASKED.includes(action)}
            disabled={isBusy}
            onClick={() => begin(action)}
          >
            {t(`agents.${action}`)}
          </Button>
        ))}
    </Space>
  );
}
