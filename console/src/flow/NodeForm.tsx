import { Input, InputNumber, Select, Space, Switch } from 'antd';
import { useTranslation } from 'react-i18next';
import { Cases } from './Condition';
import { Choice, Figure, Pairs, Row, Says, Text } from './fields';
import { CAUSES, type Node, type NodeOf, type Spoken, type Things, VARIABLE } from './model';

interface Given<N extends Node = Node> {
  node: N;
  things: Things;
  zone: string;
  change: (node: Node) => void;
}

/** What a step does, but for its ways out. */
export function NodeForm({ node, ...given }: Given) {
  switch (node.step) {
    case 'play':
      return <Play node={node} {...given} />;
    case 'say':
      return <Say node={node} {...given} />;
    case 'menu':
      return <Menu node={node} {...given} />;
    case 'collect':
      return <Collect node={node} {...given} />;
    case 'set':
      return <SetValues node={node} {...given} />;
    case 'condition':
      return <Cases node={node} {...given} />;
    case 'lookup':
      return <Lookup node={node} {...given} />;
    case 'queue':
      return <Queue node={node} {...given} />;
    case 'extension':
    case 'agent':
    case 'outside':
      return <Ring node={node} {...given} />;
    case 'voicemail':
      return <Voicemail node={node} {...given} />;
    case 'survey':
      return <Named {...given} kind="survey" value={node.survey} set={(survey) => ({ ...node, survey })} />;
    case 'conference':
      return <Named {...given} kind="conference" value={node.room} set={(room) => ({ ...node, room })} />;
    case 'subflow':
      return <Named {...given} kind="subflow" value={node.flow} set={(flow) => ({ ...node, flow })} />;
    case 'return':
      return null;
    case 'hang_up':
      return <HangUp node={node} {...given} />;
  }
}

function BargeIn({ value, set }: { value: boolean | undefined; set: (value: boolean) => void }) {
  const { t } = useTranslation();
  return (
    <Row label={t('flow.bargeIn')}>
      <Switch aria-label={t('flow.bargeIn')} checked={value ?? true} onChange={set} />
    </Row>
  );
}

function Play({ node, things, change }: Given<NodeOf<'play'>>) {
  const { t } = useTranslation();
  // The only form here is the prompt, so that what comes back are names.
  const set = (parts: Spoken[]) => change({ ...node, prompts: parts.filter((part) => typeof part === 'string') });
  return (
    <>
      <Says only="prompt" label={t('flow.prompts')} value={node.prompts} prompts={things.prompts} change={set} />
      <BargeIn value={node.barge_in} set={(barge_in) => change({ ...node, barge_in })} />
    </>
  );
}

function Say({ node, things, change }: Given<NodeOf<'say'>>) {
  const { t } = useTranslation();
  return (
    <>
      <Says
        label={t('flow.says')}
        value={node.parts}
        prompts={things.prompts}
        change={(parts) => change({ ...node, parts })}
      />
      <BargeIn value={node.barge_in} set={(barge_in) => change({ ...node, barge_in })} />
    </>
  );
}

function Tries({ node, change }: { node: NodeOf<'menu'> | NodeOf<'collect'>; change: (node: Node) => void }) {
  const { t } = useTranslation();
  return (
    <div className="flow-pair">
      <Figure
        label={t('flow.tries')}
        value={node.tries}
        usual={3}
        min={1}
        max={9}
        change={(tries) => change({ ...node, tries })}
      />
      <Figure
        label={t('flow.timeout')}
        value={node.timeout_s}
        usual={5}
        min={1}
        max={60}
        unit="s"
        change={(timeout_s) => change({ ...node, timeout_s })}
      />
    </div>
  );
}

function Menu({ node, things: { prompts }, change }: Given<NodeOf<'menu'>>) {
  const { t } = useTranslation();
  return (
    <>
      <Says
        label={t('flow.asks')}
        value={node.prompt}
        {...{ prompts }}
        change={(prompt) => change({ ...node, prompt })}
      />
      <Says
        label={t('flow.wrong')}
        value={node.wrong ?? []}
        {...{ prompts }}
        change={(wrong) => change({ ...node, wrong })}
      />
      <Says
        label={t('flow.silent')}
        value={node.silent ?? []}
        {...{ prompts }}
        change={(silent) => change({ ...node, silent })}
      />
      <Tries node={node} change={change} />
    </>
  );
}

function Collect({ node, things: { prompts }, change }: Given<NodeOf<'collect'>>) {
  const { t } = useTranslation();
  return (
    <>
      <Says
        label={t('flow.asks')}
        value={node.prompt}
        {...{ prompts }}
        change={(prompt) => change({ ...node, prompt })}
      />
      <Says
        label={t('flow.tooFew')}
        value={node.wrong ?? []}
        {...{ prompts }}
        change={(wrong) => change({ ...node, wrong })}
      />
      <Row label={t('flow.into')} hint={t('flow.variableHint')} required>
        <Input
          aria-label={t('flow.into')}
          value={node.into}
          status={VARIABLE.test(node.into) ? undefined : 'error'}
          onChange={(event) => change({ ...node, into: event.target.value })}
        />
      </Row>
      <div className="flow-pair">
        <Figure
          label={t('flow.least')}
          value={node.min}
          usual={1}
          min={1}
          max={node.max ?? 20}
          change={(min) => change({ ...node, min })}
        />
        <Figure
          label={t('flow.most')}
          value={node.max}
          usual={20}
          min={node.min ?? 1}
          max={32}
          change={(max) => change({ ...node, max })}
        />
      </div>
      <Tries node={node} change={change} />
    </>
  );
}

