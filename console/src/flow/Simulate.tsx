import { PlayCircleOutlined } from '@ant-design/icons';
import { Alert, Button, DatePicker, Form, Input, Select, Timeline, Typography } from 'antd';
import type { Dayjs } from 'dayjs';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../api/client';
import { inWords, textOf } from '../api/problem';
import { useSession } from '../app/session';
import { instant } from '../format';
import { type Flow, OPENINGS } from './model';

type Line = Schemas['SimulatedLine'];
interface Wanted {
  keys: string;
  caller: string;
  queue: string;
  dial: string;
  opening?: string;
  at?: Dayjs;
}

const QUEUE_ENDS = ['answered', 'max_wait', 'full', 'nobody'] as const;
const DIAL_ENDS = ['answered', 'busy', 'no_answer', 'failed'] as const;
const INITIAL: Wanted = { keys: '', caller: '13800138000', queue: 'answered', dial: 'answered' };

/** Opening hours that the flow asks for. */
function hoursOf(flow: Flow): string[] {
  const tests = Object.values(flow.nodes).flatMap((node) =>
    node.step === 'condition' ? node.cases.flatMap(({ when }) => when) : [],
  );
  return [...new Set(tests.flatMap((test) => ('hours' in test ? [test.hours.name] : [])))];
}

/** Walks the draft without a phone; nothing is rung. */
export function Simulate({
  flow,
  save,
  lines,
  setLines,
  choose,
}: {
  flow: Flow;
  save: () => Promise<boolean>;
  lines: Line[] | undefined;
  setLines: (lines: Line[] | undefined) => void;
  choose: (name: string) => void;
}) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const [trouble, setTrouble] = useState<string>();
  const [isBusy, setIsBusy] = useState(false);
  const hours = hoursOf(flow);
  const run = async ({ opening, at, ...wanted }: Wanted) => {
    setIsBusy(true);
    setTrouble(undefined);
    try {
      if (!(await save())) throw new Error(t('flow.notSavedYet'));
      // What is left out has the server's default.
      const body = {
        ...wanted,
        hours: opening ? hours.map((name) => `${name}=${opening}`) : [],
        ...(at ? { at: instant(at, zone) } : {}),
      } as Schemas['Simulation'];
      const asked = api.POST('/api/v1/flows/{name}/simulate', { params: { path: { name: flow.name } }, body });
      setLines((await ask(asked)).lines);
    } catch (error) {
      setLines(undefined);
      setTrouble(textOf(error));
    }
    setIsBusy(false);
  };
  return (
    <>
      <Form<Wanted>
        name="simulation"
        layout="vertical"
        initialValues={INITIAL}
        onFinish={(wanted) => void run(wanted)}
        size="small"
      >
        <Form.Item name="keys" label={t('flow.keys')} extra={t('flow.keysHint')}>
          <Input allowClear placeholder="1,2#" />
        </Form.Item>
        <div className="flow-pair">
          <Form.Item name="caller" label={t('flow.caller')}>
            <Input />
          </Form.Item>
          <Form.Item name="opening" label={t('flowTest.hours')}>
            <Select
              allowClear
              disabled={hours.length === 0}
              placeholder={t('flow.asIs')}
              options={OPENINGS.map((value) => ({ value, label: t(`flowOpening.${value}`) }))}
            />
          </Form.Item>
          <Form.Item name="queue" label={t('flow.queueEnds')}>
            <Select options={QUEUE_ENDS.map((value) => ({ value, label: t(`flowExit.${value}`) }))} />
          </Form.Item>
          <Form.Item name="dial" label={t('flow.dialEnds')}>
            <Select options={DIAL_ENDS.map((value) => ({ value, label: t(`flowExit.${value}`) }))} />
          </Form.Item>
        </div>
        <Form.Item name="at" label={t('flow.at')}>
          <DatePicker showTime placeholder={t('flow.now')} style={{ width: '100%' }} />
        </Form.Item>
        <Button block type="primary" htmlType="submit" loading={isBusy} icon={<PlayCircleOutlined />}>
          {t('flow.run')}
        </Button>
      </Form>
      {trouble && <Alert showIcon type="error" title={trouble} style={{ marginTop: 12 }} />}
      {lines && (
        <Timeline
          style={{ marginTop: 16 }}
          items={lines.map((line, at) => ({
            key: at,
            color: line.by_flow ? 'blue' : 'gray',
            content: <Told line={line} choose={choose} />,
          }))}
        />
      )}
    </>
  );
}

function Told({ line, choose }: { line: Line; choose: (name: string) => void }) {
  const { node } = line;
  return (
    <div data-testid="simulated">
      <Typography.Text type="secondary">{`${(line.at_ms / 1000).toFixed(1)} s `}</Typography.Text>
      {node && (
        <Button type="link" size="small" style={{ padding: 0, height: 'auto' }} onClick={() => choose(node)}>
          {node}
        </Button>
      )}
      <div style={{ opacity: line.by_flow ? 1 : 0.7 }}>{inWords(line.what)}</div>
    </div>
  );
}
