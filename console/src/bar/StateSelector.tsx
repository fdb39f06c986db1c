import { DownOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Badge, Button, Dropdown, Tooltip } from 'antd';
import { useTranslation } from 'react-i18next';
import { api, ask } from '../api/client';
import { useNow } from '../desk/clock';
import { type AgentNow, phaseOf, type StateName, wayOf } from '../desk/model';
import { pickState } from '../desk/orders';
import { pickable } from '../desk/phases';
import { duration } from '../format';
import { useOrder } from './useOrder';

export const STATE_COLOURS: Record<StateName, string> = {
  ready: '#1a9c4b',
  not_ready: '#d4380d',
  on_break: '#d48806',
  wrap_up: '#1677ff',
  offline: '#8c8c8c',
};

/** One's state at top right, how long it lasts by the server's clock, and why (AGT-10). */
export function StateSelector({ agent, me }: { agent: AgentNow; me: string }) {
  const { t } = useTranslation();
  const now = useNow();
  const { isBusy, run } = useOrder();
  const phase = phaseOf(agent);
  const choices = wayOf(agent) === 'out' ? [] : pickable(agent.state, phase);
  // Why, from the log: it is written right after the change.
  const { data: day } = useQuery({
    queryKey: ['own-day', agent.state, agent.since],
    queryFn: () => ask(api.GET('/api/v1/desk/today')),
    refetchInterval: ({ state }) => (state.data?.newest_stay?.state === agent.state ? false : 1_500),
  });
  const stay = day?.newest_stay?.state === agent.state ? day.newest_stay : undefined;
  const why = stay && [
    t(`reason.${stay.reason as 'manual'}`),
    stay.done_by && t('bar.forcedBy', { name: stay.done_by }),
  ];
  const shown = wayOf(agent) === 'mobile' ? t('bar.byMobile') : t(`state.${agent.state}`);
  const since = agent.since ? duration(now - Date.parse(agent.since)) : '';
  return (
    <Dropdown
      trigger={['click']}
      disabled={choices.length === 0 || isBusy}
      menu={{
        items: choices.map((state) => ({
          key: state,
          label: <Badge color={STATE_COLOURS[state]} text={t(`state.${state}`)} />,
          onClick: () => run(() => pickState(me, state)),
        })),
      }}
    >
      <Tooltip title={why?.filter(Boolean).join(' ')} placement="left">
        <Button
          className="state"
          data-testid="state-button"
          aria-description={t('bar.stateLabel')}
          style={{ height: 46, textAlign: 'left', paddingInline: 10 }}
        >
          <span style={{ display: 'flex', alignItems: 'center', gap: 8 }}>
            <Badge color={STATE_COLOURS[agent.state]} />
            <span style={{ display: 'flex', flexDirection: 'column', lineHeight: '18px' }}>
              <span data-testid="state">{shown}</span>
              <small style={{ opacity: 0.75 }}>
                {agent.kept ? t('bar.afterCall', { state: t(`state.${agent.kept}`) }) : since}
              </small>
            </span>
            <DownOutlined style={{ fontSize: 10, opacity: choices.length ? 1 : 0.2 }} />
          </span>
        </Button>
      </Tooltip>
    </Dropdown>
  );
}
