import { DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { Button, Card, Input, InputNumber, Select, Space } from 'antd';
import { useTranslation } from 'react-i18next';
import { Choice } from './fields';
import { COMPARISONS, FIGURES, type NodeOf, OPEN, OPENINGS, TESTS, type Test, type Things, WEEK_DAYS } from './model';

type Condition = NodeOf<'condition'>;
type TestKind = (typeof TESTS)[number];

const begin = (kind: TestKind, things: Things, zone: string): Test => {
  const made: Record<TestKind, Test> = {
    hours: { hours: { name: things.hours[0] ?? OPEN, is: 'open' } },
    time: { time: { zone, days: [], between: '09:00-18:00' } },
    caller: { caller: { prefix: '' } },
    variable: { variable: { name: 'digits', is: 'equal', value: '' } },
    queue: { queue: { name: things.queues[0] ?? OPEN, figure: 'waiting', is: 'at_least', value: 10 } },
  };
  return made[kind];
};

/** The cases of a condition; each is taken when all that it names is so. */
export function Cases({
  node,
  things,
  zone,
  change,
}: {
  node: Condition;
  things: Things;
  zone: string;
  change: (node: Condition) => void;
}) {
  const { t } = useTranslation();
  const cases = (next: Condition['cases']) => change({ ...node, cases: next });
  return (
    <Space orientation="vertical" style={{ width: '100%' }}>
      {node.cases.map(({ when, go }, at) => {
        const set = (next: Test[]) => cases(node.cases.map((one, nth) => (nth === at ? { go, when: next } : one)));
        return (
          <Card
            // biome-ignore lint/suspicious/noArrayIndexKey: cases have no name but their place
            key={at}
            size="small"
            title={t('flow.case', { nth: at + 1 })}
            extra={
              <Button
                type="text"
                size="small"
                aria-label={t('flow.takeOut')}
                disabled={node.cases.length === 1}
                icon={<DeleteOutlined />}
                onClick={() => cases(node.cases.filter((_, nth) => nth !== at))}
              />
            }
          >
            <Space orientation="vertical" style={{ width: '100%' }}>
              {when.map((test, nth) => (
                <One
                  // biome-ignore lint/suspicious/noArrayIndexKey: tests have no name but their place
                  key={nth}
                  {...{ test, things, zone }}
                  change={(next) => set(when.map((one, other) => (other === nth ? next : one)))}
                  remove={when.length > 1 ? () => set(when.filter((_, other) => other !== nth)) : undefined}
                />
              ))}
              <Button
                size="small"
                icon={<PlusOutlined />}
                onClick={() => set([...when, begin('variable', things, zone)])}
              >
                {t('flow.addTest')}
              </Button>
            </Space>
          </Card>
        );
      })}
      <Button
        icon={<PlusOutlined />}
        onClick={() => cases([...node.cases, { when: [begin('hours', things, zone)], go: OPEN }])}
      >
        {t('flow.addCase')}
      </Button>
    </Space>
  );
}

function One({
  test,
  things,
  zone,
  change,
  remove,
}: {
  test: Test;
  things: Things;
  zone: string;
  change: (test: Test) => void;
  remove: (() => void) | undefined;
}) {
  const { t } = useTranslation();
  const kind = Object.keys(test)[0] as TestKind;
  return (
    <Space orientation="vertical" style={{ width: '100%' }} size={6}>
      <Space.Compact block>
        <Select
          aria-label={t('flow.testKind')}
          value={kind}
          options={TESTS.map((one) => ({ value: one, label: t(`flowTest.${one}`) }))}
          onChange={(next) => change(begin(next, things, zone))}
          style={{ width: '100%' }}
        />
        {remove && <Button aria-label={t('flow.takeOut')} icon={<DeleteOutlined />} onClick={remove} />}
      </Space.Compact>
      <Details {...{ test, things, change }} />
    </Space>
  );
}

function Details({ test, things, change }: { test: Test; things: Things; change: (test: Test) => void }) {
  const { t } = useTranslation();
  const comparisons = COMPARISONS.map((value) => ({ value, label: t(`flowComparison.${value}`) }));
  if ('hours' in test) {
    const of = test.hours;
    return (
      <Space.Compact block>
        <Choice
          label={t('flowTest.hours')}
          value={of.name}
          all={things.hours}
          change={(name) => change({ hours: { ...of, name } })}
        />
        <Select
          aria-label={t('flow.state')}
          value={of.is ?? 'open'}
          options={OPENINGS.map((value) => ({ value, label: t(`flowOpening.${value}`) }))}
          onChange={(is) => change({ hours: { ...of, is } })}
          style={{ width: 110, flex: 'none' }}
        />
      </Space.Compact>
    );
  }
  if ('time' in test) {
    const of = test.time;
    return (
      <>
        <Select
          mode="multiple"
          aria-label={t('flow.days')}
          placeholder={t('flow.everyDay')}
          value={of.days ?? []}
          options={WEEK_DAYS.map((value) => ({ value, label: t(`weekday.${value}`) }))}
          onChange={(days) => change({ time: { ...of, days } })}
          style={{ width: '100%' }}
        />
        <Input
          aria-label={t('flow.between')}
          value={of.between}
          suffix={of.zone}
          onChange={(event) => change({ time: { ...of, between: event.target.value } })}
        />
      </>
    );
  }
  if ('caller' in test) {
    return (
      <Input
        aria-label={t('flowTest.caller')}
        placeholder={t('flow.anyShown')}
        value={test.caller.prefix}
        onChange={(event) => change({ caller: { prefix: event.target.value } })}
      />
    );
  }
  if ('variable' in test) {
    const of = test.variable;
    return (
      <Space.Compact block>
        <Input
          aria-label={t('flow.variable')}
          value={of.name}
          onChange={(event) => change({ variable: { ...of, name: event.target.value } })}
        />
        <Select
          aria-label={t('flow.comparison')}
          value={of.is}
          options={comparisons}
          onChange={(is) => change({ variable: { ...of, is } })}
          style={{ width: 110, flex: 'none' }}
        />
        <Input
          aria-label={t('flow.value')}
          value={of.value}
          onChange={(event) => change({ variable: { ...of, value: event.target.value } })}
        />
      </Space.Compact>
    );
  }
  const of = test.queue;
  return (
    <>
      <Choice
        label={t('flowTest.queue')}
        value={of.name}
        all={things.queues}
        change={(name) => change({ queue: { ...of, name } })}
      />
      <Space.Compact block>
        <Select
          aria-label={t('flow.figure')}
          value={of.figure}
          options={FIGURES.map((value) => ({ value, label: t(`flowFigure.${value}`) }))}
          onChange={(figure) => change({ queue: { ...of, figure } })}
          style={{ width: '100%' }}
        />
        <Select
          aria-label={t('flow.comparison')}
          value={of.is}
          options={comparisons}
          onChange={(is) => change({ queue: { ...of, is } })}
          style={{ width: 110, flex: 'none' }}
        />
        <InputNumber
          aria-label={t('flow.value')}
          min={0}
          precision={0}
          value={of.value}
          onChange={(value) => change({ queue: { ...of, value: value ?? 0 } })}
        />
      </Space.Compact>
    </>
  );
}
