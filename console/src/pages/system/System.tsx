import { CheckCircleFilled, CloseCircleFilled } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Alert, Card, Col, Descriptions, Progress, Row, Space, Statistic, Table, Tag, theme } from 'antd';
import dayjs from 'dayjs';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api, ask, type Schemas } from '../../api/client';
import { useSession } from '../../app/session';
import { moment } from '../../format';
import { Answered, Nothing } from '../../ui/States';
import { bytes } from './bytes';

type System = Schemas['SystemShown'];

/** Below so many days left a certificate is warned about, and of a disk so much, %. */
const DAYS_FEW = 21;
const FREE_FEW = 10;

/** How the process is, asked again every five seconds. */
export function SystemPage() {
  const query = useQuery({
    queryKey: ['system'],
    queryFn: () => ask(api.GET('/api/v1/system')),
    refetchInterval: 5_000,
  });
  return (
    <div className="page">
      <Answered query={query}>
        {(system) => (
          <>
            <Health of={system} />
            <Numbers of={system} />
            <Row gutter={[12, 12]}>
              <Col span={12}>
                <Disks of={system} />
              </Col>
              <Col span={12}>
                <Database of={system} />
              </Col>
              <Col span={12}>
                <Journal of={system} />
              </Col>
              <Col span={12}>
                <Tasks />
              </Col>
              <Col span={24}>
                <Certificates of={system} />
              </Col>
            </Row>
          </>
        )}
      </Answered>
    </div>
  );
}

const CHECKS = ['sip', 'journal', 'database', 'admission'] as const;
type Check = (typeof CHECKS)[number];

function Health({ of: { readiness } }: { of: System }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const word = (name: string) => (CHECKS.includes(name as Check) ? t(`system.checks.${name as Check}`) : name);
  const bad = readiness.checks.filter(({ ok }) => !ok);
  return (
    <Card size="small">
      <Space size="large" wrap>
        <b data-testid="ready">{readiness.ready ? t('system.ready') : t('system.notReady')}</b>
        {readiness.checks.map(({ name, ok }) => (
          <Space key={name} size={6}>
            {ok ? (
              <CheckCircleFilled style={{ color: token.colorSuccess }} aria-label={t('system.well')} />
            ) : (
              <CloseCircleFilled style={{ color: token.colorError }} aria-label={t('system.unwell')} />
            )}
            {word(name)}
          </Space>
        ))}
      </Space>
      {bad.map(({ name, detail }) => (
        <Alert key={name} showIcon type="error" style={{ marginTop: 12 }} title={`${word(name)}: ${detail ?? ''}`} />
      ))}
    </Card>
  );
}

function Numbers({ of: { version, started_at, now, calls, registrations, bans } }: { of: System }) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const minutes = dayjs(now).diff(started_at, 'minute');
  const up = { days: Math.floor(minutes / 1440), hours: Math.floor(minutes / 60) % 24, minutes: minutes % 60 };
  const shown = [
    { title: t('system.version'), value: version },
    {
      title: t('system.up'),
      value: t(up.days > 0 ? 'system.upDays' : 'system.upHours', up),
      hint: t('system.since', { time: moment(started_at, zone) }),
    },
    { title: t('system.calls'), value: String(calls) },
    { title: t('system.registrations'), value: String(registrations) },
    { title: t('system.bans'), value: String(bans) },
  ];
  return (
    <div className="cards">
      {shown.map(({ title, value, hint }) => (
        <Card key={title} size="small" title={undefined}>
          <Statistic title={title} value={value} formatter={() => <span title={hint}>{value}</span>} />
        </Card>
      ))}
    </div>
  );
}

function Disks({ of: { disks } }: { of: System }) {
  const { t } = useTranslation();
  return (
    <Card size="small" title={t('system.disks')} style={{ height: '100%' }}>
      {disks.map(({ name, path, free_bytes: free, total_bytes: total }) => {
        const used = total > 0 ? Math.round((1 - free / total) * 100) : 0;
        return (
          <div key={name} style={{ marginBottom: 8 }}>
            <div className="spread">
              <span>{t(`system.disk.${name as 'data'}`)}</span>
              <span className="faint">{t('system.free', { free: bytes(free), total: bytes(total) })}</span>
            </div>
            <Progress aria-label={path} percent={used} status={100 - used < FREE_FEW ? 'exception' : 'normal'} />
            <div className="faint path">{path}</div>
          </div>
        );
      })}
    </Card>
  );
}

