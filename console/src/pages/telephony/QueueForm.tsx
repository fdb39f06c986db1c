import { DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { Button, Form, InputNumber, Select, Space } from 'antd';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useMay } from '../../app/session';
import { FormDrawer } from '../../ui/settings/FormDrawer';
import { askTagged, ifMatch } from '../../ui/settings/tagged';
import { Line, Num, named, OverflowInput, Pick, PromptField, Section, Toggle } from '../../ui/telephony/fields';
import { useThings } from '../../ui/telephony/useThings';
import { SLUG, tidy } from '../../ui/telephony/values';
import { QUEUE_LISTS } from './Queues';

type Queue = Schemas['QueueShown'];
type Rules = Schemas['QueueRules'];
type Values = Rules & { name: string };
type Member = Schemas['QueueMember'];

const STRATEGIES = ['longest_idle', 'round_robin', 'fewest_today', 'fixed_order', 'level_first', 'ring_all'] as const;
const STICKY = ['off', 'owner', 'last'] as const;
const KEYS = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#'];

/** Every rule of a queue, in groups (QUEUE-03 to QUEUE-06). A change replaces them as a whole. */
export function QueueForm({ name, close }: { name: string | undefined; close: () => void }) {
  const { t } = useTranslation();
  const may = useMay();
  const path = { params: { path: { name: name ?? '' } } };
  return (
    <FormDrawer<Values, Queue>
      size={760}
      title={name ? t('queueSet.edit', { name }) : t('queueSet.add')}
      lists={QUEUE_LISTS}
      identity="name"
      close={close}
      read={name ? () => askTagged(api.GET('/api/v1/queues/{name}', path)) : undefined}
      locked={(queue) =>
        queue?.read_only
          ? t('settings.provisioned')
          : queue && !may('queues.write')
            ? t('problem.forbidden')
            : undefined
      }
      fill={(queue) => queue ?? (BEGIN as Partial<Values>)}
      save={({ name: chosen, ...rules }, etag) => {
        const body = whole(rules);
        return name
          ? ask(api.PUT('/api/v1/queues/{name}', { ...ifMatch(etag), ...path, body }))
          : ask(api.POST('/api/v1/queues', { body: { name: chosen, rules: body } }));
      }}
    >
      <Fields name={name} />
    </FormDrawer>
  );
}

/** As the server begins a queue. */
const BEGIN: Partial<Rules> = {
  strategy: 'longest_idle',
  sticky: 'off',
  ring_timeout_s: 20,
  max_wait_s: 120,
  max_length: 50,
  wrap_up_max_s: 0,
  target_s: 20,
  announce_first_s: 0,
  announce_every_s: 60,
  sticky_wait_s: 20,
  sticky_days: 7,
  record: true,
  survey_after_hangup: false,
  members: [],
  overflow: [],
  widening: [],
};

/** Numbers that are left empty have their default; texts that are, are none. */
function whole(rules: Omit<Values, 'name'>): Rules {
  const tidied = Object.entries(tidy(rules)).map(([key, value]) => [key, value ?? BEGIN[key as keyof Rules] ?? null]);
  return Object.fromEntries(tidied) as Rules;
}

