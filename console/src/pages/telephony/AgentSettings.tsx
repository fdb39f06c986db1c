import { useQuery } from '@tanstack/react-query';
import { Checkbox, Form, InputNumber, Select, Space, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useMay } from '../../app/session';
import { FormDrawer } from '../../ui/settings/FormDrawer';
import { useDelete } from '../../ui/settings/orders';
import { readAll, SettingsList } from '../../ui/settings/SettingsList';
import { askTagged, ifMatch } from '../../ui/settings/tagged';
import { Line, Num, named, Pick, Section, Toggle } from '../../ui/telephony/fields';
import { useThings } from '../../ui/telephony/useThings';
import { filled, tidy } from '../../ui/telephony/values';

type Agent = Schemas['AgentShown'];
type Rules = Schemas['AgentRules'];
type Queue = Schemas['QueueShown'];
type Shown = { kind: 'none' } | { kind: 'new' } | { kind: 'changed' | 'skills'; agent: string };

const LISTS = [['agents'], ['names', 'agents']];
const SKILL_LISTS = [['queue-members'], ['queues']];

function useQueues(): Queue[] {
  const may = useMay();
  const { data } = useQuery({
    queryKey: ['queue-members'],
    queryFn: async () => (await readAll((query) => ask(api.GET('/api/v1/queues', { params: { query } })))).rows,
    enabled: may('queues.read'),
  });
  return data ?? [];
}

const levelOf = (queue: Queue, agent: string) => (queue.members ?? []).find((member) => member.agent === agent)?.level;

/** Who takes calls, how, and in which queues at which level (QUEUE-01). */
export function AgentSettings() {
  const { t } = useTranslation();
  const may = useMay();
  const erase = useDelete();
  const queues = useQueues();
  const [shown, setShown] = useState<Shown>({ kind: 'none' });
  const close = () => setShown({ kind: 'none' });
  const canWrite = may('agents.write');
  return (
    <div className="page">
      <SettingsList<Agent>
        name={['agents']}
        load={(query) => ask(api.GET('/api/v1/agents', { params: { query } }))}
        rowKey={({ agent }) => agent}
        searchIn={({ agent, extension, mobile }) => [agent, extension, mobile]}
        add={canWrite ? { label: t('agentSet.add'), act: () => setShown({ kind: 'new' }) } : undefined}
        columns={[
          { title: t('agentSet.agent'), dataIndex: 'agent' },
          { title: t('agentSet.extension'), dataIndex: 'extension' },
          {
            title: t('agentSet.skills'),
            render: (_, { agent }) => (
              <Space size={4}>
                {queues
                  .filter((queue) => levelOf(queue, agent) !== undefined)
                  .map((queue) => (
                    <Tag key={queue.name} color="processing">
                      {t('agentSet.skill', { queue: queue.name, level: levelOf(queue, agent) })}
                    </Tag>
                  ))}
              </Space>
            ),
          },
          {
            title: t('agentSet.afterCall'),
            render: (_, { after_call }) => after_call && t(`state.${after_call}`),
          },
          { title: t('agentSet.mobile'), dataIndex: 'mobile' },
          { title: t('queueSet.now'), render: (_, { now }) => t(`state.${now.state}`) },
        ]}
        actions={({ agent, read_only }) => [
          {
            label: t(read_only || !canWrite ? 'tel.see' : 'settings.edit'),
            act: () => setShown({ kind: 'changed', agent }),
          },
          {
            label: t('agentSet.skills'),
            disabled: !may('queues.write'),
            act: () => setShown({ kind: 'skills', agent }),
          },
          ...(canWrite && !read_only
            ? [
                {
                  label: t('agentSet.remove'),
                  danger: true,
                  act: () =>
                    erase({
                      name: agent,
                      hint: t('agentSet.removeHint'),
                      remove: () => ask(api.DELETE('/api/v1/agents/{id}', { params: { path: { id: agent } } })),
                      lists: LISTS,
                    }),
                },
              ]
            : []),
        ]}
      />
      {(shown.kind === 'new' || shown.kind === 'changed') && (
        <Edit agent={shown.kind === 'changed' ? shown.agent : undefined} close={close} />
      )}
      {shown.kind === 'skills' && <Skills agent={shown.agent} close={close} />}
    </div>
  );
}

