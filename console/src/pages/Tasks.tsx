import { DownloadOutlined } from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { App, Button, Drawer, Form, Space, Tabs, Tag, Tooltip } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../api/client';
import { inWords, textOf } from '../api/problem';
import { useSession } from '../app/session';
import { moment, span, today } from '../format';
import { Conditions } from '../ui/Conditions';
import { DataTable } from '../ui/DataTable';
import { useModules } from '../ui/ExportButton';
import { ChoiceField, TextField, type Timed, TimeField, typed } from '../ui/fields';
import { ImportButton } from './ImportButton';
import { useModuleName } from './modules';

type Task = Schemas['TaskShown'];
type Kind = Schemas['TaskKind'];
type State = Schemas['TaskState'];

const COLOURS: Record<State, string> = {
  waiting: 'default',
  running: 'processing',
  done: 'success',
  failed: 'error',
  expired: 'warning',
};
const STATES = Object.keys(COLOURS) as State[];
const isLive = ({ state }: Task) => state === 'waiting' || state === 'running';
/** How soon a task that still runs is looked at again, ms. */
const AGAIN_MS = 2_000;

interface Wanted extends Timed {
  module?: string;
  operator?: string;
  state?: State;
}

/** Exports and imports (TASK-01 to TASK-05): one's own, or all by permission. */
export function Tasks() {
  const { t } = useTranslation();
  return (
    <Tabs
      destroyOnHidden
      items={[
        { key: 'export', label: t('tasks.downloads'), children: <Listed kind="export" /> },
        { key: 'import', label: t('tasks.imports'), children: <Listed kind="import" /> },
      ]}
    />
  );
}

function Listed({ kind }: { kind: Kind }) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const nameOf = useModuleName();
  const modules = useModules().filter((one) => one.kind === kind);
  const [form] = Form.useForm<Wanted>();
  const initial: Wanted = { time: today(zone) };
  const [wanted, setWanted] = useState<Wanted>(initial);
  const conditions = {
    kind,
    ...span(wanted.time, zone),
    module: wanted.module,
    operator: typed(wanted.operator),
    state: wanted.state,
  };
  return (
    <div className="page">
      <Conditions form={form} initial={initial} ask={setWanted} extra={kind === 'import' && <ImportButton />}>
        <TimeField label={t('tasks.time')} />
        <ChoiceField
          name="module"
          label={t('tasks.module')}
          options={modules.map(({ module }) => ({ value: module, label: nameOf(module) }))}
          width={160}
        />
        <TextField name="operator" label={t('tasks.operator')} width={110} />
        <ChoiceField
          name="state"
          label={t('tasks.state')}
          options={STATES.map((value) => ({ value, label: t(`taskState.${value}`) }))}
        />
      </Conditions>
      <DataTable<Task>
        name={['tasks', conditions]}
        load={(page) => ask(api.GET('/api/v1/tasks', { params: { query: { ...conditions, ...page } } }))}
        rowKey={({ id }) => id}
        again={(rows) => (rows.some(isLive) ? AGAIN_MS : false)}
        columns={useColumns(kind)}
      />
    </div>
  );
}

function useColumns(kind: Kind) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const nameOf = useModuleName();
  const failed = { title: t('tasks.rowsFailed'), dataIndex: 'rows_failed' };
  return [
    { title: t('tasks.module'), render: (_: unknown, { module }: Task) => nameOf(module) },
    { title: t('tasks.name'), dataIndex: 'name' },
    { title: t('tasks.operator'), dataIndex: 'operator' },
    { title: t('tasks.start'), render: (_: unknown, task: Task) => moment(task.created_at, zone) },
    { title: t('tasks.end'), render: (_: unknown, task: Task) => moment(task.ended_at, zone) },
    {
      title: t('tasks.rows'),
      render: (_: unknown, { rows, rows_total: total }: Task) =>
        typeof total === 'number' ? t('tasks.rowsOf', { done: rows, total }) : rows,
    },
    ...(kind === 'import' ? [failed] : []),
    {
      title: t('tasks.state'),
      render: (_: unknown, { state, reason }: Task) => (
        <Tooltip title={reason && inWords(reason)}>
          <Tag color={COLOURS[state]}>{t(`taskState.${state}`)}</Tag>
        </Tooltip>
      ),
    },
    {
      title: t('tasks.validUntil'),
      render: (_: unknown, { file, expires_at }: Task) => (file ? moment(expires_at, zone) : ''),
    },
    {
      title: t('common.operation'),
      fixed: 'right' as const,
      render: (_: unknown, task: Task) => <Actions task={task} />,
    },
  ];
}

/** A file while it is valid (TASK-03), the rows that were not taken, and an end to what still runs. */
function Actions({ task }: { task: Task }) {
  const { t } = useTranslation();
  const { message, modal } = App.useApp();
  const queries = useQueryClient();
  const [isOpen, setIsOpen] = useState(false);
  const cancel = () =>
    modal.confirm({
      title: t('tasks.cancel'),
      content: t('tasks.cancelAsk'),
      okText: t('common.ok'),
      cancelText: t('common.cancel'),
      onOk: () =>
        ask(api.POST('/api/v1/tasks/{id}/cancel', { params: { path: { id: task.id } } })).then(
          () => queries.invalidateQueries({ queryKey: ['tasks'] }),
          (error) => void message.error(textOf(error)),
        ),
    });
  return (
    <Space size={0}>
      {task.file && <FileButton file={task.file} />}
      {task.rows_failed > 0 && (
        <Button type="link" size="small" onClick={() => setIsOpen(true)}>
          {t('tasks.failedRows')}
        </Button>
      )}
      {isLive(task) && (
        <Button type="link" danger size="small" onClick={cancel}>
          {t('tasks.cancel')}
        </Button>
      )}
      {isOpen && <FailedRows task={task} close={() => setIsOpen(false)} />}
    </Space>
  );
}

function FileButton({ file }: { file: string }) {
  const { t } = useTranslation();
  return (
    <Button
      type="link"
      size="small"
      aria-label={t('records.download')}
      icon={<DownloadOutlined />}
      href={file}
      download
    >
      {t('records.download')}
    </Button>
  );
}

type FailedRow = Schemas['FailedRowShown'];

/** The rows that an import did not take, with their numbers, values and reasons (TASK-04). */
function FailedRows({ task, close }: { task: Task; close: () => void }) {
  const { t } = useTranslation();
  const heads = useModules().find((one) => one.kind === 'import' && one.module === task.module)?.columns ?? [];
  return (
    <Drawer open title={`${t('tasks.failedRows')} ${task.name}`} size={860} onClose={close}>
      <div className="page">
        {task.file && (
          <div>
            <FileButton file={task.file} />
          </div>
        )}
        <DataTable<FailedRow>
          name={['failed-rows', task.id]}
          load={(query) => ask(api.GET('/api/v1/tasks/{id}/failed-rows', { params: { path: { id: task.id }, query } }))}
          rowKey={({ row }) => row}
          columns={[
            { title: t('tasks.row'), dataIndex: 'row', fixed: 'left' },
            { title: t('tasks.reason'), render: (_, { reason }) => inWords(reason) },
            ...heads.map((title, place) => ({ title, render: (_: unknown, { values }: FailedRow) => values[place] })),
          ]}
        />
      </div>
    </Drawer>
  );
}