function Fields({ name }: { name: string | undefined }) {
  const { t } = useTranslation();
  const things = useThings();
  const { prompts } = things;
  const q = (key: 'max_wait_s') => t(`queueSet.${key}`);
  return (
    <>
      <Section title={t('tel.basic')}>
        {name ? (
          <Form.Item label={t('queueSet.name')}>{name}</Form.Item>
        ) : (
          <Line
            required
            name="name"
            label={t('queueSet.name')}
            rules={[{ pattern: SLUG, message: t('flow.nameHint') }]}
            hint={t('tel.slug')}
          />
        )}
        <Line name="number" label={t('queueSet.number')} hint={t('queueSet.numberHint')} placeholder="7001" />
        <Toggle name="record" label={t('queueSet.record')} />
        <Line name="caller_number" label={t('queueSet.callerNumber')} placeholder="+861012345678" />
      </Section>
      <Section title={t('queueSet.membersAndOrder')}>
        <Pick
          name="strategy"
          label={t('queueSet.strategy')}
          options={STRATEGIES.map((value) => ({ value, label: t(`strategy.${value}`) }))}
        />
        <Num name="ring_timeout_s" label={t('queueSet.ring_timeout_s')} min={5} max={120} unit="s" />
        <div style={{ gridColumn: '1 / -1' }}>
          <Members agents={things.agents} />
          <Widening />
        </div>
      </Section>
      <Section title={t('queueSet.waiting')}>
        <Num name="max_wait_s" label={q('max_wait_s')} min={0} max={86_400} unit="s" hint={t('queueSet.maxWaitHint')} />
        <Num name="max_length" label={t('queueSet.max_length')} min={1} max={1000} />
        <Num name="target_s" label={t('queueSet.target_s')} min={1} max={3600} unit="s" />
        <Num
          name="wrap_up_max_s"
          label={t('queueSet.wrap_up_max_s')}
          min={0}
          max={3600}
          unit="s"
          hint={t('queueSet.wrapUpHint')}
        />
        <div style={{ gridColumn: '1 / -1' }}>
          <Form.Item name="overflow" label={t('queueSet.overflow')} extra={t('queueSet.overflowHint')}>
            <OverflowInput things={things} />
          </Form.Item>
        </div>
      </Section>
      <Section title={t('queueSet.announcements')}>
        <PromptField name="welcome" label={t('queueSet.welcome')} prompts={prompts} />
        <PromptField name="music" label={t('queueSet.music')} prompts={prompts} hint={t('queueSet.musicHint')} />
        <Num
          name="announce_first_s"
          label={t('queueSet.announce_first_s')}
          min={0}
          max={3600}
          unit="s"
          hint={t('queueSet.announceHint')}
        />
        <Num name="announce_every_s" label={t('queueSet.announce_every_s')} min={10} max={3600} unit="s" />
        <PromptField name="recording_announcement" label={t('queueSet.recordingAnnouncement')} prompts={prompts} />
        <PromptField
          name="agent_announcement"
          label={t('queueSet.agentAnnouncement')}
          prompts={prompts}
          hint={t('queueSet.agentAnnouncementHint')}
        />
        <Pick
          clearable
          name="callback_key"
          label={t('queueSet.callbackKey')}
          placeholder={t('tel.none')}
          hint={t('queueSet.callbackHint')}
          options={named(KEYS)}
        />
      </Section>
      <Section title={t('queueSet.afterwards')}>
        <Pick
          clearable
          name="survey"
          label={t('queueSet.survey')}
          placeholder={t('tel.none')}
          options={named(things.surveys)}
        />
        <Toggle name="survey_after_hangup" label={t('queueSet.surveyAfterHangup')} />
        <PromptField name="voicemail_greeting" label={t('ext.greeting')} prompts={prompts} />
        <Line name="voicemail_email" label={t('ext.mail')} />
      </Section>
      <Section title={t('queueSet.known')}>
        <Pick
          name="sticky"
          label={t('queueSet.sticky')}
          options={STICKY.map((value) => ({ value, label: t(`sticky.${value}`) }))}
        />
        <Num name="sticky_wait_s" label={t('queueSet.sticky_wait_s')} min={5} max={120} unit="s" />
        <Num name="sticky_days" label={t('queueSet.sticky_days')} min={1} max={30} />
      </Section>
    </>
  );
}

function Members({ agents }: { agents: string[] }) {
  const { t } = useTranslation();
  return (
    <Form.Item label={t('queueSet.members')} extra={t('queueSet.levelHint')}>
      <Form.List name="members">
        {(fields, { add, remove }, { errors }) => (
          <Space orientation="vertical" style={{ width: '100%' }} size={6}>
            {fields.map(({ key, name }) => (
              <Space.Compact block key={key}>
                <Form.Item noStyle name={[name, 'agent']} rules={[{ required: true, message: t('agentSet.agent') }]}>
                  <Select
                    showSearch
                    aria-label={t('agentSet.agent')}
                    options={named(agents)}
                    placeholder={t('agentSet.agent')}
                  />
                </Form.Item>
                <Form.Item noStyle name={[name, 'level']}>
                  <InputNumber min={1} max={9} precision={0} prefix={t('queueSet.level')} style={{ width: 130 }} />
                </Form.Item>
                <Form.Item noStyle name={[name, 'order']}>
                  <InputNumber min={0} max={999} precision={0} prefix={t('queueSet.order')} style={{ width: 130 }} />
                </Form.Item>
                <Button aria-label={t('flow.takeOut')} icon={<DeleteOutlined />} onClick={() => remove(name)} />
              </Space.Compact>
            ))}
            <Button
              size="small"
              icon={<PlusOutlined />}
              onClick={() => add({ level: 1, order: fields.length } satisfies Partial<Member>)}
            >
              {t('queueSet.addMember')}
            </Button>
            <Form.ErrorList errors={errors} />
          </Space>
        )}
      </Form.List>
    </Form.Item>
  );
}

function Widening() {
  const { t } = useTranslation();
  return (
    <Form.Item label={t('queueSet.widening')} extra={t('queueSet.wideningHint')}>
      <Form.List name="widening">
        {(fields, { add, remove }, { errors }) => (
          <Space orientation="vertical" style={{ width: '100%' }} size={6}>
            {fields.map(({ key, name }) => (
              <Space.Compact block key={key}>
                <Form.Item noStyle name={[name, 'after_s']}>
                  <InputNumber min={0} max={86_400} precision={0} prefix={t('queueSet.after')} suffix="s" />
                </Form.Item>
                <Form.Item noStyle name={[name, 'level']}>
                  <InputNumber min={1} max={9} precision={0} prefix={t('queueSet.upTo')} />
                </Form.Item>
                <Button aria-label={t('flow.takeOut')} icon={<DeleteOutlined />} onClick={() => remove(name)} />
              </Space.Compact>
            ))}
            <Button
              size="small"
              icon={<PlusOutlined />}
              disabled={fields.length >= 8}
              onClick={() => add({ after_s: fields.length * 30, level: Math.min(9, fields.length + 1) })}
            >
              {t('queueSet.addWidening')}
            </Button>
            <Form.ErrorList errors={errors} />
          </Space>
        )}
      </Form.List>
    </Form.Item>
  );
}
