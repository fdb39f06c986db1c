import { CloseOutlined, DeleteOutlined, FlagOutlined } from '@ant-design/icons';
import { Alert, Button, Divider, Form, Input, Space, theme } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Exits } from './Exits';
import { put, rename } from './exits';
import { Row } from './fields';
import { LOOKS } from './looks';
import { type Flow, type Kind, NAME, type Things } from './model';
import { NodeForm } from './NodeForm';
import type { Fault } from './useDraft';
import { useFaultWords } from './useFaultWords';

/** One node: its name, what is wrong with it, what it does, where it leads. */
export function NodePanel({
  flow,
  name,
  faults,
  things,
  zone,
  canChange,
  change,
  choose,
  connect,
  add,
  remove,
  close,
}: {
  flow: Flow;
  name: string;
  faults: Fault[];
  things: Things;
  zone: string;
  canChange: boolean;
  change: (flow: Flow) => void;
  choose: (name: string) => void;
  connect: (from: string, slot: string, to: string | undefined) => void;
  add: (slot: string, kind: Kind) => void;
  remove: (name: string) => void;
  close: () => void;
}) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const faultWords = useFaultWords();
  const node = flow.nodes[name];
  if (!node) return null;
  const { colour, icon } = LOOKS[node.step];
  const mine = faults.filter((fault) => fault.node === name);
  const set = (next: typeof node) => change(put(flow, name, next));
  return (
    <aside className="flow-panel" aria-label={t('flow.step', { name })}>
      <div className="flow-panel-head">
        <span style={{ color: colour, fontSize: 18 }}>{icon}</span>
        <b style={{ flex: 1 }}>{t(`flowStep.${node.step}`)}</b>
        <Button type="text" size="small" icon={<CloseOutlined />} aria-label={t('settings.close')} onClick={close} />
      </div>
      <div style={{ color: token.colorTextSecondary, marginBottom: 12 }}>{t(`flowAbout.${node.step}`)}</div>
      {mine.map(({ what }) => (
        <Alert key={what} showIcon type="error" title={faultWords(what)} style={{ marginBottom: 8 }} />
      ))}
      <Form layout="vertical" size="small" disabled={!canChange}>
        <Name
          key={name}
          {...{ flow, name }}
          renamed={(to) => {
            change(rename(flow, name, to));
            choose(to);
          }}
        />
        <NodeForm {...{ node, things, zone }} change={set} />
        <Divider style={{ margin: '8px 0 12px' }} />
        <Exits {...{ flow, node }} change={set} lead={(slot, to) => connect(name, slot, to)} add={add} />
      </Form>
      {canChange && (
        <Space style={{ marginTop: 16 }}>
          {flow.start !== name && (
            <Button size="small" icon={<FlagOutlined />} onClick={() => change({ ...flow, start: name })}>
              {t('flow.makeStart')}
            </Button>
          )}
          <Button
            danger
            size="small"
            icon={<DeleteOutlined />}
            disabled={Object.keys(flow.nodes).length === 1}
            onClick={() => remove(name)}
          >
            {t('flow.removeStep')}
          </Button>
        </Space>
      )}
    </aside>
  );
}

/** Taken when it is whole: a name half typed would tear the ways. */
function Name({ flow, name, renamed }: { flow: Flow; name: string; renamed: (to: string) => void }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState(name);
  const isTaken = typed !== name && flow.nodes[typed] !== undefined;
  const isWrong = !NAME.test(typed) || isTaken;
  const take = () => {
    if (isWrong) setTyped(name);
    else if (typed !== name) renamed(typed);
  };
  return (
    <Row label={t('flow.stepName')} hint={isWrong ? t(isTaken ? 'flow.nameTaken' : 'flow.nameHint') : undefined}>
      <Input
        aria-label={t('flow.stepName')}
        value={typed}
        status={isWrong ? 'error' : undefined}
        onChange={(event) => setTyped(event.target.value)}
        onBlur={take}
        onPressEnter={take}
      />
    </Row>
  );
}