function SetValues({ node, change }: Given<NodeOf<'set'>>) {
  const { t } = useTranslation();
  return (
    <Pairs
      label={t('flow.values')}
      nameLabel={t('flow.variable')}
      value={node.values}
      begin=""
      draw={(value, set) => (
        <Input aria-label={t('flow.value')} value={value} onChange={(event) => set(event.target.value)} />
      )}
      change={(values) => change({ ...node, values })}
    />
  );
}

function Lookup({ node, change }: Given<NodeOf<'lookup'>>) {
  const { t } = useTranslation();
  return (
    <>
      <Row label={t('flow.url')} hint={t('flow.urlHint')} required>
        <Input.TextArea
          autoSize
          aria-label={t('flow.url')}
          value={node.url}
          onChange={(event) => change({ ...node, url: event.target.value })}
        />
      </Row>
      <Figure
        label={t('flow.patience')}
        value={node.timeout_ms}
        usual={2000}
        min={100}
        max={10_000}
        unit="ms"
        change={(timeout_ms) => change({ ...node, timeout_ms })}
      />
      <Pairs
        label={t('flow.fields')}
        nameLabel={t('flow.variable')}
        value={node.fields}
        begin={{ pointer: '/', default: '' }}
        draw={(field, set) => (
          <>
            <Input
              aria-label={t('flow.pointer')}
              placeholder="/customer/name"
              value={field.pointer}
              onChange={(event) => set({ ...field, pointer: event.target.value })}
            />
            <Input
              aria-label={t('flow.otherwiseValue')}
              placeholder={t('flow.otherwiseValue')}
              value={field.default ?? ''}
              onChange={(event) => set({ ...field, default: event.target.value })}
            />
          </>
        )}
        change={(fields) => change({ ...node, fields })}
      />
    </>
  );
}

function Queue({ node, things, change }: Given<NodeOf<'queue'>>) {
  const { t } = useTranslation();
  return (
    <>
      <Row label={t('flowThing.queue')} required>
        <Choice
          label={t('flowThing.queue')}
          value={node.queue}
          all={things.queues}
          change={(queue) => change({ ...node, queue })}
        />
      </Row>
      <Row label={t('flow.priority')} hint={t('flow.priorityHint')}>
        <InputNumber
          aria-label={t('flow.priority')}
          min={0}
          max={9}
          precision={0}
          value={node.priority ?? 0}
          onChange={(priority) => change({ ...node, priority: priority ?? 0 })}
        />
      </Row>
    </>
  );
}

function Ring({ node, things, change }: Given<NodeOf<'extension'> | NodeOf<'agent'> | NodeOf<'outside'>>) {
  const { t } = useTranslation();
  const all = { extension: things.extensions, agent: things.agents, outside: [] }[node.step];
  return (
    <>
      <Text
        label={t(`flowThing.${node.step}`)}
        value={node.number}
        all={all}
        hint={t('flow.templateHint')}
        change={(number) => change({ ...node, number })}
      />
      <Figure
        label={t('flow.ring')}
        value={node.ring_s}
        usual={node.step === 'outside' ? 60 : 20}
        min={5}
        max={120}
        unit="s"
        change={(ring_s) => change({ ...node, ring_s })}
      />
    </>
  );
}

function Voicemail({ node, things, change }: Given<NodeOf<'voicemail'>>) {
  const { t } = useTranslation();
  const [kind = 'queue', name] = node.mailbox.split(':');
  const all = kind === 'queue' ? things.queues : things.extensions;
  return (
    <>
      <Row label={t('flow.mailbox')} required>
        <Space.Compact block>
          <Select
            aria-label={t('flow.mailboxOf')}
            value={kind}
            options={(['queue', 'extension'] as const).map((value) => ({ value, label: t(`flowThing.${value}`) }))}
            onChange={(next) =>
              change({
                ...node,
                mailbox: `${next}:${(next === 'queue' ? things.queues : things.extensions)[0] ?? '-'}`,
              })
            }
            style={{ width: 110, flex: 'none' }}
          />
          <Choice
            label={t('flow.mailbox')}
            value={name}
            all={all}
            change={(next) => change({ ...node, mailbox: `${kind}:${next}` })}
          />
        </Space.Compact>
      </Row>
      <Says
        label={t('flow.greeting')}
        value={node.greeting ?? []}
        prompts={things.prompts}
        change={(greeting) => change({ ...node, greeting })}
      />
    </>
  );
}

const LISTS = { survey: 'surveys', conference: 'rooms', subflow: 'flows' } as const;

function Named({
  kind,
  value,
  set,
  things,
  change,
}: Omit<Given, 'node'> & { kind: 'survey' | 'conference' | 'subflow'; value: string; set: (value: string) => Node }) {
  const { t } = useTranslation();
  const label = t(`flowThing.${kind}`);
  return (
    <Row label={label} required>
      <Choice label={label} value={value} all={things[LISTS[kind]]} change={(next) => change(set(next))} />
    </Row>
  );
}

function HangUp({ node, things, change }: Given<NodeOf<'hang_up'>>) {
  const { t } = useTranslation();
  return (
    <>
      <Says
        label={t('flow.lastWords')}
        value={node.parts ?? []}
        prompts={things.prompts}
        change={(parts) => change({ ...node, parts })}
      />
      <Row label={t('flow.cause')}>
        <Select
          aria-label={t('flow.cause')}
          value={node.cause ?? 'normal'}
          options={CAUSES.map((value) => ({ value, label: t(`flowCause.${value}`) }))}
          onChange={(cause) => change({ ...node, cause })}
        />
      </Row>
    </>
  );
}
