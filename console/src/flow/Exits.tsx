import { DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { Button, Dropdown, Select, Space, Typography } from 'antd';
import { useTranslation } from 'react-i18next';
import { exits, isRequired } from './exits';
import { LOOKS } from './looks';
import { type Flow, KEYS, KINDS, type Kind, type Node, OPEN } from './model';
import { useExitName } from './useExitName';

/** Where a node leads: to a node that is there, or to a new one. */
export function Exits({
  flow,
  node,
  change,
  lead,
  add,
}: {
  flow: Flow;
  node: Node;
  change: (node: Node) => void;
  lead: (slot: string, to: string | undefined) => void;
  add: (slot: string, kind: Kind) => void;
}) {
  const { t } = useTranslation();
  const exitName = useExitName();
  const names = Object.keys(flow.nodes);
  const nodes = names.map((name) => ({
    value: name,
    label: name,
    title: t(`flowStep.${flow.nodes[name]?.step ?? 'play'}`),
  }));
  const made = KINDS.map((kind) => ({ value: `+${kind}`, label: t('flow.newStep', { kind: t(`flowStep.${kind}`) }) }));
  const keyed = node.step === 'menu' || node.step === 'queue' ? node : undefined;
  const free = KEYS.filter((key) => keyed?.keys?.[key] === undefined);
  const without = (key: string) => {
    if (!keyed) return;
    const { [key]: _, ...keys } = keyed.keys ?? {};
    change({ ...keyed, keys } as Node);
  };
  return (
    <Space orientation="vertical" style={{ width: '100%' }} size={8}>
      <Typography.Text strong>{t('flow.exits')}</Typography.Text>
      {exits(node).map(({ slot, to }) => {
        const name = exitName(node, slot);
        const isMissing = isRequired(node, slot) && (to === undefined || to === OPEN || !flow.nodes[to]);
        return (
          <div key={slot} className="flow-exit">
            <span title={name}>{name}</span>
            <Space.Compact block>
              <Select
                showSearch={{ optionFilterProp: 'label' }}
                aria-label={t('flow.leadsTo', { exit: name })}
                allowClear={!isRequired(node, slot)}
                value={to === OPEN ? undefined : to}
                status={isMissing ? 'error' : undefined}
                placeholder={isMissing ? t('flow.notConnected') : t(restOf(node))}
                options={[
                  { label: t('flow.existing'), options: nodes },
                  { label: t('flow.added'), options: made },
                ]}
                onChange={(next: string | undefined) =>
                  next?.startsWith('+') ? add(slot, next.slice(1) as Kind) : lead(slot, next)
                }
                style={{ width: '100%' }}
              />
              {slot.startsWith('key ') && (
                <Button
                  aria-label={t('flow.takeOut')}
                  icon={<DeleteOutlined />}
                  onClick={() => without(slot.slice(4))}
                />
              )}
            </Space.Compact>
          </div>
        );
      })}
      {keyed && (
        <Dropdown
          trigger={['click']}
          menu={{
            items: free.map((key) => ({ key, label: t('flow.keyExit', { key }) })),
            onClick: ({ key }) => change({ ...keyed, keys: { ...keyed.keys, [key]: OPEN } } as Node),
          }}
        >
          <Button size="small" icon={<PlusOutlined />} disabled={free.length === 0}>
            {t('flow.addKey')}
          </Button>
        </Dropdown>
      )}
    </Space>
  );
}

/** What happens where a way out is not written. */
function restOf({ step }: Node): 'flow.queueOverflow' | 'flow.asFailed' | 'flow.callEnds' {
  if (step === 'queue') return 'flow.queueOverflow';
  return step === 'extension' || step === 'agent' || step === 'outside' ? 'flow.asFailed' : 'flow.callEnds';
}

/** The kinds of steps, to add one. */
export function useKindMenu(add: (kind: Kind) => void) {
  const { t } = useTranslation();
  return {
    items: KINDS.map((kind) => ({
      key: kind,
      icon: <span style={{ color: LOOKS[kind].colour }}>{LOOKS[kind].icon}</span>,
      label: t(`flowStep.${kind}`),
    })),
    onClick: ({ key }: { key: string }) => add(key as Kind),
  };
}
