import { DownloadOutlined, InboxOutlined } from '@ant-design/icons';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Descriptions, Drawer, Progress, Space, Table, Upload } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { inWords, textOf } from '../../api/problem';

type Task = Schemas['TaskShown'];
type Standing = { kind: 'choosing'; refused?: string } | { kind: 'sending' } | { kind: 'sent'; id: string };

export const BLOCKS = ['blocks'] as const;
const BYTES_MAX = 10 * 1_048_576;
/** What a file may hold, with an example that a spreadsheet opens. */
const TEMPLATE =
  'number,side,kind,treatment,expires_at,note\r\n+8613800138000,caller,exact,busy,2030-01-01T00:00:00Z,example\r\n';

const isOver = ({ state }: Task) => state !== 'waiting' && state !== 'running';

/** Takes numbers in from a file: good rows are saved, the others are shown with their reasons (TASK-04). */
export function BlockImport({ close }: { close: () => void }) {
  const { t } = useTranslation();
  const [standing, setStanding] = useState<Standing>({ kind: 'choosing' });
  const send = async (file: File) => {
    if (file.size > BYTES_MAX) return setStanding({ kind: 'choosing', refused: t('blocks.tooLarge') });
    setStanding({ kind: 'sending' });
    const sent = {
      params: { query: { module: 'blocks', name: file.name } },
      body: file as never,
      bodySerializer: () => file,
      headers: { 'Content-Type': 'application/octet-stream' },
    };
    try {
      const { id } = await ask(api.POST('/api/v1/tasks/imports', sent));
      setStanding({ kind: 'sent', id });
    } catch (error) {
      setStanding({ kind: 'choosing', refused: textOf(error) });
    }
  };
  return (
    <Drawer open title={t('blocks.import')} size={640} onClose={close}>
      {standing.kind === 'sent' ? (
        <Progressing id={standing.id} again={() => setStanding({ kind: 'choosing' })} />
      ) : (
        <Space orientation="vertical" size="middle" style={{ width: '100%' }}>
          {standing.kind === 'choosing' && standing.refused && <Alert showIcon type="error" title={standing.refused} />}
          <Upload.Dragger
            accept=".csv,.xlsx"
            showUploadList={false}
            disabled={standing.kind === 'sending'}
            beforeUpload={(file) => {
              void send(file);
              return false;
            }}
          >
            <p className="ant-upload-drag-icon">
              <InboxOutlined />
            </p>
            <p className="ant-upload-text">{t('blocks.drop')}</p>
            <p className="ant-upload-hint">{t('blocks.fileHint')}</p>
          </Upload.Dragger>
          <Button
            icon={<DownloadOutlined />}
            href={`data:text/csv;charset=utf-8,${encodeURIComponent(TEMPLATE)}`}
            download="blocks.csv"
          >
            {t('blocks.template')}
          </Button>
          <Columns />
        </Space>
      )}
    </Drawer>
  );
}

const COLUMNS = ['number', 'side', 'kind', 'treatment', 'expires_at', 'note'] as const;

function Columns() {
  const { t } = useTranslation();
  return (
    <Descriptions
      size="small"
      bordered
      column={1}
      title={t('blocks.columns')}
      items={COLUMNS.map((key) => ({ key, label: key, children: t(`blocks.columnHints.${key}`) }))}
    />
  );
}

/** An import as it goes on, then what came of it. */
function Progressing({ id, again }: { id: string; again: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { data: task } = useQuery({
    queryKey: ['tasks', id],
    queryFn: () => ask(api.GET('/api/v1/tasks/{id}', { params: { path: { id } } })),
    refetchInterval: ({ state: { data } }) => (data && isOver(data) ? false : 500),
  });
  const over = task !== undefined && isOver(task);
  useEffect(() => {
    if (over) void queries.invalidateQueries({ queryKey: BLOCKS });
  }, [over, queries]);
  if (!task) return <Progress percent={0} status="active" />;
  const { rows, rows_failed: failed, rows_total: total, reason, file } = task;
  const percent = over ? 100 : Math.round(((rows + failed) / Math.max(1, total ?? 1)) * 100);
  return (
    <Space orientation="vertical" size="middle" style={{ width: '100%' }}>
      <Progress percent={percent} status={reason ? 'exception' : over ? 'success' : 'active'} />
      {reason && <Alert showIcon type="error" title={inWords(reason)} />}
      {over && !reason && (
        <Alert
          showIcon
          type={failed > 0 ? 'warning' : 'success'}
          title={t('blocks.taken', { taken: rows, failed })}
          data-testid="taken"
        />
      )}
      {over && failed > 0 && <FailedRows id={id} />}
      <Space>
        <Button onClick={again}>{t('blocks.again')}</Button>
        {failed > 0 && file && (
          <Button icon={<DownloadOutlined />} href={file} download>
            {t('blocks.failedFile')}
          </Button>
        )}
      </Space>
    </Space>
  );
}

/** `number: it is blocked already`: the column, and what is wrong with it. */
function said(reason: string): string {
  const [, column = '', detail = ''] = /^(\w+): (.+)$/s.exec(reason) ?? [];
  return column ? `${column}: ${inWords(detail)}` : inWords(reason);
}

function FailedRows({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data, isPending } = useQuery({
    queryKey: ['tasks', id, 'failed'],
    queryFn: () => ask(api.GET('/api/v1/tasks/{id}/failed-rows', { params: { path: { id }, query: { limit: 200 } } })),
  });
  return (
    <Table
      size="small"
      loading={isPending}
      rowKey="row"
      dataSource={data?.items ?? []}
      pagination={{ pageSize: 20, hideOnSinglePage: true }}
      columns={[
        { title: t('blocks.row'), dataIndex: 'row', width: 70 },
        { title: t('blocks.values'), render: (_, { values }) => values.filter(Boolean).join(', ') },
        { title: t('blocks.reason'), render: (_, { reason }) => said(reason) },
      ]}
    />
  );
}
