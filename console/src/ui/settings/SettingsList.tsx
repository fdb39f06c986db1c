/**
 * The kit of settings pages. A page is a list and, while something is added or changed, a form at the side:
 *
 *     type Edited = { kind: 'none' } | { kind: 'new' } | { kind: 'changed'; id: string };
 *     const [edited, setEdited] = useState<Edited>({ kind: 'none' });
 *     const [erase, act] = [useDelete(), useAct()];
 *     <div className="page">
 *       <SettingsList<Room>
 *         name={['rooms']}
 *         load={(query) => ask(api.GET('/api/v1/rooms', { params: { query } }))}
 *         rowKey={(room) => room.number}
 *         searchIn={(room) => [room.number, room.name]}
 *         columns={[{ title: t('rooms.number'), dataIndex: 'number' }]}
 *         add={may('rooms.write') ? { label: t('rooms.add'), act: () => setEdited({ kind: 'new' }) } : undefined}
 *         actions={({ number }) => [
 *           { label: t('settings.edit'), act: () => setEdited({ kind: 'changed', id: number }) },
 *           { label: t('settings.delete'), danger: true, act: () => erase({ name: number, remove: ..., lists: [['rooms']] }) },
 *         ]}
 *       />
 *       {edited.kind !== 'none' && (
 *         <FormDrawer<Values, Room>
 *           title={...} lists={[['rooms']]} identity="number" close={() => setEdited({ kind: 'none' })}
 *           read={edited.kind === 'changed' ? () => askTagged(api.GET('/api/v1/rooms/{number}', ...)) : undefined}
 *           fill={(room) => room ?? { number: '' }}
 *           save={(values, etag) => ask(etag ? api.PATCH(path, { ...ifMatch(etag), params, body }) : api.POST(...))}
 *         >
 *           <Form.Item name="number" label={t('rooms.number')} rules={[{ required: true }]}><Input /></Form.Item>
 *         </FormDrawer>
 *       )}
 *       {secret && <ShownOnce title={...} secret={secret} close={...} />}
 *     </div>
 *
 * - The fields of a form are named as the API names them (`['handling', 'voicemail_email']`): so problems of the server find their field.
 *   `rules={[{ required: true }]}` marks a required one (GEN-13); antd has the words for it.
 * - `askTagged` and `ifMatch` (tagged.ts) make a change conditional: on 412 the form says that somebody else was faster and reads it again.
 * - `useDelete` (orders.ts) asks first (GEN-12) and says why the server refuses; `useAct` does something at once and says so.
 * - `ShownOnce` is for passwords and secrets that the server tells once.
 * - What the server says in English has Chinese words where `learn` (i18n/refusals.ts) was given them.
 */
import { PlusOutlined, SearchOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Alert, Button, Dropdown, Input, Space, Table, type TableProps } from 'antd';
import { type Key, type ReactNode, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Listed } from '../DataTable';
import { Answered, Nothing } from '../States';

export interface RowAction {
  label: string;
  act: () => void;
  danger?: boolean;
  disabled?: boolean;
}

interface Given<Row> {
  /** The key of its query, by which `lists` of forms and orders names it. */
  name: readonly unknown[];
  load: (page: { limit: number; cursor?: string }) => Promise<Listed<Row>>;
  rowKey: (row: Row) => Key;
  columns: NonNullable<TableProps<Row>['columns']>;
  /** The texts of a row that the search looks into; left out, there is no search. */
  searchIn?: (row: Row) => (string | null | undefined)[];
  /** What the search says that it looks for. */
  searchLabel?: string;
  /** What is shown where there is none at all; left out, that there is nothing. */
  empty?: string;
  add?: { label: string; act: () => void } | undefined;
  actions?: (row: Row) => RowAction[];
  /** Beside the search: other conditions; or other buttons. */
  conditions?: ReactNode;
  extra?: ReactNode;
  /** Only these rows, by the other conditions. */
  filter?: (row: Row) => boolean;
  /** Asked again so often, ms. */
  every?: number;
}

/** Settings are few: they are read whole, up to this many, so that a search finds all. */
const MOST = 5_000;
const PAGE = 200;