function Database({ of: { database, now } }: { of: System }) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const { kind, ok, schema, schema_known } = database;
  return (
    <Card size="small" title={t('system.database')} style={{ height: '100%' }}>
      <Descriptions
        size="small"
        column={1}
        items={[
          { key: 'kind', label: t('system.kind'), children: kind === 'sqlite' ? 'SQLite' : 'PostgreSQL' },
          { key: 'ok', label: t('system.state'), children: <Well ok={ok} /> },
          {
            key: 'schema',
            label: t('system.schema'),
            children: t('system.schemaOf', { schema: schema ?? '-', known: schema_known }),
          },
          { key: 'now', label: t('system.clock'), children: moment(now, zone) },
        ]}
      />
    </Card>
  );
}

function Well({ ok }: { ok: boolean }) {
  const { t } = useTranslation();
  return <Tag color={ok ? 'success' : 'error'}>{ok ? t('system.well') : t('system.unwell')}</Tag>;
}

/** The log of facts, and how far each of its readers is behind: lists, and plugins. */
function Journal({ of: { journal } }: { of: System }) {
  const { t } = useTranslation();
  return (
    <Card size="small" title={t('system.journal')} style={{ height: '100%' }}>
      {journal ? (
        <>
          <Space style={{ marginBottom: 8 }}>
            <Well ok={journal.ok} />
            <span className="faint">{t('system.head', { head: journal.head, durable: journal.durable })}</span>
          </Space>
          <Table
            size="small"
            rowKey="name"
            pagination={false}
            dataSource={journal.consumers}
            columns={[
              { title: t('system.consumer'), dataIndex: 'name' },
              { title: t('system.lag'), align: 'right', render: (_, { lag }) => lag ?? t('system.unknown') },
            ]}
          />
        </>
      ) : (
        <Nothing text={t('common.empty')} />
      )}
    </Card>
  );
}

const STATES: Record<Schemas['TaskState'], string> = {
  waiting: 'default',
  running: 'processing',
  done: 'success',
  failed: 'error',
  expired: 'default',
};

/** The last exports and imports (TASK). */
function Tasks() {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const query = useQuery({
    queryKey: ['tasks', 'last'],
    queryFn: () => ask(api.GET('/api/v1/tasks', { params: { query: { limit: 5 } } })),
    refetchInterval: 5_000,
  });
  return (
    <Card size="small" title={t('system.tasks')} style={{ height: '100%' }}>
      <Answered query={query}>
        {({ items }) => (
          <Table
            size="small"
            rowKey="id"
            pagination={false}
            dataSource={items}
            locale={{ emptyText: <Nothing text={t('system.noTasks')} /> }}
            columns={[
              { title: t('system.task'), dataIndex: 'name', ellipsis: true },
              { title: t('system.operator'), dataIndex: 'operator' },
              { title: t('system.asked'), render: (_, { created_at }) => moment(created_at, zone) },
              {
                title: t('system.state'),
                render: (_, { state, reason }) => (
                  <Tag color={STATES[state]} title={reason ?? undefined}>
                    {t(`system.taskStates.${state}`)}
                  </Tag>
                ),
              },
            ]}
          />
        )}
      </Answered>
    </Card>
  );
}

function Certificates({ of: { certificates, renewals } }: { of: System }) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const left = (days: number) => {
    if (days < 0) return <Tag color="error">{t('system.expired')}</Tag>;
    return <Tag color={days < DAYS_FEW ? 'warning' : 'success'}>{t('system.daysLeft', { count: days })}</Tag>;
  };
  const next = (name?: string | null) => renewals.find((renewal) => renewal.name === name)?.next_at;
  return (
    <Card size="small" title={t('system.certificates')} extra={<Link to="/https">{t('system.certificateHelp')}</Link>}>
      {renewals.map(
        ({ name, next_at, failed_at, failure }) =>
          failure && (
            <Alert
              key={name}
              showIcon
              type="error"
              style={{ marginBottom: 12 }}
              title={t('system.renewalFailed', { name, at: moment(failed_at, zone), next: moment(next_at, zone) })}
              description={failure}
            />
          ),
      )}
      <Table
        size="small"
        rowKey={({ name, path }) => `${name} ${path}`}
        pagination={false}
        dataSource={certificates}
        columns={[
          { title: t('system.host'), render: (_, { name }) => name ?? t('system.allHosts') },
          {
            title: t('system.issuer'),
            ellipsis: true,
            render: (_, { issuer, self_signed }) => (self_signed ? t('system.selfSigned') : issuer),
          },
          { title: t('system.notBefore'), render: (_, { not_before }) => moment(not_before, zone) },
          { title: t('system.notAfter'), render: (_, { not_after }) => moment(not_after, zone) },
          { title: t('system.left'), render: (_, { days_left }) => left(days_left) },
          {
            title: t('system.renewal'),
            render: (_, { name }) => {
              const at = next(name);
              return at ? moment(at, zone) : '-';
            },
          },
          { title: t('system.file'), dataIndex: 'path', ellipsis: true },
        ]}
      />
    </Card>
  );
}
