import { Drawer, Form, Select, Table, Tag, Typography } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useSession } from '../../app/session';
import { moment } from '../../format';
import { Conditions } from '../../ui/Conditions';
import { DataTable } from '../../ui/DataTable';
import { TextField, typed } from '../../ui/fields';
import { changes } from './changes';

type Entry = Schemas['AuditEntry'];
type Resource = keyof typeof RESOURCES;

/** Kinds of settings, and what supervisors act on; others are shown as the server names them. */
const RESOURCES = {
  agent: true,
  agent_state: true,
  block: true,
  call: true,
  caller: true,
  department: true,
  employee: true,
  extension: true,
  flow: true,
  flow_version: true,
  hours: true,
  prompt: true,
  queue: true,
  role: true,
  room: true,
  route: true,
  survey: true,
  tenant: true,
  token: true,
  trunk: true,
  webhook: true,
} as const;
const ACTIONS: Record<string, string> = {
  created: 'success',
  updated: 'processing',
  deleted: 'error',
  supervised: 'warning',
  forced: 'warning',
};

interface Wanted {
  resource?: string;
  by?: string;
}

/** Who changed which setting, when, from what to what, and what supervisors did (LOG-08). */
export function Audit() {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const [form] = Form.useForm<Wanted>();
  const [wanted, setWanted] = useState<Wanted>({});
  const [shown, setShown] = useState<Entry>();
  const resourceWord = (name: string) => (name in RESOURCES ? t(`audit.resources.${name as Resource}`) : name);
  return (
    <div className="page">
      <Conditions form={form} initial={{}} ask={setWanted}>
        <Form.Item name="resource" label={t('audit.resource')}>
          <Select
            allowClear
            showSearch={{ optionFilterProp: 'label' }}
            style={{ width: 180 }}
            placeholder={t('common.all')}
            options={Object.keys(RESOURCES).map((value) => ({ value, label: resourceWord(value) }))}
          />
        </Form.Item>
        <TextField name="by" label={t('audit.by')} />
      </Conditions>
      <DataTable<Entry>
        name={['audit', wanted]}
        load={(page) =>
          ask(api.GET('/api/v1/audit', { params: { query: { ...wanted, by: typed(wanted.by), ...page } } }))
        }
        rowKey={({ id }) => id}
        onRow={(entry) => ({ onClick: () => setShown(entry), style: { cursor: 'pointer' } })}
        columns={[
          { title: t('audit.at'), render: (_, { at }) => moment(at, zone) },
          { title: t('audit.by'), dataIndex: 'by' },
          {
            title: t('audit.action'),
            render: (_, { action }) => (
              <Tag color={ACTIONS[action] ?? 'default'}>
                {action in ACTIONS ? t(`audit.actions.${action as 'created'}`) : action}
              </Tag>
            ),
          },
          { title: t('audit.resource'), render: (_, { resource }) => resourceWord(resource) },
          { title: t('audit.which'), render: (_, entry) => <Which of={entry} /> },
          { title: t('audit.what'), render: (_, entry) => <What of={entry} /> },
        ]}
      />
      {shown && (
        <Drawer
          open
          size={760}
          title={`${resourceWord(shown.resource)} ${shown.resource_id}`}
          onClose={() => setShown(undefined)}
        >
          <Typography.Paragraph>{t('audit.done', { by: shown.by, at: moment(shown.at, zone) })}</Typography.Paragraph>
          <Difference of={shown} />
        </Drawer>
      )}
    </div>
  );
}

/** By its name where it has one: an ID says nothing to people. */
function Which({ of: { before, after, resource_id } }: { of: Entry }) {
  const named = (after ?? before) as { [field: string]: unknown } | null | undefined;
  const name = named?.name || named?.number || named?.description || named?.url;
  return typeof name === 'string' ? name : resource_id;
}

function What({ of }: { of: Entry }) {
  const { t } = useTranslation();
  const names = changes(of.before, of.after).map(({ field }) => field);
  if (of.action !== 'updated') return null;
  const first = names.slice(0, 3).join(', ');
  return names.length > 3 ? t('audit.andMore', { first, count: names.length - 3 }) : first;
}

function Difference({ of: { before, after } }: { of: Entry }) {
  const { t } = useTranslation();
  return (
    <Table
      size="small"
      rowKey="field"
      pagination={false}
      dataSource={changes(before, after)}
      columns={[
        { title: t('audit.field'), dataIndex: 'field', width: 180 },
        { title: t('audit.before'), render: (_, { before: value }) => <Value of={value} /> },
        { title: t('audit.after'), render: (_, { after: value }) => <Value of={value} /> },
      ]}
    />
  );
}

function Value({ of }: { of: string }) {
  return <Typography.Text style={{ whiteSpace: 'pre-wrap', wordBreak: 'break-word' }}>{of}</Typography.Text>;
}
