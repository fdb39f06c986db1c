import { ApiOutlined } from '@ant-design/icons';
import { Alert, Badge, Button, Descriptions, Drawer, Space, Table, Tag, Timeline } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { textOf } from '../../api/problem';
import { useSession } from '../../app/session';
import { moment } from '../../format';
import { Answered } from '../../ui/States';
import { STATE_BADGES, useTrunkStatus } from './Trunks';

type Answer = Schemas['TrunkAnswered'];
type Tested =
  | { kind: 'none' | 'running' }
  | { kind: 'done'; result: Schemas['TrunkTested'] }
  | { kind: 'failed'; text: string };

/** How a trunk stands, and what comes back when it is asked now (OPTIONS, REGISTER). */
export function TrunkState({ name, close }: { name: string; close: () => void }) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const query = useTrunkStatus(name);
  return (
    <Drawer open size={720} title={t('trunk.stateOf', { name })} onClose={close}>
      <Space orientation="vertical" size="large" style={{ width: '100%' }}>
        <TrunkTest name={name} />
        <Answered query={query}>
          {(status) => (
            <Space orientation="vertical" size="large" style={{ width: '100%' }}>
              <Descriptions
                bordered
                size="small"
                column={2}
                items={[
                  {
                    key: 'state',
                    label: t('trunk.state'),
                    children: <Badge status={STATE_BADGES[status.state]} text={t(`trunkState.${status.state}`)} />,
                  },
                  { key: 'since', label: t('ext.since'), children: moment(status.since, zone) },
                  ...(status.reason
                    ? [{ key: 'reason', label: t('trunk.reason'), span: 2, children: status.reason }]
                    : []),
                  { key: 'in', label: t('records.inbound'), children: <Counts of={status.inbound} /> },
                  { key: 'out', label: t('records.outbound'), children: <Counts of={status.outbound} /> },
                  ...(status.registration
                    ? [
                        {
                          key: 'registration',
                          label: t('trunk.registration'),
                          span: 2,
                          children: status.registration.registered_until
                            ? t('trunk.registeredUntil', {
                                who: status.registration.address_of_record,
                                at: moment(status.registration.registered_until, zone),
                              })
                            : t('trunk.notRegistered', { count: status.registration.failures }),
                        },
                      ]
                    : []),
                ]}
              />
              <Table
                size="small"
                pagination={false}
                rowKey={({ address }) => address}
                dataSource={status.targets}
                locale={{ emptyText: t('trunk.noAddress') }}
                columns={[
                  { title: t('trunk.address'), dataIndex: 'address' },
                  { title: t('trunk.last'), render: (_, { last }) => last && <Came answer={last} /> },
                  { title: t('trunk.misses'), dataIndex: 'misses' },
                  {
                    title: t('trunk.used'),
                    render: (_, { left_out }) => (
                      <Tag color={left_out ? 'error' : 'success'}>{t(left_out ? 'trunk.leftOut' : 'common.yes')}</Tag>
                    ),
                  },
                ]}
              />
              {status.errors.length > 0 && (
                <Timeline
                  items={[...status.errors].reverse().map((error) => ({
                    key: `${error.at} ${error.text}`,
                    color: 'red',
                    content: `${moment(error.at, zone)} ${error.text}`,
                  }))}
                />
              )}
            </Space>
          )}
        </Answered>
      </Space>
    </Drawer>
  );
}

function Counts({ of: { live, total, refused } }: { of: Schemas['TrunkCounts'] }) {
  const { t } = useTranslation();
  return t('trunk.counts', { live, total, refused });
}

function Came({ answer }: { answer: Answer }) {
  const isGood = answer.status !== null && answer.status !== undefined && answer.status < 300;
  const took = typeof answer.round_trip_ms === 'number' ? ` ${answer.round_trip_ms.toFixed(1)} ms` : '';
  return (
    <Tag color={isGood ? 'success' : 'error'}>
      {answer.text}
      {took}
    </Tag>
  );
}

/** Asks the carrier at once, and says what came back. */
export function TrunkTest({ name, tested }: { name: string; tested?: (isGood: boolean) => void }) {
  const { t } = useTranslation();
  const [test, setTest] = useState<Tested>({ kind: 'none' });
  const run = async () => {
    setTest({ kind: 'running' });
    try {
      const result = await ask(api.POST('/api/v1/trunks/{name}/test', { params: { path: { name } } }));
      setTest({ kind: 'done', result });
      tested?.(result.targets.some(({ answer }) => typeof answer.status === 'number'));
    } catch (error) {
      setTest({ kind: 'failed', text: textOf(error) });
    }
  };
  return (
    <Space orientation="vertical" style={{ width: '100%' }}>
      <Button type="primary" icon={<ApiOutlined />} loading={test.kind === 'running'} onClick={() => void run()}>
        {t('trunk.testNow')}
      </Button>
      {test.kind === 'failed' && <Alert showIcon type="error" title={test.text} />}
      {test.kind === 'done' && <Result result={test.result} />}
    </Space>
  );
}

function Result({ result: { targets, registration } }: { result: Schemas['TrunkTested'] }) {
  const { t } = useTranslation();
  if (targets.length === 0) return <Alert showIcon type="error" title={t('trunk.noAddress')} />;
  return (
    <div data-testid="trunk-test">
      {targets.map(({ address, answer }) => (
        <div key={address}>
          {`OPTIONS ${address} `}
          <Came answer={answer} />
        </div>
      ))}
      {registration && (
        <div>
          {'REGISTER '}
          <Came answer={registration} />
        </div>
      )}
    </div>
  );
}