/** Every row of a list of the API, up to `MOST`. */
export async function readAll<Row>(load: Given<Row>['load']): Promise<{ rows: Row[]; isWhole: boolean }> {
  const rows: Row[] = [];
  let cursor: string | undefined;
  do {
    const page = await load({ limit: PAGE, ...(cursor ? { cursor } : {}) });
    rows.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor && rows.length < MOST);
  return { rows, isWhole: !cursor };
}

/** A list of settings: search, something new, and what may be done with each. */
export function SettingsList<Row extends object>(given: Given<Row>) {
  const { t } = useTranslation();
  const [sought, setSought] = useState('');
  const { name, load, searchIn, searchLabel = t('settings.search'), add, conditions, extra, every } = given;
  const query = useQuery({
    // Others ask for the same by the same name, and keep another shape of it.
    queryKey: [...name, 'whole list'],
    queryFn: () => readAll(load),
    placeholderData: (before) => before,
    ...(every ? { refetchInterval: every } : {}),
  });
  return (
    <>
      <div className="settings-head">
        <Space wrap>
          {searchIn && (
            <Input
              allowClear
              prefix={<SearchOutlined />}
              value={sought}
              placeholder={searchLabel}
              aria-label={searchLabel}
              onChange={({ target }) => setSought(target.value)}
              style={{ width: 240 }}
            />
          )}
          {conditions}
        </Space>
        <Space wrap>
          {extra}
          {add && (
            <Button type="primary" icon={<PlusOutlined />} aria-label={add.label} onClick={add.act}>
              {add.label}
            </Button>
          )}
        </Space>
      </div>
      <Answered query={query}>
        {({ rows, isWhole }) => (
          <Rows given={given} rows={rows} isWhole={isWhole} sought={sought} isBusy={query.isFetching && !every} />
        )}
      </Answered>
    </>
  );
}

interface RowsGiven<Row> {
  given: Given<Row>;
  rows: Row[];
  isWhole: boolean;
  sought: string;
  isBusy: boolean;
}

function Rows<Row extends object>({ given, rows, isWhole, sought, isBusy }: RowsGiven<Row>) {
  const { t } = useTranslation();
  const { rowKey, columns, searchIn, filter, actions, empty } = given;
  const wanted = sought.trim().toLocaleLowerCase();
  const found = useMemo(
    () =>
      rows
        .filter((row) => filter?.(row) ?? true)
        .filter((row) => !wanted || searchIn?.(row).some((text) => text?.toLocaleLowerCase().includes(wanted))),
    [rows, filter, searchIn, wanted],
  );
  const last = {
    title: t('common.operation'),
    key: 'actions',
    fixed: 'right' as const,
    render: (_: unknown, row: Row) => <Actions of={actions?.(row) ?? []} />,
  };
  return (
    <>
      {!isWhole && <Alert showIcon type="info" title={t('settings.truncated', { count: rows.length })} />}
      <Table<Row>
        size="small"
        rowKey={rowKey}
        dataSource={found}
        columns={actions ? [...columns, last] : columns}
        loading={isBusy && { delay: 300 }}
        scroll={{ x: 'max-content' }}
        pagination={{
          defaultPageSize: 20,
          pageSizeOptions: [20, 50, 100],
          showSizeChanger: true,
          hideOnSinglePage: found.length <= 20,
          showTotal: (count) => t('settings.count', { count }),
        }}
        locale={{
          emptyText: <Nothing text={rows.length === 0 ? (empty ?? t('common.empty')) : t('settings.noneFound')} />,
        }}
      />
    </>
  );
}

const IN_VIEW = 3;

/** The first stand in the row, the others behind "more". */
export function Actions({ of }: { of: RowAction[] }) {
  const { t } = useTranslation();
  const split = of.length > IN_VIEW ? IN_VIEW - 1 : of.length;
  const more = of.slice(split);
  return (
    <Space size={0}>
      {of.slice(0, split).map(({ label, act, danger = false, disabled = false }) => (
        <Button key={label} type="link" size="small" danger={danger} disabled={disabled} onClick={act}>
          {label}
        </Button>
      ))}
      {more.length > 0 && (
        <Dropdown
          trigger={['click']}
          menu={{
            items: more.map(({ label, act, danger = false, disabled = false }) => ({
              key: label,
              label,
              danger,
              disabled,
              onClick: act,
            })),
          }}
        >
          <Button type="link" size="small">
            {t('common.more')}
          </Button>
        </Dropdown>
      )}
    </Space>
  );
}