function Edit({ agent, close }: { agent: string | undefined; close: () => void }) {
  const { t } = useTranslation();
  const may = useMay();
  const { extensions, agents } = useThings();
  const path = { params: { path: { id: agent ?? '' } } };
  return (
    <FormDrawer<Rules & { agent: string }, Agent>
      size={640}
      title={agent ? t('agentSet.edit', { agent }) : t('agentSet.add')}
      lists={LISTS}
      identity="agent"
      close={close}
      read={agent ? () => askTagged(api.GET('/api/v1/agents/{id}', path)) : undefined}
      locked={(shown) =>
        shown?.read_only
          ? t('settings.provisioned')
          : shown && !may('agents.write')
            ? t('problem.forbidden')
            : undefined
      }
      fill={(shown) => shown ?? { after_call: 'wrap_up', missed_limit: 3, mobile_confirm_key: true }}
      save={({ agent: chosen, ...rules }, etag) =>
        agent
          ? ask(api.PUT('/api/v1/agents/{id}', { ...ifMatch(etag), ...path, body: whole(rules) }))
          : ask(api.POST('/api/v1/agents', { body: { agent: chosen, rules: filled(rules) as Rules } }))
      }
    >
      <Section title={t('tel.basic')}>
        {agent ? (
          <Form.Item label={t('agentSet.agent')}>{agent}</Form.Item>
        ) : (
          <Form.Item
            name="agent"
            label={t('agentSet.agent')}
            extra={t('agentSet.agentHint')}
            rules={[{ required: true }]}
          >
            <EmployeeSelect without={agents} />
          </Form.Item>
        )}
        <Pick
          clearable
          name="extension"
          label={t('agentSet.extension')}
          hint={t('agentSet.extensionHint')}
          options={named(extensions)}
        />
        <Pick
          name="after_call"
          label={t('agentSet.afterCall')}
          options={(['wrap_up', 'ready'] as const).map((value) => ({ value, label: t(`state.${value}`) }))}
        />
        <Num name="missed_limit" label={t('agentSet.missedLimit')} min={0} max={10} hint={t('agentSet.missedHint')} />
        <Toggle name="auto_answer" label={t('agentSet.autoAnswer')} hint={t('agentSet.autoAnswerHint')} />
      </Section>
      <Section title={t('agentSet.byMobile')}>
        <Line name="mobile" label={t('agentSet.mobile')} placeholder="13800000000" />
        <Toggle name="mobile_confirm_key" label={t('agentSet.confirmKey')} hint={t('agentSet.confirmHint')} />
      </Section>
    </FormDrawer>
  );
}

/** A rule that is left empty has its default. */
function whole(rules: Omit<Rules & { agent: string }, 'agent'>): Rules {
  const { missed_limit, ...others } = tidy(rules);
  return { ...others, missed_limit: missed_limit ?? 3 } as Rules;
}

function EmployeeSelect({
  value,
  onChange,
  id,
  without,
}: {
  value?: string;
  onChange?: (value: string) => void;
  id?: string;
  without: string[];
}) {
  const may = useMay();
  const { data } = useQuery({
    queryKey: ['employees', 'for-agents'],
    queryFn: async () => (await readAll((query) => ask(api.GET('/api/v1/employees', { params: { query } })))).rows,
    enabled: may('employees.read'),
  });
  const free = (data ?? []).filter(({ number }) => !without.includes(number));
  return (
    <Select
      {...(id ? { id } : {})}
      showSearch
      value={value}
      onChange={onChange}
      options={free.map(({ number, name }) => ({ value: number, label: `${number} ${name}` }))}
    />
  );
}

/** In which queues, at which level: each queue is changed for itself. */
function Skills({ agent, close }: { agent: string; close: () => void }) {
  const { t } = useTranslation();
  type Values = Record<string, { is: boolean; level: number }>;
  return (
    <FormDrawer<Values, Queue[]>
      title={t('agentSet.skillsOf', { agent })}
      lists={SKILL_LISTS}
      close={close}
      read={async () => ({
        value: (await readAll((query) => ask(api.GET('/api/v1/queues', { params: { query } })))).rows,
        etag: undefined,
      })}
      fill={(queues) =>
        Object.fromEntries(
          (queues ?? []).map((queue) => {
            const level = levelOf(queue, agent);
            return [queue.name, { is: level !== undefined, level: level ?? 1 }];
          }),
        )
      }
      save={(values, _, queues) => change(agent, values, queues ?? [])}
    >
      {(form, queues) =>
        (queues ?? []).map(({ name, read_only }) => (
          <div key={name} className="skill-row">
            <Form.Item noStyle name={[name, 'is']} valuePropName="checked">
              <Checkbox disabled={read_only}>{name}</Checkbox>
            </Form.Item>
            <Form.Item noStyle shouldUpdate>
              {() => (
                <Form.Item noStyle name={[name, 'level']}>
                  <InputNumber
                    aria-label={`${name}: ${t('queueSet.level')}`}
                    min={1}
                    max={9}
                    precision={0}
                    prefix={t('queueSet.level')}
                    disabled={read_only || !form.getFieldValue([name, 'is'])}
                  />
                </Form.Item>
              )}
            </Form.Item>
          </div>
        ))
      }
    </FormDrawer>
  );
}

async function change(
  agent: string,
  values: Record<string, { is: boolean; level: number }>,
  queues: Queue[],
): Promise<void> {
  for (const { name, ...before } of queues) {
    const wanted = values[name]?.is ? (values[name]?.level ?? 1) : undefined;
    if (wanted === levelOf({ name, ...before }, agent)) continue;
    const params = { path: { name } };
    // Somebody may have changed its members since the form was read.
    const { value: queue, etag } = await askTagged(api.GET('/api/v1/queues/{name}', { params }));
    const members = queue.members ?? [];
    const others = members.filter((member) => member.agent !== agent);
    const old = members.find((member) => member.agent === agent);
    const mine = wanted === undefined ? [] : [{ agent, order: old?.order ?? others.length, level: wanted }];
    const { name: _, now: __, read_only: ___, created_at: ____, updated_at: _____, ...rules } = queue;
    const body = {
      ...rules,
      members: old ? members.flatMap((one) => (one === old ? mine : [one])) : [...others, ...mine],
    };
    await ask(api.PUT('/api/v1/queues/{name}', { ...ifMatch(etag), params, body }));
  }
}
