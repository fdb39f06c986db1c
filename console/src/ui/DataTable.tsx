import { useQuery } from '@tanstack/react-query';
import { Button, Select, Space, Table, type TableProps } from 'antd';
import { type Key, type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Answered, Nothing } from './States';

/** A page of a list, as the API gives it. */
export interface Listed<T> {
  items: T[];
  next_cursor?: string | null;
}

const SIZES = [20, 50, 100];

interface Given<T> {
  /** What is listed and by which conditions: another one begins at the first page. */
  name: readonly unknown[];
  load: (page: { limit: number; cursor?: string }) => Promise<Listed<T>>;
  columns: TableProps<T>['columns'];
  rowKey: (row: T) => Key;
  onRow?: TableProps<T>['onRow'];
  /** Rows are ticked, to do something with all of them. */
  rowSelection?: TableProps<T>['rowSelection'];
  /** What still works where the CRM is off. */
  instead?: ReactNode;
  /** How soon rows are asked for again, ms, while they still change. */
  again?: (rows: readonly T[]) => number | false;
}

/** A list of the API with its pages (GEN-10), newest first. */
export function DataTable<T extends object>(given: Given<T>) {
  const { name, load, columns, rowKey, onRow, rowSelection, instead, again } = given;
  const { t } = useTranslation();
  const [limit, setLimit] = useState(SIZES[0] ?? 20);
  const listed = JSON.stringify([name, limit]);
  const [turned, setTurned] = useState<{ listed: string; cursors: readonly string[] }>({ listed, cursors: [] });
  const cursors = turned.listed === listed ? turned.cursors : [];
  const cursor = cursors.at(-1);
  const query = useQuery({
    queryKey: [...name, limit, cursor],
    queryFn: () => load({ limit, ...(cursor ? { cursor } : {}) }),
    placeholderData: (before) => before,
    refetchInterval: ({ state }) => again?.(state.data?.items ?? []) ?? false,
  });
  const next = query.data?.next_cursor;
  return (
    <Answered query={query} instead={instead}>
      {({ items }) => (
        <>
          <Table<T>
            size="small"
            columns={columns}
            dataSource={items}
            rowKey={rowKey}
            onRow={onRow}
            rowSelection={rowSelection}
            loading={query.isFetching && { delay: 300 }}
            pagination={false}
            scroll={{ x: 'max-content' }}
            locale={{ emptyText: <Nothing text={t('common.empty')} /> }}
          />
          <Space style={{ justifyContent: 'flex-end', width: '100%' }}>
            <Select
              size="small"
              value={limit}
              onChange={setLimit}
              aria-label={t('common.perPage', { count: limit })}
              options={SIZES.map((value) => ({ value, label: t('common.perPage', { count: value }) }))}
            />
            <Button
              size="small"
              disabled={cursors.length === 0}
              onClick={() => setTurned({ listed, cursors: cursors.slice(0, -1) })}
            >
              {t('common.previous')}
            </Button>
            <Button
              size="small"
              disabled={!next}
              onClick={() => next && setTurned({ listed, cursors: [...cursors, next] })}
            >
              {t('common.next')}
            </Button>
          </Space>
        </>
      )}
    </Answered>
  );
}
