import { App, Button, Space } from 'antd';
import { memo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { textOf } from '../../api/problem';
import { type Permission, useMay } from '../../app/session';
import { SUPERVISIONS, type Supervision, type Supervisor, whyNot } from '../../desk/supervision';

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

/** What others notice is asked about first; who only listens or whispers can leave again. */
const ASKED: readonly Supervision[] = ['barge', 'takeover', 'forceHangUp', 'forceBusy', 'forceIdle', 'forceSignOut'];
/** What cannot be taken back. */
const DANGEROUS: readonly Supervision[] = ['takeover', 'forceHangUp', 'forceSignOut'];

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

/** All that one may do to an agent; what cannot be done now says why not. */
export const Actions = memo(function Actions({ agent, own }: { agent: Agent; own: Supervisor }) {
  const { t } = useTranslation();
  const { message, modal } = App.useApp();
  const may = useMay();
  const [isBusy, setIsBusy] = useState(false);
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
      content: t(`effect.${action as 'barge'}`),
      okText: t('common.ok'),
      cancelText: t('common.cancel'),
      onOk: () => run(action),
    });
  };
  return (
    <Space size={4} wrap style={{ maxWidth: 300 }}>
      {SUPERVISIONS.filter((action) => may(NEEDS[action])).map((action) => {
        const obstacle = whyNot(action, agent, own);
        const why = obstacle && t(`whyNot.${obstacle}`);
        return (
          // A button that is disabled shows no title of its own.
          <span key={action} title={why}>
            <Button
              size="small"
              danger={DANGEROUS.includes(action)}
              disabled={isBusy || obstacle !== undefined}
              aria-description={why}
              onClick={() => begin(action)}
            >
              {t(`agents.${action}`)}
            </Button>
          </span>
        );
      })}
    </Space>
  );
});
